/**
 * `sn-zone-map`: forbidden zones and homes of one order on the map, with handles to drag and to move by arrow keys.
 * What is drawn is what the court wrote, never where anybody is. Tells `sn-shape` {kind, at, area, step}; the page keeps the order.
 */
import { html } from 'lit';
import { LngLatBounds, Map as Ground, Marker } from 'maplibre-gl';
import { Light } from './base.js';
import { apart, circle, surface, towards, zoneTop } from './map-shapes.js';
import { LIVE, hatch, hatchName, none, style } from './map-style.js';
import { metres, t } from './say.js';

/** @typedef {import('./admin-words.js').Area} Area */
/** @typedef {{kind: 'zone'|'home'|'keep', at: number, name: string, area: Area}} Shape */

const ZOOM_MAX = 17;
const PADDING_PX = 80;
const NUDGE_M = 5;
const NUDGE_FAST_M = 50;
const EAST_DEG = 90;
const DIGITS = 1e6;

/** @param {number} degrees */
const rounded = (degrees) => Math.round(degrees * DIGITS) / DIGITS;
/** @type {Record<string, number>} */
const ARROWS = { ArrowUp: 0, ArrowRight: 90, ArrowDown: 180, ArrowLeft: 270 };

export class ZoneMap extends Light {
  static properties = { shapes: { attribute: false }, chosen: { attribute: false }, locked: { type: Boolean }, theme: { type: String }, whose: { type: String } };

  constructor() {
    super();
    /** @type {Shape[]} */
    this.shapes = [];
    /** Index in `shapes` of the one with handles. */
    this.chosen = -1;
    this.locked = false;
    this.theme = 'dark';
    /** Whose order it is: another one, another view. */
    this.whose = '';
    /** @type {Ground|null} */
    this.ground = null;
    this.failed = false;
    this.styled = '';
    this.viewed = '';
    /** @type {Record<string, GeoJSON.FeatureCollection>} */
    this.live = {};
    /** @type {Marker[]} */
    this.handles = [];
    /** @type {Marker[]} */
    this.names = [];
    /** What was last drawn of each, as text: a handle under the hand must not be made anew. @type {Record<string, string>} */
    this.given = {};
    /** Which handle the keyboard is on, so that it stays there when all are drawn anew. */
    this.held = -1;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.ground?.remove();
    this.ground = null;
  }

