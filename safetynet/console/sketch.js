/**
 * A small map for a phone: streets and houses around one place, drawn once as SVG. No WebGL: an officer's telephone, and
 * a second page on a small machine, must show the order at once, whatever its graphics can do.
 */
import { html, LitElement, nothing, svg } from 'lit';
import { cone } from './map-shapes.js';
import { streets } from './route.js';

const REACH_M = 260;
/** Half of what a tall telephone shows across; a mark of one's own that lies farther out stands at this edge. */
const EDGE_X_M = 104;
const EDGE_Y_M = 125;
/** Names of streets stand this far from the middle, so that they do not hide the person. */
const NAME_M = 40;
const ROAD_PX = { local: 3, collector: 5, arterial: 9 };
/** Metres per degree, good to a thousandth inside Korea; this is a sketch, distances are reckoned elsewhere. */
const NORTH_M = 110_950;
const eastM = (/** @type {number} */ lat) => 111_320 * Math.cos((lat * Math.PI) / 180);
/** From [lon, lat] to metres east and south of a place. @param {{lat: number, lon: number}} middle */
export const from = (middle) => (/** @type {number[]} */ [lon, lat]) => [(lon - middle.lon) * eastM(middle.lat), (middle.lat - lat) * NORTH_M];

/** @type {Promise<GeoJSON.FeatureCollection>|null} */
let ground = null;
export const load = () => (ground ??= fetch('/map/base.geojson').then((answer) => {
  if (!answer.ok) throw new Error(`map: ${answer.status}`);
  return answer.json();
}));
/** @type {Map<string, import('./route.js').Node>|null} */
let known = null;
/** The streets as a net, once the map is here. */
export async function net() {
  return (known ??= streets(await load()));
}

export class Sketch extends LitElement {
  static properties = { place: { attribute: false }, here: { attribute: false }, mine: { attribute: false }, way: { attribute: false }, camera: { attribute: false }, seen: { attribute: false }, label: { type: String }, map: { state: true } };

  constructor() {
    super();
    /** @type {import('./types.js').Place|null} */
    this.place = null;
    /** Where the officer is, when the phone knows. @type {{lat: number, lon: number}|null} */
    this.here = null;
    /** The word on the officer's own mark. */
    this.mine = '';
    this.label = '';
    /** @type {import('./route.js').Way|null} */
    this.way = null;
    /** Whose picture is shown. @type {import('./types.js').Camera|null} */
    this.camera = null;
    /** Where an officer stood who saw the person last. @type {import('./types.js').FieldMark|null} */
    this.seen = null;
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
    const at = from(place);
    const mine = this.here ? at([this.here.lon, this.here.lat]) : null;
    const shown = mine ? inside(mine) : null;
    return html`<svg class="sketch" viewBox="${-REACH_M} ${-REACH_M * 0.75} ${REACH_M * 2} ${REACH_M * 1.5}" preserveAspectRatio="xMidYMid slice" role="img" aria-label=${this.label}>
      ${shapes(this.map, at, REACH_M)}${this.#names(at)}
      ${this.#camera(at)}
      ${this.way ? svg`<path class="sk-way" d=${`M${this.way.steps.map((each) => at([each.lon, each.lat]).map((m) => m.toFixed(0)).join(' ')).join('L')}`}></path>`
        : mine && shown ? svg`<path class="sk-way" d=${`M0 0L${shown[0]} ${shown[1]}`}></path>` : nothing}
      <circle class="m-acc" r=${Math.max(place.radius_m, 6)}></circle><rect class="sk-at" x="-6" y="-6" width="12" height="12"></rect>
      ${this.#sighting(at)}${shown ? svg`<g transform=${`translate(${shown[0]} ${shown[1]})`}><rect class="sk-here" x="-10" y="-8" width="20" height="16" rx="4"></rect><text class="sk-mine" y="3.5">${this.mine}</text></g>` : nothing}</svg>`;
  }

  /** Where the picture comes from, and which way it looks. @param {(point: number[]) => number[]} at */
  #camera(at) {
    const camera = this.camera;
    if (!camera) return nothing;
    const [x, y] = at([camera.lon, camera.lat]);
    const shapes = cone(camera, 'open').map((each) => (each.geometry.type === 'Polygon' ? each.geometry.coordinates[0].map(at) : []));
    return svg`${shapes.map((ring) => svg`<path class="sk-cone" d=${`M${ring.map(([a, b]) => `${a.toFixed(0)} ${b.toFixed(0)}`).join('L')}Z`}></path>`)}<circle class="sk-cam" cx=${x.toFixed(0)} cy=${y.toFixed(0)} r="5"></circle>`;
  }

  /** @param {(point: number[]) => number[]} at */
  #sighting(at) {
    if (!this.seen?.spot) return nothing;
    const [x, y] = inside(at([this.seen.spot.lon, this.seen.spot.lat]));
    return svg`<circle class="sk-seen" cx=${x} cy=${y} r="7"></circle>`;
  }

  /** The names of the larger streets, each once, where it passes nearest. @param {(point: number[]) => number[]} at */
  #names(at) {
    /** @type {Map<string, {x: number, y: number, far: number, turn: number}>} */
    const best = new Map();
    for (const each of this.map?.features ?? []) {
      const { layer, class: kind, name } = /** @type {{layer: string, class?: string, name?: string}} */ (each.properties ?? {});
      if (layer !== 'road' || kind === 'local' || !name || each.geometry.type !== 'LineString') continue;
      const line = each.geometry.coordinates.map(at);
      for (let i = 1; i < line.length; i++) {
        const [[ax, ay], [bx, by]] = [line[i - 1], line[i]];
        const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
        const far = Math.hypot(x, y);
        if (far < NAME_M || Math.abs(x) > EDGE_X_M * 0.8 || Math.abs(y) > EDGE_Y_M || far >= (best.get(name)?.far ?? Infinity)) continue;
        const turn = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
        best.set(name, { x, y, far, turn: turn > 90 ? turn - 180 : turn < -90 ? turn + 180 : turn });
      }
    }
    return [...best].map(([name, { x, y, turn }]) => svg`<text class="sk-name" transform=${`translate(${x.toFixed(0)} ${y.toFixed(0)}) rotate(${turn.toFixed(0)})`} y="3">${name}</text>`);
  }
}

/**
 * Streets, houses, water and parks around the middle.
 * @param {GeoJSON.FeatureCollection|null} map @param {(point: number[]) => number[]} at @param {number} reach_m
 */
export function shapes(map, at, reach_m) {
  // By its outer box: a straight street may have no corner near.
  const touches = (/** @type {number[]} */ along) => Math.min(...along) < reach_m * 1.4 && Math.max(...along) > -reach_m * 1.4;
  const near = (/** @type {number[][]} */ line) => touches(line.map(([x]) => x)) && touches(line.map(([, y]) => y));
  const path = (/** @type {number[][]} */ line) => `M${line.map(([x, y]) => `${x.toFixed(0)} ${y.toFixed(0)}`).join('L')}`;
  return (map?.features ?? []).flatMap((each) => {
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

/** Where a mark that is too far stands: at the edge, on the line to it. @param {number[]} point */
function inside([x, y]) {
  const share = Math.min(1, EDGE_X_M / Math.max(Math.abs(x), 1), EDGE_Y_M / Math.max(Math.abs(y), 1));
  return [Math.round(x * share), Math.round(y * share)];
}

customElements.define('sn-sketch', Sketch);
