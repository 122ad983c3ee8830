/**
 * `sn-map`: the one map of a page. Ground, tracks and cones are drawn by the map engine, and only when they have
 * changed; what must count seconds (the wearer's tag) or be crisp (badges, units) stands above as elements, so that
 * a running age never repaints the ground.
 */
import { html, render } from 'lit';
import { LngLatBounds, Map as Ground, Marker } from 'maplibre-gl';
import './age.js';
import { Light } from './base.js';
import { everySecond, now } from './clock.js';
import { icon } from './icons.js';
import { label } from './keys.js';
import { LIVE, hatch, hatchName, none, style } from './map-style.js';
import { marks as fieldMarks } from './fieldside.js';
import { apart, circle, cone, track, zone, zoneTop } from './map-shapes.js';
import { saw } from './marks.js';
import { certainty, clock, count, metres, speed, t } from './say.js';
import { cameraKey } from './views.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Camera} Camera */
const STALE_FIX_MS = 20_000;
const HOLD_MS_MAX = 1_000;
const ZOOM_INCIDENT = 16.6;
const ZOOM_MAX = 19;
/** Share of the map's half width the wearer may be off the middle before the map follows: fewer repaints, a calmer eye. */
const FOLLOW_SHARE = 0.45;
const SCALE_PX_MAX = 120;
/** Lenses nearer to each other than this hang on one pole. */
const POLE_M = 3;
/** Room that the name of a unit takes beside its mark. */
const TAG_PX = 130;
const LINE_PX = 24;
const SIGHTS_MAX = 5;

export class GroundMap extends Light {
  static properties = {
    incident: { attribute: false }, track: { attribute: false }, units: { attribute: false }, zones: { attribute: false }, waiting: { attribute: false },
    tiles: { attribute: false }, calm: { attribute: false }, follow: { type: Boolean }, twin: { type: Boolean }, theme: { type: String },
    nameless: { type: Boolean }, hold: { attribute: false },
  };

