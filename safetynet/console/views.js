/**
 * Which camera stands where on the wall, and what is known of its picture. The machine's order of cameras comes from
 * the centre; this module keeps the wall calm: places change at most every 4 s, never the focused one, and a picture
 * that moves to another place is not opened anew.
 */
import { now } from './clock.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Camera} Camera */
/** @typedef {import('./types.js').Tile} Tile */
/** @typedef {{tile: number, key: string, grant: string, canvas: HTMLCanvasElement|HTMLVideoElement, state: 'waiting'|'live'|'lost'|'ended'|'refused',
 *   why: string|null, since: number, frame_at: number|null, mode: string}} Feed */

export const SLOTS = 4;
export const SLOTS_MAX = 9;
const SHIFT_MS_MIN = 4_000;
const STALE_MS = 2_000;
const AGES_DRAWN_MS = 500;
const ADMIT_WAIT_MS = 3_000;
/** How long a better camera keeps its place while its city still answers: the next city's pictures would be opened for nothing. */
const ANSWER_MS = 500;
const TILE_NUMBER_MAX = 999;
/** The relay does not know this window: it lost its memory, or the centre its own. Who really is signed out hears it on the other line. */
const FORGOTTEN = new Set(['refused no_such_grant', 'ended signed_out']);

/** An id is its city's own word: two cities may use the same. @param {Camera} camera */
export const cameraKey = (camera) => `${camera.city}/${camera.camera}`;

/** Events: `change`; `need` {grant}: this window needs a token for a live grant. */
export class Views extends EventTarget {
  /**
   * @param {() => Promise<import('./types.js').Player>} load brings the player when the first token arrives
   * @param {number} [slots] places on the wall
   */
  constructor(load, slots = SLOTS) {
    super();
    this.load = load;
    /** @type {Promise<import('./types.js').Player>|null} */
    this.loading = null;
    /** @type {import('./types.js').Player|null} */
    this.player = null;
    this.broken = false;
    /** @type {Incident|null} */
    this.incident = null;
    /** @type {(string|null)[]} camera per place, by `cameraKey` */
    this.slots = Array(slots).fill(null);
    /** @type {Map<string, Camera>} the last word on each camera */
    this.known = new Map();
    /** @type {Map<string, Feed>} by `cameraKey` */
    this.feeds = new Map();
    /** @type {Set<string>} grants this window was admitted to */
    this.admitted = new Set();
    /** @type {Map<string, number>} when a token was asked for */
    this.asked = new Map();
    /** @type {number|null} the place under the keyboard, from 0 */
    this.focused = null;
    /** @type {number|null} the place that fills the wall, from 0 */
    this.enlarged = null;
    this.shifted_at = 0;
    this.tile = 0;
    this.expected_at = 0;
    this.aged_ms = 0;
  }

  /** Has the player ready before the first picture is asked for: its modules and its worker take a quarter second. */
  async prepare() {
    try {
      this.loading ??= this.load();
      const player = await this.loading;
      if (!this.player) this.#listen(player);
      this.player = player;
    } catch (error) {
      console.error('player', error);
      this.loading = null;  // the first token tries again, and says so when that fails too
    }
  }

  /** A token for this window came: the picture may be opened. @param {string} grant @param {string} token */
  async admit(grant, token) {
    this.asked.delete(grant);
    try {
      this.loading ??= this.load();
      const player = await this.loading;
      if (!this.player) this.#listen(player);
      this.player = player;
      player.hello(token);
      this.admitted.add(grant);
    } catch (error) {
      console.error('player', error);
      this.broken = true;
      this.loading = null;
    }
    this.show(this.incident);
  }

  /** The operator pressed V: the centre will send a token by itself. */
  expect() {
    this.expected_at = now();
    setTimeout(() => this.show(this.incident), ANSWER_MS);
  }

