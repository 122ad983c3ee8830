/**
 * The officer's one picture: the best camera of his order, or the one he chose; key frames only. Each grant is opened by
 * a single-use token that is asked for when it is needed. Without a connection the last picture stays, with its age.
 */
import { now } from './clock.js';

/** @typedef {import('./types.js').Order} Order */
/** @typedef {import('./types.js').Tile} Tile */
/** @typedef {import('./types.js').Camera} Camera */

const ASK_MS_MIN = 3_000;
const SHIFT_MS_MIN = 4_000;
/** Key frames come every two seconds where the camera does as it is asked; three missed ones are late. */
const STALE_MS = 6_500;
const TILE_NUMBER_MAX = 999;

/** Events: `change`; `need` {dispatch, grant}: this window needs a token for a live grant. */
export class Picture extends EventTarget {
  /** @param {() => Promise<import('./types.js').Player>} load */
  constructor(load) {
    super();
    this.load = load;
    /** @type {Promise<import('./types.js').Player>|null} */
    this.loading = null;
    /** @type {import('./types.js').Player|null} */
    this.player = null;
    /** @type {Order|null} */
    this.order = null;
    /** @type {Set<string>} */
    this.admitted = new Set();
    /** @type {Map<string, number>} */
    this.asked = new Map();
    /** @type {{camera: string, grant: string, tile: number, canvas: HTMLCanvasElement, state: Tile['state'], why: string|null, since: number, frame_at: number|null}|null} */
    this.feed = null;
    /** The officer's own choice; the best one until he makes one. @type {string|null} */
    this.chosen = null;
    this.shifted_at = 0;
    this.number = 0;
  }

  /** Takes the newest word on the order. @param {Order|null} order */
  show(order) {
    this.order = order;
    const camera = this.camera();
    if (!camera) this.#close();
    else if (this.feed?.camera !== camera.camera) this.#shift(camera);
    else if (this.feed.grant !== camera.grant || !this.admitted.has(this.feed.grant)) this.#open(camera);
  }

  /** @returns {Camera|null} */
  camera() {
    const cameras = this.order?.cameras ?? [];
    return cameras.find((each) => each.camera === this.chosen) ?? cameras[0] ?? null;
  }

  /** Which of how many, from 1. */
  place() {
    const cameras = this.order?.cameras ?? [];
    const camera = this.camera();
    return { n: cameras.findIndex((each) => each.camera === camera?.camera) + 1, of: cameras.length };
  }

  /** @param {1|-1} by */
  next(by) {
    const { n, of } = this.place();
    if (of < 2) return;
    this.chosen = this.order?.cameras[(n - 1 + by + of) % of].camera ?? null;
    this.shifted_at = 0;
    this.show(this.order);
    this.dispatchEvent(new Event('change'));
  }

  /** The best camera may change; the picture does not flicker with it. @param {Camera} camera */
  #shift(camera) {
    const held = this.order?.cameras.some((each) => each.camera === this.feed?.camera);
    if (held && now() - this.shifted_at < SHIFT_MS_MIN && this.chosen !== camera.camera) return;
    this.shifted_at = now();
    this.#close();
    this.#open(camera);
  }

  /** @param {Camera} camera */
  #open(camera) {
    const grant = camera.grant;
    if (!grant || !this.order) return;
    if (!this.admitted.has(grant)) {
      if (now() - (this.asked.get(grant) ?? 0) < ASK_MS_MIN) return;
      this.asked.set(grant, now());
      this.dispatchEvent(new CustomEvent('need', { detail: { dispatch: this.order.dispatch, grant } }));
      return;
    }
    this.#close();
    this.number = (this.number % TILE_NUMBER_MAX) + 1;
    const canvas = document.createElement('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    this.feed = { camera: camera.camera, grant, tile: this.number, canvas, state: 'waiting', why: null, since: now(), frame_at: null };
    this.player?.open(this.number, canvas, { grant, camera: camera.camera });
    this.player?.mode(this.number, 'key');
  }

  #close() {
    if (!this.feed) return;
    this.player?.close(this.feed.tile);
    this.feed.canvas.remove();
    this.feed = null;
  }

  /** @param {string} grant @param {string} token */
  async admit(grant, token) {
    this.loading ??= this.load();
    const player = await this.loading;
    if (!this.player) this.#listen(player);
    this.player = player;
    player.hello(token);
    this.admitted.add(grant);
    this.show(this.order);
    this.dispatchEvent(new Event('change'));
  }

  /** @param {import('./types.js').Player} player */
  #listen(player) {
    const on = (/** @type {string} */ kind, /** @type {(said: any) => void} */ heed) => player.addEventListener(kind, (event) => {
      heed(/** @type {CustomEvent} */ (event).detail);
      this.dispatchEvent(new Event('change'));
    });
    const step = (/** @type {any} */ said, /** @type {Tile['state']} */ state) => {
      const feed = this.feed;
      if (!feed || feed.tile !== said.tile) return;
      if (feed.state !== state) feed.since = now();
      feed.state = state;
      feed.why = said.why || null;
    };
    on('state', (said) => step(said, said.state));
    on('picture', (said) => step(said, 'live'));
    on('age', ({ tile, age_ms }) => {
      const feed = this.feed;
      if (feed && feed.tile === tile) feed.frame_at = now() - age_ms;
    });
    on('grant', ({ grant, state, why }) => {
      if (state === 'admitted') return;
      this.admitted.delete(grant);
      const feed = this.feed;
      // A broken line keeps the last picture, with its age; an end by somebody's word closes it.
      if (feed && (feed.grant === grant || grant === '') && state !== 'lost') {
        feed.state = 'ended';
        feed.why = why || null;
        feed.since = now();
        feed.canvas.remove();
      }
    });
  }

  /** Everything ends, and nothing of it is kept. */
  end() {
    this.#close();
    this.player?.end();
    this.player = null;
    this.loading = null;
    this.admitted.clear();
    this.asked.clear();
    this.order = null;
    this.chosen = null;
  }

  /** @returns {Tile|null} null before the order is accepted, or when there is no camera */
  tile() {
    const camera = this.camera();
    if (!camera) return null;
    const { n } = this.place();
    const until = this.order?.grants.find((each) => each.grant === camera.grant)?.until ?? null;
    const feed = this.feed?.camera === camera.camera ? this.feed : null;
    /** @type {Tile} */
    const tile = { slot: n, state: 'waiting', camera, why: null, since: feed?.since ?? 0, frame_at: feed?.frame_at ?? null, canvas: feed?.canvas ?? null, until, city_name: '' };
    if (!feed) return tile;
    const shown = feed.frame_at !== null && feed.state !== 'ended' && feed.state !== 'refused';
    if (shown && (feed.state === 'lost' || feed.state === 'waiting' || now() - (feed.frame_at ?? 0) > STALE_MS)) return { ...tile, state: 'stale' };
    return { ...tile, state: feed.state, why: feed.why };
  }
}