  constructor() {
    super();
    /** @type {Incident|null} */
    this.incident = null;
    /** @type {[number, number, number, number][]} */
    this.track = [];
    /** @type {import('./types.js').Unit[]} */
    this.units = [];
    /** @type {import('./types.js').Zone[]} */
    this.zones = [];
    /** Alarms that are not open on this page and not closed, none of them off the map. @type {import('./queue.js').Row[]} */
    this.waiting = [];
    /** @type {import('./types.js').Tile[]} */
    this.tiles = [];
    /** @type {import('./types.js').Calm|null} */
    this.calm = null;
    this.follow = true;
    this.twin = false;
    this.theme = 'dark';
    /** The field page: no name on the map. */
    this.nameless = false;
    /** @type {Ground|null} */
    this.ground = null;
    this.failed = false;
    /** The ground was painted whole for the first time. */
    this.loaded = false;
    /** How often the ground was painted: what a test can count. */
    this.painted = 0;
    /** Until when nothing is drawn anew, on the corrected clock. */
    this.hold = 0;
    this.held = 0;
    /** @type {Record<string, string>} what was last given to the engine, as text */
    this.given = {};
    /** @type {Record<string, GeoJSON.FeatureCollection>} */
    this.live = {};
    /** @type {GeoJSON.FeatureCollection} */
    this.idle = none();
    /** @type {LngLatBounds|null} */
    this.all = null;
    /** @type {Map<string, Marker>} */
    this.marks = new Map();
    /** @type {string|null} the incident that is in view */
    this.viewed = null;
    this.styled = '';
    /** Whether a hand has moved the whole view. */
    this.moved = false;
    /** Where the wearer's name stands: '' is right and below. */
    this.side = '';
    /** @type {() => void} */
    this.stop = () => undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.stop = everySecond(() => this.#draw());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
    this.ground?.remove();
    this.ground = null;
  }

  firstUpdated() {
    void this.#begin();
  }

  async #begin() {
    const holder = /** @type {HTMLElement} */ (this.querySelector('.map'));
    await this.#cameras();
    this.styled = this.theme;
    try {
      this.ground = new Ground({
        container: holder, style: style(this.live, this.idle), bounds: this.all ?? undefined, fitBoundsOptions: { padding: 24 },
        attributionControl: false, fadeDuration: 0, renderWorldCopies: false, dragRotate: false, pitchWithRotate: false,
        touchPitch: false, keyboard: false, maxZoom: ZOOM_MAX, pixelRatio: 1, maxTileCacheSize: 48, crossSourceCollisions: false,
        canvasContextAttributes: { antialias: false, powerPreference: 'low-power' },
        localIdeographFontFamily: 'Pretendard, "Noto Sans KR", sans-serif',
      });
    } catch (error) {
      console.error('map', error);
      this.failed = true;
      this.requestUpdate();
      return;
    }
    this.ground.touchZoomRotate.disableRotation();
    const canvas = this.ground.getCanvas();
    canvas.setAttribute('aria-label', t(this.incident ? 'map.incident' : 'map.area'));
    this.ground.on('styleimagemissing', () => this.#pattern());
    this.ground.on('render', () => { this.painted += 1; });
    this.ground.on('load', () => { this.given = {}; this.loaded = true; this.requestUpdate(); this.#draw(); });
    this.ground.on('moveend', () => { this.#scale(); this.#marks(); });
    this.ground.on('movestart', ({ originalEvent }) => { if (originalEvent) this.moved = true; });
    this.ground.on('resize', () => { if (!this.viewed && !this.moved) this.#whole(); });
    this.ground.on('dragstart', () => this.tell('sn-follow', { on: false }));
    this.#scale();
    this.#draw();
  }

  /** Where cameras stand: their places only, and always closed here. */
  async #cameras() {
    const answer = await fetch('/map/cameras.json');
    if (!answer.ok) return;
    /** @type {{cameras: {lat: number, lon: number}[]}} */
    const { cameras } = await answer.json();
    this.idle.features = [
      { type: 'Feature', properties: {}, geometry: { type: 'MultiPoint', coordinates: cameras.map(({ lat, lon }) => [lon, lat]) } },
    ];
    if (cameras.length) this.all = cameras.reduce((box, { lat, lon }) => box.extend([lon, lat]), new LngLatBounds());
  }

  #pattern() {
    if (this.ground && !this.ground.hasImage(hatchName())) this.ground.addImage(hatchName(), hatch());
  }

  updated() {
    if (this.ground && this.styled !== this.theme) {
      this.styled = this.theme;
      this.ground.setStyle(style(this.live, this.idle), { diff: false });
    }
    this.#draw();
  }

  #draw() {
    if (!this.ground) return;
    const wait_ms = this.hold - now();
    if (wait_ms > 0) {
      // Pictures first: drawing the map anew takes a fifth of a second where graphics are done in software.
      window.clearTimeout(this.held);
      this.held = window.setTimeout(() => this.#draw(), Math.min(wait_ms, HOLD_MS_MAX));
      return;
    }
    const incident = this.incident;
    const place = incident?.place ?? null;
    this.#give('zones', this.zones.flatMap(zone));
    this.#give('accuracy', [
      ...(incident && place ? [accuracy(place, incident.priority, incident.state === 'closed')] : []),
      ...this.#elsewhere().map(({ row, place: at }) => accuracy(at, row.alarm.priority, false)),
    ]);
    this.#give('track', incident && incident.state !== 'closed' ? track(this.track) : []);
    this.#give('cones', this.#cones());
    this.#marks();
    this.#look();
  }

  /** @param {typeof LIVE[number]} name @param {GeoJSON.Feature[]} features */
  #give(name, features) {
    const text = JSON.stringify(features);
    if (this.given[name] === text) return;
    this.live[name] = { type: 'FeatureCollection', features };
    const source = /** @type {import('maplibre-gl').GeoJSONSource|undefined} */ (this.ground?.getSource(name));
    if (!source) return;
    this.given[name] = text;
    source.setData(this.live[name]);
  }

  /** Waiting alarms that have a place. */
  #elsewhere() {
    return this.waiting.flatMap((row) => {
      const place = row.incident?.place ?? row.alarm.place;
      return place ? [{ row, place }] : [];
    });
  }

  #cameras_shown() {
    const video = this.incident?.video;
    if (!video || this.incident?.state === 'closed') return [];
    return video.cameras.filter((each) => each.state !== 'ended');
  }

