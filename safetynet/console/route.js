/**
 * The way by the streets of the map, reckoned on the telephone: where the person is leaves it for no foreign service.
 * Shortest by length; one-way streets, traffic and closed roads are not known, and an officer knows better.
 */
import { apart } from './map-shapes.js';

/** @typedef {{lat: number, lon: number}} Spot */
/** @typedef {Spot & {name: string}} Step  `name` is that of the street that leads here */
/** @typedef {{m: number, steps: Step[]}} Way */

/** Farther from the next street than this, a way by streets would not begin where one is. */
const OFF_M_MAX = 150;
const TURN_DEG_MIN = 40;

/** @typedef {{lat: number, lon: number, next: {to: string, m: number, name: string}[]}} Node */

/** @param {GeoJSON.FeatureCollection} map @returns {Map<string, Node>} */
export function streets(map) {
  /** @type {Map<string, Node>} */
  const nodes = new Map();
  const node = (/** @type {number[]} */ [lon, lat]) => {
    const key = `${lat.toFixed(6)} ${lon.toFixed(6)}`;
    const found = nodes.get(key) ?? { lat, lon, next: [] };
    nodes.set(key, found);
    return { key, found };
  };
  for (const each of map.features) {
    if (each.properties?.layer !== 'road' || each.geometry.type !== 'LineString') continue;
    const name = String(each.properties.name ?? '');
    const line = each.geometry.coordinates.map(node);
    for (let i = 1; i < line.length; i++) {
      const [a, b] = [line[i - 1], line[i]];
      const m = apart(a.found, b.found);
      a.found.next.push({ to: b.key, m, name });
      b.found.next.push({ to: a.key, m, name });
    }
  }
  return nodes;
}

/** @param {Map<string, Node>} nodes @param {Spot} spot */
function nearest(nodes, spot) {
  let best = { key: '', m: Infinity };
  for (const [key, node] of nodes) {
    const m = apart(node, spot);
    if (m < best.m) best = { key, m };
  }
  return best;
}

/** Null when the map knows no way. @param {Map<string, Node>} nodes @param {Spot} from @param {Spot} to @returns {Way|null} */
export function way(nodes, from, to) {
  const [start, goal] = [nearest(nodes, from), nearest(nodes, to)];
  if (start.m > OFF_M_MAX || goal.m > OFF_M_MAX) return null;
  /** @type {Map<string, {m: number, before: string|null, name: string}>} */
  const reached = new Map([[start.key, { m: 0, before: null, name: '' }]]);
  const open = new Heap();
  open.push(0, start.key);
  for (let key = open.pop(); key !== null; key = open.pop()) {
    if (key === goal.key) break;
    const at = reached.get(key);
    for (const each of nodes.get(key)?.next ?? []) {
      const m = (at?.m ?? 0) + each.m;
      if (m >= (reached.get(each.to)?.m ?? Infinity)) continue;
      reached.set(each.to, { m, before: key, name: each.name });
      open.push(m, each.to);
    }
  }
  const end = reached.get(goal.key);
  if (!end) return null;
  /** @type {Step[]} */
  const steps = [{ lat: to.lat, lon: to.lon, name: '' }];
  for (let key = /** @type {string|null} */ (goal.key); key; key = reached.get(key)?.before ?? null) {
    const node = nodes.get(key);
    if (node) steps.unshift({ lat: node.lat, lon: node.lon, name: reached.get(key)?.name ?? '' });
  }
  steps.unshift({ lat: from.lat, lon: from.lon, name: '' });
  return { m: end.m + start.m + goal.m, steps };
}

/** A turn that must be taken next, or null: straight on to the end. @param {Way} whole @returns {{m: number, side: 'left'|'right', name: string}|null} */
export function turn({ steps }) {
  let m = 0;
  for (let i = 1; i + 1 < steps.length; i++) {
    m += apart(steps[i - 1], steps[i]);
    if (i === 1) continue; // from where one stands to the street: no corner
    const bend = ((heading(steps[i], steps[i + 1]) - heading(steps[i - 1], steps[i]) + 540) % 360) - 180;
    if (Math.abs(bend) >= TURN_DEG_MIN && i + 2 < steps.length) return { m, side: bend > 0 ? 'right' : 'left', name: steps[i + 1].name };
  }
  return null;
}

/** Degrees clockwise from north. @param {Spot} a @param {Spot} b */
function heading(a, b) {
  const east = (b.lon - a.lon) * Math.cos((a.lat * Math.PI) / 180);
  return (Math.atan2(east, b.lat - a.lat) * 180) / Math.PI;
}

/** The least first. */
class Heap {
  constructor() {
    /** @type {{m: number, key: string}[]} */
    this.rows = [];
  }

  /** @param {number} m @param {string} key */
  push(m, key) {
    const rows = this.rows;
    rows.push({ m, key });
    for (let i = rows.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (rows[up].m <= rows[i].m) break;
      [rows[up], rows[i]] = [rows[i], rows[up]];
      i = up;
    }
  }

  /** @returns {string|null} */
  pop() {
    const rows = this.rows;
    const top = rows[0];
    const last = rows.pop();
    if (!top || !last) return null;
    if (!rows.length) return top.key;
    rows[0] = last;
    for (let i = 0; ;) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < rows.length && rows[left].m < rows[least].m) least = left;
      if (right < rows.length && rows[right].m < rows[least].m) least = right;
      if (least === i) return top.key;
      [rows[least], rows[i]] = [rows[i], rows[least]];
      i = least;
    }
  }
}
