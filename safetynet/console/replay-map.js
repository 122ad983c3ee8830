/** `sn-replay-map`: the ground of a closed incident at one instant of its past. Same look as the live map, nothing of now on it. */
import { html, render } from 'lit';
import { LngLatBounds, Map as Ground, Marker } from 'maplibre-gl';
import { Light } from './base.js';
import { LIVE, hatch, hatchName, none, style } from './map-style.js';
import { circle, cone, track, zone } from './map-shapes.js';
import { certainty, clock, t } from './say.js';

/** @typedef {import('./replay.js').Story} Story */
const ZOOM_MAX = 17.5;
const PADDING_PX = 60;

export class ReplayMap extends Light {
  static properties = { story: { attribute: false }, at: { type: Number }, theme: { type: String } };

  constructor() {
    super();
    /** @type {Story|null} */
    this.story = null;
    /** The instant that is shown, ms UTC. */
    this.at = 0;
    this.theme = 'dark';
    /** @type {Ground|null} */
    this.ground = null;
    this.failed = false;
    this.styled = '';
    this.viewed = '';
    /** @type {Record<string, string>} what was last given to the engine, as text */
    this.given = {};
    /** @type {Record<string, GeoJSON.FeatureCollection>} */
    this.live = {};
    /** @type {Map<string, Marker>} */
    this.marks = new Map();
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
        container: /** @type {HTMLElement} */ (this.querySelector('.map')), style: style(this.live, none()), bounds: this.#bounds(), fitBoundsOptions: { padding: PADDING_PX, maxZoom: ZOOM_MAX },
        attributionControl: false, fadeDuration: 0, renderWorldCopies: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, keyboard: false, maxZoom: 19, pixelRatio: 1,
        crossSourceCollisions: false, canvasContextAttributes: { antialias: false, powerPreference: 'low-power' }, localIdeographFontFamily: 'Pretendard, "Noto Sans KR", sans-serif',
      });
    } catch (error) {
      console.error('map', error);
      this.failed = true;
      this.requestUpdate();
      return;
    }
    this.viewed = this.story?.incident ?? '';
    this.ground.touchZoomRotate.disableRotation();
    this.ground.getCanvas().setAttribute('aria-label', t('archive.map'));
    this.ground.on('styleimagemissing', () => { if (!this.ground?.hasImage(hatchName())) this.ground?.addImage(hatchName(), hatch()); });
    this.ground.on('load', () => { this.given = {}; this.#draw(); });
    this.#draw();
  }

  updated() {
    if (this.ground && this.styled !== this.theme) {
      this.styled = this.theme;
      this.given = {};
      this.ground.setStyle(style(this.live, none()), { diff: false });
    }
    if (this.ground && this.story && this.story.incident !== this.viewed) {
      this.viewed = this.story.incident;
      const bounds = this.#bounds();
      if (bounds) this.ground.fitBounds(bounds, { padding: PADDING_PX, maxZoom: ZOOM_MAX, animate: false });
    }
    this.#draw();
  }

  /** Everywhere the person was, and the cameras that were provided. */
  #bounds() {
    const story = this.story;
    const points = [...(story?.track ?? []), ...(story?.places ?? [])].map(([lat, lon]) => /** @type {[number, number]} */ ([lon, lat]));
    const cameras = (story?.sights ?? []).filter((each) => each.grant || !points.length).map(({ lat, lon }) => /** @type {[number, number]} */ ([lon, lat]));
    const all = [...points, ...cameras];
    return all.length ? all.reduce((box, each) => box.extend(each), new LngLatBounds()) : undefined;
  }

  #draw() {
    const story = this.story;
    if (!this.ground || !story) return;
    const now = seen(story, this.at);
    this.#give('zones', story.zones.flatMap(zone));
    this.#give('track', track(now.way.map(([lat, lon, at, radius]) => [lat, lon, at, radius])));
    this.#give('accuracy', now.place ? [circle(now.place[0], now.place[1], now.place[3], { p: story.priority ?? 4, stale: false })] : []);
    this.#give('cones', now.sights.flatMap((each) => cone(/** @type {any} */ (each), now.viewed.has(each.camera) ? 'sees' : each.grant ? 'open' : 'proposed')));
    this.#marks(story, now);
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

  /** @param {Story} story @param {ReturnType<typeof seen>} now */
  #marks(story, now) {
    /** @type {Set<string>} */
    const kept = new Set();
    const put = (/** @type {string} */ id, /** @type {number} */ lat, /** @type {number} */ lon, /** @type {unknown} */ what, /** @type {string} */ look) => {
      kept.add(id);
      let mark = this.marks.get(id);
      if (!mark && this.ground) {
        const element = document.createElement('div');
        element.className = look;
        element.setAttribute('aria-hidden', 'true');
        mark = new Marker({ element }).setLngLat([lon, lat]).addTo(this.ground);
        this.marks.set(id, mark);
      }
      mark?.setLngLat([lon, lat]);
      if (mark) render(what, mark.getElement());
    };
    const first = now.way[0];
    if (first && now.way.length > 1) put('start', first[0], first[1], html`<span class="m-tag time">${clock(first[2]).slice(0, 5)}</span>`, 'mk-start');
    for (const each of now.sights) {
      const look = now.viewed.has(each.camera);
      put(`camera ${each.city_name} ${each.camera}`, each.lat, each.lon, html`<span class=${`m-dot${look ? ' seen' : ''}`}></span>${look ? html`<span class="m-tag rp-eye">${[...(now.viewed.get(each.camera) ?? [])].join(', ')}</span>` : ''}`, 'mk-camera');
    }
    if (now.place) {
      const [lat, lon, at, radius_m, source] = now.place;
      const said = certainty({ lat, lon, radius_m, source, observed_at: at, received_at: at });
      put('wearer', lat, lon, html`<span class=${`m-wearer p${story.priority ?? 4}`}><i class="m-ring"></i><span class="m-square num">${story.priority ?? ''}</span><span class="m-tag"><b>${story.who?.name ?? story.case_no}</b><span class="num">${clock(at)} · ${said}</span></span></span>`, 'mk-wearer');
    }
    for (const [id, mark] of this.marks) {
      if (kept.has(id)) continue;
      mark.remove();
      this.marks.delete(id);
    }
  }

  render() {
    const withheld = this.story && this.story.positions !== 'kept';
    return html`<div class="map"></div>${this.failed ? html`<p class="m-failed">${t('map.failed')}</p>` : ''}
      ${withheld ? html`<div class="m-top"><span class="chip">${t(`archive.positions.${this.story?.positions}`)}</span></div>` : ''}
      <div class="m-key" aria-hidden="true"><span>${swatch('sees')}${t('archive.lane.viewed')}</span><span>${swatch('')}${t('archive.lane.granted')}</span><span>${swatch('cand')}${t('map.proposed')}</span></div>`;
  }
}

const swatch = (/** @type {string} */ kind) => html`<svg width="16" height="14" viewBox="0 0 16 14"><path class=${`m-cone ${kind}`} d="M2 13L6 1h9z"></path></svg>`;

/**
 * What was so at an instant: the way until then, who looked at which camera, which cameras were there.
 * @param {Story} story @param {number} at
 */
export function seen(story, at) {
  const all = story.track.length ? story.track : story.places;
  const way = all.filter((each) => each[2] <= at);
  const on = (/** @type {{since: number, until: number|null}} */ each) => each.since <= at && at < (each.until ?? Infinity);
  /** @type {Map<string, Set<string>>} */
  const viewed = new Map();
  for (const each of story.viewings.filter(on)) viewed.set(each.camera, new Set([...(viewed.get(each.camera) ?? []), each.by_name ?? '?']));
  return { way, place: way[way.length - 1] ?? null, viewed, sights: story.sights.filter(on), provisions: story.provisions.filter(on) };
}

customElements.define('sn-replay-map', ReplayMap);