  #cones() {
    const tile = new Map(this.tiles.flatMap((each) => (each.camera ? [[cameraKey(each.camera), each]] : [])));
    return this.#cameras_shown().flatMap((camera) => {
      const shown = tile.get(cameraKey(camera));
      if (camera.state !== 'granted') return cone(camera, 'proposed');
      if (shown?.state === 'stale' || shown?.state === 'lost') return cone(camera, 'late');
      return cone(camera, camera.reason === 'sees_now' ? 'sees' : 'open');
    });
  }

  #marks() {
    /** @type {Set<string>} */
    const kept = new Set();
    const put = (/** @type {string} */ id, /** @type {number} */ lat, /** @type {number} */ lon, /** @type {unknown} */ what, /** @type {string} */ look) => {
      kept.add(id);
      this.#mark(id, lat, lon, what, look);
    };
    for (const each of this.zones) {
      const top = zoneTop(each);
      if (top) put(`zone ${each.id}`, top.lat, top.lon, html`<span class="m-tag zone"><b>${each.name || t('map.zone')}</b></span>`, 'mk-zone');
    }
    const first = this.incident && this.incident.state !== 'closed' ? this.track[0] : undefined;
    if (first && this.track.length > 1) put('start', first[0], first[1], html`<span class="m-tag time">${clock(first[2]).slice(0, 5)}</span>`, 'mk-start');
    for (const pole of poles(this.#cameras_shown(), this.tiles)) {
      put(`pole ${pole.lat} ${pole.lon}`, pole.lat, pole.lon, pole.slots.length ? html`<span class=${`m-badge num ${pole.kind}`}>${pole.slots.join('·')}</span>` : html`<span class="m-dot"></span>`, 'mk-camera');
    }
    for (const { row, place } of this.#elsewhere()) put(`waiting ${row.id}`, place.lat, place.lon, this.#other(row, place), `mk-other p${row.alarm.priority}`);
    for (const unit of this.units) put(`unit ${unit.id}`, unit.lat, unit.lon, unitMark(unit, this.#crowded(unit)), 'mk-unit');
    this.#seen().forEach((each, i, all) => put(`seen ${i}`, each.lat, each.lon, sightMark(each, i < all.length - 1), 'mk-sight'));
    for (const each of fieldMarks(this.incident)) put(each.id, each.lat, each.lon, each.what, each.look);
    const place = this.incident?.place;
    if (this.incident && place) put('wearer', place.lat, place.lon, this.#wearer(this.incident, place, this.#corner(place)), 'mk-wearer');
    for (const [id, mark] of this.marks) {
      if (kept.has(id)) continue;
      mark.remove();
      this.marks.delete(id);
    }
  }

  /** Where people saw the one who is looked for, the newest last; where nobody was is said in the record only. */
  #seen() {
    if (!this.incident || this.incident.state === 'closed') return [];
    return (this.incident.sightings ?? []).filter((each) => each.sight === 'seen').slice(-SIGHTS_MAX);
  }

  /** Whether another unit stands where this one's name would be written. @param {import('./types.js').Unit} unit */
  #crowded(unit) {
    const ground = this.ground;
    if (!ground) return false;
    const at = ground.project([unit.lon, unit.lat]);
    return this.units.some((each) => {
      if (each.id === unit.id) return false;
      const { x, y } = ground.project([each.lon, each.lat]);
      return x > at.x && x - at.x < TAG_PX && Math.abs(y - at.y) < LINE_PX;
    });
  }

  /**
   * The corner beside the wearer where the name hides no camera's number; it stays where it was as long as that is one.
   * @param {import('./types.js').Place} place
   */
  #corner(place) {
    const ground = this.ground;
    if (!ground) return this.side;
    const at = ground.project([place.lon, place.lat]);
    const near = poles(this.#cameras_shown(), this.tiles).filter((each) => each.slots.length).map((each) => ground.project([each.lon, each.lat]));
    const hidden = (/** @type {string} */ side) => near.filter(({ x, y }) => {
      const right = side.includes('left') ? at.x - x : x - at.x;
      const down = side.includes('up') ? at.y - y : y - at.y;
      return right > 0 && right < TAG_PX * 2 && down > -LINE_PX / 2 && down < LINE_PX * 2.5;
    }).length;
    const sides = [this.side, '', 'up', 'left', 'left up'];
    this.side = sides.reduce((best, each) => (hidden(each) < hidden(best) ? each : best));
    return this.side;
  }

  /** @param {Incident} incident @param {import('./types.js').Place} place @param {string} side */
  #wearer(incident, place, side) {
    const name = this.nameless ? t('person') : incident.who.name;
    if (incident.state === 'closed') {
      return html`<span class=${`m-wearer over ${side}`}><span class="m-square num"></span><span class="m-tag"><b>${name}</b><span class="num">${t('map.last', { at: clock(place.observed_at) })}</span></span></span>`;
    }
    const stale = now() - place.observed_at > STALE_FIX_MS;
    const square = place.source === 'cell' ? '' : html`<i class="m-ring"></i><span class="m-square num">${incident.priority}</span>`;
    return html`<span class=${`m-wearer p${incident.priority}${stale ? ' stale' : ''} ${side}`}>${square}<span class="m-tag"><b>${name}</b><span
      class="num"><sn-age at=${place.observed_at} limit-s=${STALE_FIX_MS / 1000}></sn-age> · ${certainty(place)}${incident.speed_mps !== null && incident.speed_mps > 0.3 ? ` · ${speed(incident.speed_mps)}` : ''}</span></span></span>`;
  }

  /** An alarm that is not open here; a press opens it, as its row does. @param {import('./queue.js').Row} row @param {import('./types.js').Place} place */
  #other({ id, alarm }, place) {
    const stale = now() - place.observed_at > STALE_FIX_MS;
    const p = alarm.priority;
    return html`<span class=${`m-wearer p${p}${stale ? ' stale' : ''}`} data-alarm=${alarm.id} @click=${() => this.tell('sn-open', { id })}>${place.source === 'cell' ? '' : html`<i class="m-ring"></i><span class="m-square num">${p}</span>`}
      <span class="m-tag"><b>${t(`AlarmKind.${alarm.kind}`)}</b><span class="num">${alarm.who} · <sn-age at=${place.observed_at} limit-s=${STALE_FIX_MS / 1000}></sn-age> · ${certainty(place)}</span></span></span>`;
  }

  /** @param {string} id @param {number} lat @param {number} lon @param {unknown} what @param {string} look */
  #mark(id, lat, lon, what, look) {
    let mark = this.marks.get(id);
    if (!mark && this.ground) {
      const element = document.createElement('div');
      element.className = look;
      element.setAttribute('aria-hidden', 'true');
      mark = new Marker({ element }).setLngLat([lon, lat]).addTo(this.ground);
      this.marks.set(id, mark);
    }
    if (!mark) return;
    const at = mark.getLngLat();
    if (at.lng !== lon || at.lat !== lat) mark.setLngLat([lon, lat]);
    render(what, mark.getElement());
  }

  /** Where the map looks: at a new incident at once, then only when it follows and the wearer nears the edge. */
  #look() {
    const ground = this.ground;
    if (!ground) return;
    const place = this.incident?.place;
    const id = this.incident?.id ?? null;
    if (id !== this.viewed && (!id || place)) {
      this.viewed = id;
      ground.resize();
      if (place) ground.jumpTo({ center: [place.lon, place.lat], zoom: ZOOM_INCIDENT });
      else this.#whole();
      return;
    }
    if (!place || !this.follow) return;
    const { x, y } = ground.project([place.lon, place.lat]);
    const { clientWidth: w, clientHeight: h } = ground.getContainer();
    const far = Math.abs(x - w / 2) > (FOLLOW_SHARE * w) / 2 || Math.abs(y - h / 2) > (FOLLOW_SHARE * h) / 2;
    if (far) ground.jumpTo({ center: [place.lon, place.lat] });
  }

  /** The whole area, as large as it fits: until somebody moves it by hand. */
  #whole() {
    this.moved = false;
    if (this.all) this.ground?.fitBounds(this.all, { padding: 24, animate: false });
  }

  #scale() {
    const ground = this.ground;
    const bar = /** @type {HTMLElement|null} */ (this.querySelector('.m-scale i'));
    if (!ground || !bar) return;
    const per_px = (40_075_016.7 * Math.cos((ground.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** ground.getZoom());
    const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
    const length_m = steps.findLast((each) => each / per_px <= SCALE_PX_MAX) ?? steps[0];
    bar.style.width = `${length_m / per_px}px`;
    const words = this.querySelector('.m-scale span');
    if (words) words.textContent = metres(length_m);
  }

  render() {
    const incident = this.incident;
    return html`<div class="map"></div>
      ${this.failed ? html`<p class="m-failed">${t('map.failed')}</p>` : this.loaded ? '' : html`<p class="m-failed" role="status">${t('map.loading')}</p>`}
      <div class="m-top">${incident ? this.#chips(incident) : html`<span class="chip">${this.nameless ? t('map.no_position') : t('map.wearers', { n: count(this.calm?.wearers ?? 0) })}</span>`}</div>
      <div class="m-scale num" aria-hidden="true"><span></span><i></i></div><span class="attr">${t('map.made_up')}</span>
      <div class="m-key" aria-hidden="true">${incident && incident.state !== 'closed' ? html`<span>${swatch('sees')}${t('map.sees')}</span><span>${swatch('')}${t('map.open')}</span><span>${swatch('cand')}${t('map.proposed')}</span>`
        : html`<span><i class="m-dot"></i>${t('map.idle')}</span>`}<span class="own"><i class="m-own"></i>${t('map.own')}</span></div>
      ${this.#text()}`;
  }

  /** @param {Incident} incident */
  #chips(incident) {
    const place = incident.place;
    if (incident.state === 'closed') return html`<span class="chip">${icon('lock', 16)}${place ? html`<span class="num">${t('map.last', { at: clock(place.observed_at) })} · ${certainty(place)}</span>` : t('map.no_fix')}</span>`;
    return html`${this.nameless ? html`<span class="chip"><b class="num">${incident.id}</b>${t('map.while_open')}</span>` : ''}<span class="chip">${icon('clock', 16)}${place ? html`${t('map.fix')} <b><sn-age at=${place.observed_at} limit-s=${STALE_FIX_MS / 1000}></sn-age></b> <span class="num">${certainty(place)}</span>` : t('map.no_fix')}</span>
      <button class="chip" aria-pressed=${String(this.follow)} @click=${() => this.tell('sn-follow', { on: !this.follow })}>${icon('follow', 16)}${t(this.follow ? 'map.following' : 'map.not_following')} <kbd>${label('follow')}</kbd></button>`;
  }

  /** The same in words, for those who cannot see a map (Alt+T shows it to everyone). */
  #text() {
    const place = this.incident?.place;
    return html`<section class=${this.twin ? 'm-twin' : 'm-twin vh'} aria-label=${t('map.twin')}><h2>${t('map.twin')}</h2><ul>
      ${place ? html`<li>${t('map.twin_person', { lat: place.lat.toFixed(5), lon: place.lon.toFixed(5), radius: metres(place.radius_m) })}</li>` : ''}
      ${this.#cameras_shown().map((each) => html`<li>${t('map.twin_camera', { name: each.name, reason: t(`Reason.${each.reason}`), distance: metres(each.distance_m) })}</li>`)}
      ${this.waiting.map(({ alarm }) => html`<li>${t('live.new', { priority: t(`Priority.${alarm.priority}`), kind: t(`AlarmKind.${alarm.kind}`), who: alarm.who })}</li>`)}
      ${this.units.map((each) => html`<li>${t('map.twin_unit', { name: each.name, state: t(`UnitState.${each.state}`) })}${place ? ` · ${metres(apart(each, place))}` : ''}</li>`)}
      ${this.#seen().map((each) => html`<li>${each.name}: ${saw(each)}, ${clock(each.at)}, ${each.who}</li>`)}
      ${fieldMarks(this.incident).map((each) => html`<li>${each.text}</li>`)}
      ${this.zones.map((each) => html`<li>${t('map.zone')}: ${each.name}</li>`)}</ul></section>`;
  }
}

