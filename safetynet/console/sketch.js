/**
 * A small map for a phone: streets and houses around one place, drawn once as SVG. No WebGL: an officer's telephone, and
 * a second page on a small machine, must show the order at once, whatever its graphics can do.
 */
import { html, LitElement, nothing, svg } from 'lit';

const REACH_M = 260;
const ROAD_PX = { local: 3, collector: 5, arterial: 9 };
/** Metres per degree, good to a thousandth inside Korea; this is a sketch, distances are reckoned elsewhere. */
const NORTH_M = 110_950;
const eastM = (/** @type {number} */ lat) => 111_320 * Math.cos((lat * Math.PI) / 180);

/** @type {Promise<GeoJSON.FeatureCollection>|null} */
let ground = null;
const load = () => (ground ??= fetch('/map/base.geojson').then((answer) => answer.json()));

export class Sketch extends LitElement {
  static properties = { place: { attribute: false }, here: { attribute: false }, label: { type: String }, map: { state: true } };

  constructor() {
    super();
    /** @type {import('./types.js').Place|null} */
    this.place = null;
    /** Where the officer is, when the phone knows. @type {{lat: number, lon: number}|null} */
    this.here = null;
    this.label = '';
    /** @type {GeoJSON.FeatureCollection|null} */
    this.map = null;
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    load().then((found) => { this.map = found; }, () => { ground = null; });
  }

  render() {
    const place = this.place;
    if (!place) return nothing;
    const at = (/** @type {number[]} */ [lon, lat]) => [(lon - place.lon) * eastM(place.lat), (place.lat - lat) * NORTH_M];
    const mine = this.here ? at([this.here.lon, this.here.lat]) : null;
    return html`<svg class="sketch" viewBox="${-REACH_M} ${-REACH_M * 0.75} ${REACH_M * 2} ${REACH_M * 1.5}" preserveAspectRatio="xMidYMid slice" role="img" aria-label=${this.label}>
      ${this.#shapes(at)}
      <circle class="m-acc" r=${Math.max(place.radius_m, 6)}></circle><rect class="sk-at" x="-6" y="-6" width="12" height="12"></rect>
      ${mine ? svg`<circle class="sk-here" cx=${mine[0]} cy=${mine[1]} r="7"></circle>` : nothing}</svg>`;
  }

  /** @param {(point: number[]) => number[]} at */
  #shapes(at) {
    const near = (/** @type {number[][]} */ line) => line.some(([x, y]) => Math.abs(x) < REACH_M * 1.4 && Math.abs(y) < REACH_M * 1.4);
    const path = (/** @type {number[][]} */ line) => `M${line.map(([x, y]) => `${x.toFixed(0)} ${y.toFixed(0)}`).join('L')}`;
    return (this.map?.features ?? []).flatMap((each) => {
      const { layer, class: kind } = /** @type {{layer: string, class?: keyof typeof ROAD_PX}} */ (each.properties ?? {});
      const shape = each.geometry;
      if (layer === 'road' && shape.type === 'LineString') {
        const line = shape.coordinates.map(at);
        return near(line) ? [svg`<path class=${`sk-road ${kind}`} d=${path(line)} stroke-width=${ROAD_PX[kind ?? 'local'] ?? 3}></path>`] : [];
      }
      const rings = shape.type === 'Polygon' ? [shape.coordinates[0]] : shape.type === 'MultiPolygon' ? shape.coordinates.map((one) => one[0]) : [];
      const shown = rings.map((ring) => ring.map(at)).filter(near);
      return shown.length ? [svg`<path class=${`sk-${layer}`} d=${shown.map((ring) => `${path(ring)}Z`).join('')}></path>`] : [];
    });
  }
}
customElements.define('sn-sketch', Sketch);