  /** @param {import('./types.js').Player} player */
  #listen(player) {
    const on = (/** @type {string} */ kind, /** @type {(said: any) => void} */ heed) =>
      player.addEventListener(kind, (event) => {
        heed(/** @type {CustomEvent} */ (event).detail);
        this.dispatchEvent(new Event('change'));
      });
    on('state', ({ tile, state, why }) => this.#with(tile, (feed) => {
      if (FORGOTTEN.has(`${state} ${why}`)) this.#forgotten(feed);
      else this.#step(feed, state, why ?? null);
    }));
    on('picture', ({ tile, at_ms }) => this.#with(tile, (feed) => {
      this.#step(feed, 'live', null);
      feed.frame_at ??= typeof at_ms === 'number' ? Math.min(at_ms, now()) : now();
    }));
    // Nine pictures tell their age five times a second each: the page is not drawn anew for every one of them.
    player.addEventListener('age', (event) => {
      const { tile, age_ms } = /** @type {CustomEvent} */ (event).detail;
      this.#with(tile, (feed) => { feed.frame_at = now() - age_ms; });
      if (performance.now() - this.aged_ms < AGES_DRAWN_MS) return;
      this.aged_ms = performance.now();
      this.dispatchEvent(new Event('change'));
    });
    on('grant', ({ grant, state, why }) => this.#grant(grant, state, why ?? null));
  }

  /** @param {Feed} feed @param {Feed['state']} state @param {string|null} why */
  #step(feed, state, why) {
    if (feed.state !== state) feed.since = now();
    feed.state = state;
    feed.why = why;
  }

  /** @param {number} tile @param {(feed: Feed) => void} then */
  #with(tile, then) {
    for (const feed of this.feeds.values()) if (feed.tile === tile) then(feed);
  }

  /** The relay does not know this window under that grant, and the centre may: a new token is asked for. @param {Feed} feed */
  #forgotten(feed) {
    this.admitted.delete(feed.grant);
    this.#close(feed);
  }

  /** @param {string} grant @param {string} state @param {string|null} why */
  #grant(grant, state, why) {
    if (state === 'admitted') return;
    this.admitted.delete(grant);
    for (const feed of this.feeds.values()) {
      if (feed.grant !== grant) continue;
      if (state === 'lost' || FORGOTTEN.has(`${state} ${why}`)) this.#close(feed);
      else this.#step(feed, state === 'refused' ? 'refused' : 'ended', why);
    }
  }

  /** Takes the newest word on the incident in view. @param {Incident|null} incident */
  show(incident) {
    if (incident?.id !== this.incident?.id) this.#clear();
    this.incident = incident;
    if (incident) {
      for (const camera of incident.video.cameras) this.known.set(cameraKey(camera), camera);
      this.#place(incident);
      this.#open(incident);
    }
    this.dispatchEvent(new Event('change'));
  }

  /** More or fewer places: pictures that stay keep theirs. @param {number} slots */
  resize(slots) {
    if (slots === this.slots.length) return;
    this.slots = [...this.slots, ...Array(SLOTS_MAX).fill(null)].slice(0, slots);
    if (this.enlarged !== null && this.enlarged >= slots) this.enlarged = null;
    if (this.focused !== null && this.focused >= slots) this.focused = null;
    this.show(this.incident);
  }

  /** The line to the centre came back, or the machine woke: what is missing is asked for now, not after its pause. */
  again() {
    this.asked.clear();
    this.player?.doubt?.();
    this.show(this.incident);
  }

  #clear() {
    for (const feed of this.feeds.values()) this.#close(feed);
    this.slots.fill(null);
    this.known.clear();
    this.enlarged = null;
    this.shifted_at = 0;
  }

  /** @param {Incident} incident @returns {(camera: Camera) => boolean} whether it may be seen or asked for */
  #usable(incident) {
    const live = new Set(incident.video.grants.filter((each) => each.state !== 'ended').map((each) => each.grant));
    return (camera) => camera.state === 'proposed' || (camera.state === 'granted' && camera.grant !== null && live.has(camera.grant));
  }

  /** @param {Incident} incident */
  #place(incident) {
    if (incident.state === 'closed') return;
    const usable = incident.video.cameras.filter(this.#usable(incident));
    const asked = now() - this.expected_at < ANSWER_MS
      ? new Set(incident.video.requests.filter((each) => each.state === 'requested').map((each) => each.city)) : new Set();
    const first = (/** @type {Camera} */ each) => each.state === 'granted' || asked.has(each.city);
    const wanted = [...usable.filter(first), ...usable.filter((each) => !first(each))].slice(0, this.slots.length).map(cameraKey);
    const may = now() - this.shifted_at >= SHIFT_MS_MIN;
    const before = this.slots.join();
    const missing = wanted.filter((camera) => !this.slots.includes(camera));
    for (let slot = 0; slot < this.slots.length && missing.length; slot++) {
      const there = this.slots[slot];
      if (there !== null && (wanted.includes(there) || slot === this.focused)) continue;
      if (there === null || may || !this.#watched(there)) this.slots[slot] = /** @type {string} */ (missing.shift());
    }
    const at = this.slots.indexOf(wanted[0] ?? '');
    const calm = may || ![0, at].some((slot) => this.#watched(this.slots[slot]));
    if (at > 0 && calm && this.focused !== 0 && this.focused !== at) [this.slots[0], this.slots[at]] = [this.slots[at], this.slots[0]];
    if (this.slots.join() !== before && this.feeds.size) this.shifted_at = now();
  }

  /** @param {string|null} key */
  #watched(key) {
    return key !== null && this.feeds.get(key)?.state === 'live';
  }

  /** @param {Incident} incident */
  #open(incident) {
    const usable = this.#usable(incident);
    for (const feed of [...this.feeds.values()]) {
      const camera = this.known.get(feed.key);
      if (incident.state === 'closed' || !this.slots.includes(feed.key) || !camera || !usable(camera)) this.#close(feed);
    }
    if (incident.state === 'closed') return;
    this.slots.forEach((id, slot) => {
      const camera = id ? this.known.get(id) : undefined;
      if (!camera?.grant || camera.state !== 'granted' || !usable(camera)) return;
      if (!this.admitted.has(camera.grant)) this.#need(camera.grant);
      else if (!this.feeds.has(cameraKey(camera))) this.#begin(camera, camera.grant);
      this.#mode(cameraKey(camera), slot);
    });
  }

  /** @param {string} grant */
  #need(grant) {
    const at = now();
    if (at - this.expected_at < ADMIT_WAIT_MS || at - (this.asked.get(grant) ?? 0) < ADMIT_WAIT_MS || this.broken) return;
    this.asked.set(grant, at);
    this.dispatchEvent(new CustomEvent('need', { detail: { grant } }));
  }

  /** @param {Camera} camera @param {string} grant */
  #begin(camera, grant) {
    const used = new Set([...this.feeds.values()].map((feed) => feed.tile));
    do this.tile = (this.tile % TILE_NUMBER_MAX) + 1; while (used.has(this.tile));
    const canvas = this.player?.surface?.() ?? document.createElement('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    const key = cameraKey(camera);
    this.feeds.set(key, { tile: this.tile, key, grant, canvas, state: 'waiting', why: null, since: now(), frame_at: null, mode: 'full' });
    this.player?.open(this.tile, canvas, { grant, camera: camera.camera });
  }

  /** A picture behind an enlarged one costs nothing. @param {string} key @param {number} slot */
  #mode(key, slot) {
    const feed = this.feeds.get(key);
    const mode = this.enlarged !== null && this.enlarged !== slot ? 'paused' : 'full';
    if (!feed || feed.mode === mode) return;
    feed.mode = mode;
    this.player?.mode(feed.tile, mode);
  }

  /** @param {Feed} feed */
  #close(feed) {
    this.feeds.delete(feed.key);
    feed.canvas.remove();
    this.player?.close(feed.tile);
  }

  /** The wall as it is to be drawn. @returns {Tile[]} */
  tiles() {
    return this.slots.map((id, slot) => this.#tile(id ? this.known.get(id) ?? null : null, slot));
  }

  /** @param {Camera|null} camera @param {number} index @returns {Tile} */
  #tile(camera, index) {
    const incident = this.incident;
    /** @type {Tile} */
    const tile = { slot: index + 1, state: 'empty', camera, why: null, since: 0, frame_at: null, canvas: null, until: null, city_name: camera?.city_name ?? '' };
    if (!incident) return tile;
    const { requests, grants } = incident.video;
    if (!camera) {
      const shown = new Set(this.slots.map((id) => (id ? this.known.get(id)?.city : null)));
      const empty = this.slots.slice(0, index).filter((id) => id === null).length;
      const request = requests.filter((each) => (each.state === 'refused' || each.state === 'requested') && !shown.has(each.city))[empty];
      return incident.state !== 'closed' && request ? { ...tile, ...asking(request) } : { ...tile, note: emptiness(incident) };
    }
    const grant = grants.find((each) => each.grant === camera.grant);
    if (incident.state === 'closed') return { ...tile, state: 'ended', why: 'incident_closed', since: incident.closed_at ?? 0 };
    if (camera.state === 'ended' || grant?.state === 'ended') return { ...tile, state: 'ended', why: grant?.why ?? 'moved_on', since: 0 };
    if (camera.state === 'proposed' || !grant) {
      const request = requests.find((each) => each.city === camera.city && (each.state === 'requested' || each.state === 'refused'));
      return request ? { ...tile, ...asking(request) } : { ...tile, state: 'proposed' };
    }
    const feed = this.feeds.get(cameraKey(camera));
    if (this.broken) return { ...tile, until: grant.until, state: 'lost', why: 'no_player' };
    if (!feed) return { ...tile, until: grant.until, state: 'waiting', since: grant.granted_at };
    // Refused by a relay, not by the city: no city is named.
    if (feed.state === 'refused') return { ...tile, state: 'refused', why: feed.why, since: feed.since, city_name: '' };
    const stale = feed.state === 'live' && feed.frame_at !== null && now() - feed.frame_at > STALE_MS;
    return { ...tile, until: grant.until, state: stale ? 'stale' : feed.state, why: feed.why, since: feed.since, frame_at: feed.frame_at, canvas: feed.canvas };
  }
}

/** Why there is no camera here: that none sees the place is said only after somebody looked. @param {Incident} incident */
function emptiness({ law, video, state }) {
  if (state === 'closed') return 'tile.none_any_more';
  if (law && !law.basis) return 'tile.no_basis';
  if (video.cameras.length) return 'tile.no_more';
  if (video.requests.some((each) => each.state === 'prepared')) return 'tile.looking';
  return video.requests.length ? 'tile.empty' : 'tile.unasked';
}

/** @param {import('./types.js').VideoRequest} request @returns {{state: 'asked'|'refused', why: string|null, since: number, city_name: string, answer_by: number|null}} */
const asking = (request) => ({
  state: request.state === 'refused' ? 'refused' : 'asked', why: request.why, since: request.asked_at ?? 0, city_name: request.city_name, answer_by: request.answer_by ?? null,
});