/** The circle the person is in, to scale. @param {import('./types.js').Place} place @param {number} p @param {boolean} over */
const accuracy = (place, p, over) => circle(place.lat, place.lon, place.radius_m, { p, stale: over || now() - place.observed_at > STALE_FIX_MS });

/**
 * Lenses of one pole share one mark, with the keys of all their pictures: marks that hide each other are read as one camera.
 * @param {Camera[]} cameras @param {import('./types.js').Tile[]} tiles
 */
function poles(cameras, tiles) {
  const shown = new Map(tiles.flatMap((each) => (each.camera ? [[cameraKey(each.camera), each]] : [])));
  /** @type {{lat: number, lon: number, slots: number[], kind: string}[]} */
  const found = [];
  for (const camera of cameras) {
    let pole = found.find((each) => apart(each, camera) < POLE_M);
    if (!pole) found.push(pole = { lat: camera.lat, lon: camera.lon, slots: [], kind: '' });
    const tile = shown.get(cameraKey(camera));
    if (!tile) continue;
    pole.slots = [...pole.slots, tile.slot].sort();
    if (camera.state !== 'granted') pole.kind = 'cand';
    else if (tile.state === 'stale' || tile.state === 'lost') pole.kind = 'late';
  }
  return found;
}

/** @param {import('./types.js').Unit} unit @param {boolean} left its name to the left */
function unitMark(unit, left) {
  const letter = unit.kind === 'police' ? '경' : '보';
  return html`<span class=${`m-unit ${unit.kind}${left ? ' left' : ''}`}><span class="m-letter">${letter}</span><span class="m-tag own"><b>${unit.name}</b>${unit.state === 'free' ? '' : html`<span>${t(`UnitState.${unit.state}`)}</span>`}</span></span>`;
}

/** @param {import('./types.js').Sighting} seen @param {boolean} old */
function sightMark(seen, old) {
  return html`<span class=${old ? 'm-sight old' : 'm-sight'}><i></i>${old ? '' : html`<span class="m-tag"><b>${saw(seen)}</b><span class="num">${clock(seen.at)} · ${seen.who}</span></span>`}</span>`;
}

/** @param {string} kind */
const swatch = (kind) => html`<svg width="16" height="14" aria-hidden="true"><path d="M2 12L14 1v12z" class=${`m-cone ${kind}`}></path></svg>`;

customElements.define('sn-map', GroundMap);
