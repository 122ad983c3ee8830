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
import { LIVE, hatch, hatchName, none, style } from './map-style.js';
import { apart, circle, cone, track, zone, zoneTop } from './map-shapes.js';
import { certainty, clock, count, metres, speed, t } from './say.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Camera} Camera */
const STALE_FIX_MS = 20_000;
const HOLD_MS_MAX = 1_000;
const ZOOM_INCIDENT = 16.6;
const ZOOM_MAX = 19;
/** Share of the map's half width the wearer may be off the middle before the map follows: fewer repaints, a calmer eye. */
const FOLLOW_SHARE = 0.45;
const SCALE_PX_MAX = 120;

export class GroundMap extends Light {
  static properties = {
    incident: { attribute: false }, track: { attribute: false }, units: { attribute: false }, zones: { attribute: false },
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
    this.ground.on('load', () => { this.given = {}; this.#draw(); });
    this.ground.on('moveend', () => this.#scale());
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
    const stale = place ? now() - place.observed_at > STALE_FIX_MS : false;
    this.#give('zones', this.zones.flatMap(zone));
    this.#give('accuracy', place ? [circle(place.lat, place.lon, place.radius_m, { stale })] : []);
    this.#give('track', incident ? track(this.track) : []);
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

  #cameras_shown() {
    const video = this.incident?.video;
    if (!video || this.incident?.state === 'closed') return [];
    return video.cameras.filter((each) => each.state !== 'ended');
  }

  #cones() {
    const tile = new Map(this.tiles.filter((each) => each.camera).map((each) => [each.camera?.camera, each]));
    return this.#cameras_shown().flatMap((camera) => {
      const shown = tile.get(camera.camera);
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
    const first = this.incident ? this.track[0] : undefined;
    if (first && this.track.length > 1) put('start', first[0], first[1], html`<span class="m-tag time">${clock(first[2]).slice(0, 5)}</span>`, 'mk-start');
    const slots = new Map(this.tiles.filter((each) => each.camera).map((each) => [each.camera?.camera, each]));
    for (const camera of this.#cameras_shown()) {
      const tile = slots.get(camera.camera);
      const kind = camera.state !== 'granted' ? 'cand' : tile?.state === 'stale' || tile?.state === 'lost' ? 'late' : '';
      put(`camera ${camera.camera}`, camera.lat, camera.lon, tile ? html`<span class=${`m-badge num ${kind}`}>${tile.slot}</span>` : html`<span class="m-dot"></span>`, 'mk-camera');
    }
    for (const unit of this.units) put(`unit ${unit.id}`, unit.lat, unit.lon, unitMark(unit), 'mk-unit');
    const place = this.incident?.place;
    if (this.incident && place) put('wearer', place.lat, place.lon, this.#wearer(this.incident, place), 'mk-wearer');
    for (const [id, mark] of this.marks) {
      if (kept.has(id)) continue;
      mark.remove();
      this.marks.delete(id);
    }
  }

  /** @param {Incident} incident @param {import('./types.js').Place} place */
  #wearer(incident, place) {
    const stale = now() - place.observed_at > STALE_FIX_MS;
    const name = this.nameless ? t('person') : incident.who.name;
    const square = place.source === 'cell' ? '' : html`<i class="m-ring"></i><span class="m-square num">${incident.priority}</span>`;
    return html`<span class=${`m-wearer p${incident.priority}${stale ? ' stale' : ''}`}>${square}<span class="m-tag"><b>${name}</b><span
      class="num"><sn-age at=${place.observed_at} limit-s=${STALE_FIX_MS / 1000}></sn-age> · ${certainty(place)}${incident.speed_mps !== null && incident.speed_mps > 0.3 ? ` · ${speed(incident.speed_mps)}` : ''}</span></span></span>`;
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
      else if (this.all) ground.fitBounds(this.all, { padding: 24, animate: false });
      return;
    }
    if (!place || !this.follow) return;
    const { x, y } = ground.project([place.lon, place.lat]);
    const { clientWidth: w, clientHeight: h } = ground.getContainer();
    const far = Math.abs(x - w / 2) > (FOLLOW_SHARE * w) / 2 || Math.abs(y - h / 2) > (FOLLOW_SHARE * h) / 2;
    if (far) ground.jumpTo({ center: [place.lon, place.lat] });
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
      ${this.failed ? html`<p class="m-failed">${t('map.failed')}</p>` : ''}
      <div class="m-top">${incident ? this.#chips(incident) : html`<span class="chip">${t('map.wearers', { n: count(this.calm?.wearers ?? 0) })}</span>`}</div>
      <div class="m-scale num" aria-hidden="true"><span></span><i></i></div><span class="attr">${t('map.made_up')}</span>
      <div class="m-key" aria-hidden="true">${incident ? html`<span>${swatch('sees')}${t('map.sees')}</span><span>${swatch('')}${t('map.open')}</span><span>${swatch('cand')}${t('map.proposed')}</span>`
        : html`<span><i class="m-dot"></i>${t('map.idle')}</span>`}<span class="own"><i class="m-own"></i>${t('map.own')}</span></div>
      ${this.#text()}`;
  }

  /** @param {Incident} incident */
  #chips(incident) {
    const place = incident.place;
    return html`<span class="chip">${icon('clock', 16)}${place ? html`${t('map.fix')} <b><sn-age at=${place.observed_at} limit-s=${STALE_FIX_MS / 1000}></sn-age></b> <span class="num">${certainty(place)}</span>` : t('map.no_fix')}</span>
      <button class="chip" aria-pressed=${String(this.follow)} @click=${() => this.tell('sn-follow', { on: !this.follow })}>${icon('follow', 16)}${t(this.follow ? 'map.following' : 'map.not_following')} <kbd>M</kbd></button>`;
  }

  /** The same in words, for those who cannot see a map (Alt+T shows it to everyone). */
  #text() {
    const place = this.incident?.place;
    return html`<section class=${this.twin ? 'm-twin' : 'm-twin vh'} aria-label=${t('map.twin')}><h2>${t('map.twin')}</h2><ul>
      ${place ? html`<li>${t('map.twin_person', { lat: place.lat.toFixed(5), lon: place.lon.toFixed(5), radius: metres(place.radius_m) })}</li>` : ''}
      ${this.#cameras_shown().map((each) => html`<li>${t('map.twin_camera', { name: each.name, reason: t(`Reason.${each.reason}`), distance: metres(each.distance_m) })}</li>`)}
      ${this.units.map((each) => html`<li>${t('map.twin_unit', { name: each.name, state: t(`UnitState.${each.state}`) })}${place ? ` · ${metres(apart(each, place))}` : ''}</li>`)}
      ${this.zones.map((each) => html`<li>${t('map.zone')}: ${each.name}</li>`)}</ul></section>`;
  }
}

/** @param {import('./types.js').Unit} unit */
function unitMark(unit) {
  const letter = unit.kind === 'police' ? '경' : '보';
  return html`<span class=${`m-unit ${unit.kind}`}><span class="m-letter">${letter}</span><span class="m-tag own"><b>${unit.name}</b>${unit.state === 'free' ? '' : html`<span>${t(`UnitState.${unit.state}`)}</span>`}</span></span>`;
}

/** @param {string} kind */
const swatch = (kind) => html`<svg width="16" height="14" aria-hidden="true"><path d="M2 12L14 1v12z" class=${`m-cone ${kind}`}></path></svg>`;

customElements.define('sn-map', GroundMap);