  firstUpdated() {
    this.styled = this.theme;
    try {
      this.ground = new Ground({
        container: /** @type {HTMLElement} */ (this.querySelector('.map')), style: style(this.live, none()), attributionControl: false, fadeDuration: 0, renderWorldCopies: false,
        dragRotate: false, pitchWithRotate: false, touchPitch: false, keyboard: false, doubleClickZoom: false, maxZoom: 19, pixelRatio: 1, crossSourceCollisions: false,
        canvasContextAttributes: { antialias: false, powerPreference: 'low-power' }, localIdeographFontFamily: 'Pretendard, "Noto Sans KR", sans-serif',
      });
    } catch (error) {
      console.error('map', error);
      this.failed = true;
      this.requestUpdate();
      return;
    }
    this.ground.touchZoomRotate.disableRotation();
    this.ground.getCanvas().setAttribute('aria-label', t('order.map'));
    const hatched = () => { if (!this.ground?.hasImage(hatchName())) this.ground?.addImage(hatchName(), hatch()); };
    this.ground.on('styleimagemissing', hatched);
    this.ground.on('style.load', hatched);  // before any zone is drawn: one that is drawn without it stays bare
    this.ground.on('load', () => { this.given = {}; this.#draw(); });
    this.ground.on('dblclick', ({ lngLat }) => this.#corner(lngLat.lat, lngLat.lng));
    void this.#home();
    this.#draw();
  }

  /** The whole area, for an order that has no place yet. */
  async #home() {
    const answer = await fetch('/map/cameras.json').catch(() => null);
    if (!answer?.ok || this.viewed) return;
    /** @type {{cameras: {lat: number, lon: number}[]}} */
    const { cameras } = await answer.json();
    if (cameras.length && !this.viewed) this.ground?.fitBounds(cameras.reduce((box, { lat, lon }) => box.extend([lon, lat]), new LngLatBounds()), { padding: 20, animate: false });
  }

  updated() {
    if (this.ground && this.styled !== this.theme) {
      this.styled = this.theme;
      this.given = {};
      this.ground.setStyle(style(this.live, none()), { diff: false });
    }
    this.#draw();
    if (this.viewed !== this.whose && this.shapes.length) {
      this.viewed = this.whose;
      this.show();
    }
  }

  /** Brings all shapes, or the chosen one, into view. @param {number} [only] */
  show(only = -1) {
    const areas = only >= 0 ? [this.shapes[only]] : this.shapes;
    const box = areas.flatMap(({ area }) => corners(area)).reduce((all, [lat, lon]) => all.extend([lon, lat]), new LngLatBounds());
    if (!box.isEmpty()) this.ground?.fitBounds(box, { padding: PADDING_PX, maxZoom: ZOOM_MAX, animate: false });
  }

  /** Where the middle of the view is: a new shape begins there. @returns {{lat: number, lon: number}|null} */
  middle() {
    const at = this.ground?.getCenter();
    return at ? { lat: rounded(at.lat), lon: rounded(at.lng) } : null;
  }

  // --- drawing -----------------------------------------------------------------------------------------------------

  #draw() {
    if (!this.ground) return;
    const features = this.shapes.flatMap(({ kind, area }, i) => feature(area, { kind: kind === 'zone' ? 'exclusion' : 'protected', chosen: i === this.chosen }));
    this.#give('zones', features);
    const chosen = this.shapes[this.chosen];
    this.#give('accuracy', chosen ? feature(chosen.area, { p: 4, stale: false }) : []);
    this.#handles();
    this.#names();
  }

  /** @param {typeof LIVE[number]} name @param {GeoJSON.Feature[]} features */
  #give(name, features) {
    if (!this.#news(name, features) && this.ground?.getSource(name)) return;
    this.live[name] = { type: 'FeatureCollection', features };
    const source = /** @type {import('maplibre-gl').GeoJSONSource|undefined} */ (this.ground?.getSource(name));
    source?.setData(this.live[name]);
  }

  /** Whether it differs from what was drawn. @param {string} name @param {unknown} what */
  #news(name, what) {
    const text = JSON.stringify(what);
    const news = this.given[name] !== text;
    this.given[name] = text;
    return news;
  }

  #names() {
    if (!this.#news('names', [this.shapes, document.documentElement.lang])) return;
    for (const each of this.names) each.remove();
    this.names = this.shapes.flatMap(({ kind, name, area }) => {
      const top = zoneTop(area.type === 'circle' ? { id: '', name, kind, circle: area } : { id: '', name, kind, polygon: corners(area) });
      if (!top || !this.ground) return [];
      const element = document.createElement('div');
      element.className = 'zm-name';
      element.setAttribute('aria-hidden', 'true');
      element.textContent = kind === 'home' ? t('order.home', { name }) : kind === 'keep' ? t('order.keep', { name }) : name;
      return [new Marker({ element, anchor: 'bottom' }).setLngLat([top.lon, top.lat]).addTo(this.ground)];
    });
  }

  #handles() {
    if (!this.#news('handles', [this.chosen, this.locked, this.shapes[this.chosen], document.documentElement.lang])) return;
    const held = this.held;  // taking the old ones away takes the keyboard off them
    for (const each of this.handles) each.remove();
    this.handles = [];
    const shape = this.shapes[this.chosen];
    if (!shape || this.locked || !this.ground) return;
    const { area } = shape;
    if (area.type === 'multipolygon' || (area.type === 'polygon' && area.holes?.length)) return;  // what a list brought in stays as it is
    if (area.type === 'polygon') {
      area.corners.forEach(([lat, lon], n) => this.#handle(n, lat, lon, t('order.corner', { n: n + 1 }), String(n + 1), (lat2, lon2) => ({ ...area, corners: area.corners.map((each, i) => (i === n ? /** @type {[number, number]} */ ([lat2, lon2]) : each)) })));
    } else {
      this.#handle(0, area.lat, area.lon, t('order.centre'), '', (lat, lon) => ({ ...area, lat, lon }));
      const [lon, lat] = towards(area.lat, area.lon, EAST_DEG, area.radius_m);
      this.#handle(1, lat, lon, `${t('order.edge')} ${metres(area.radius_m)}`, '↔', (lat2, lon2) => ({ ...area, radius_m: Math.max(1, Math.round(apart(area, { lat: lat2, lon: lon2 }))) }));
    }
    if (held >= 0) this.handles[Math.min(held, this.handles.length - 1)]?.getElement().focus();
  }

  /** @param {number} n @param {number} lat @param {number} lon @param {string} label @param {string} text @param {(lat: number, lon: number) => Area} moved */
  #handle(n, lat, lon, label, text, moved) {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'zm-handle num';
    element.textContent = text;
    element.setAttribute('aria-label', `${this.shapes[this.chosen].name}, ${label}`);
    element.addEventListener('focus', () => { this.held = n; });
    element.addEventListener('blur', () => { if (this.held === n && element.isConnected) this.held = -1; });
    element.addEventListener('keydown', (event) => {
      if (!(event.key in ARROWS)) return;
      event.preventDefault();
      event.stopPropagation();
      const [lon2, lat2] = towards(lat, lon, ARROWS[event.key], event.shiftKey ? NUDGE_FAST_M : NUDGE_M);
      this.#tell(moved(rounded(lat2), rounded(lon2)), true);
    });
    const mark = new Marker({ element, draggable: true }).setLngLat([lon, lat]).addTo(/** @type {Ground} */ (this.ground));
    mark.on('dragstart', () => element.focus());
    mark.on('drag', () => {
      const at = mark.getLngLat();
      this.#give('accuracy', feature(moved(at.lat, at.lng), { p: 4, stale: false }));
    });
    mark.on('dragend', () => {
      const at = mark.getLngLat();
      this.#tell(moved(rounded(at.lat), rounded(at.lng)), true);
    });
    this.handles.push(mark);
  }

  /** A double click puts a corner into the nearest side of the chosen polygon. @param {number} lat @param {number} lon */
  #corner(lat, lon) {
    const area = this.shapes[this.chosen]?.area;
    if (this.locked || area?.type !== 'polygon' || area.holes?.length) return;
    const off = area.corners.map((each, i) => aside([lat, lon], each, area.corners[(i + 1) % area.corners.length]));
    const after = off.indexOf(Math.min(...off)) + 1;
    this.#tell({ ...area, corners: [...area.corners.slice(0, after), [rounded(lat), rounded(lon)], ...area.corners.slice(after)] }, true);
  }

  /** @param {Area} area @param {boolean} step */
  #tell(area, step) {
    const { kind, at } = this.shapes[this.chosen];
    this.tell('sn-shape', { kind, at, area, step });
  }

  render() {
    return html`<div class="mapbox zm"><div class="map"></div>${this.failed ? html`<p class="m-failed">${t('order.map_failed')}</p>` : ''}
      ${this.locked || this.failed ? '' : html`<p class="zm-hint">${t('order.hint')}</p>`}</div>`;
  }
}

/** Corners for a view: of a circle its four ends. @param {Area} area @returns {[number, number][]} */
function corners(area) {
  if (area.type === 'polygon') return area.corners;
  if (area.type === 'multipolygon') return area.polygons.flatMap((each) => each.corners);
  return [0, 90, 180, 270].map((azimuth) => {
    const [lon, lat] = towards(area.lat, area.lon, azimuth, area.radius_m);
    return [lat, lon];
  });
}

/** @param {Area} area @param {Record<string, unknown>} properties @returns {GeoJSON.Feature[]} */
function feature(area, properties) {
  if (area.type === 'circle') return [circle(area.lat, area.lon, area.radius_m, properties)];
  const parts = area.type === 'polygon' ? [area] : area.polygons;
  return [surface(parts.map((each) => [each.corners, ...(each.holes ?? [])]), properties)];
}

/** How far a point lies off a side, in degrees of latitude. @param {number[]} p @param {number[]} a @param {number[]} b */
function aside([lat, lon], a, b) {
  const k = Math.cos((lat * Math.PI) / 180);
  const [px, py, ax, ay, bx, by] = [lon * k, lat, a[1] * k, a[0], b[1] * k, b[0]];
  const long = (bx - ax) ** 2 + (by - ay) ** 2 || 1;
  const share = Math.min(1, Math.max(0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / long));
  return Math.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay));
}

customElements.define('sn-zone-map', ZoneMap);
