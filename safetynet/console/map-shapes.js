/** Shapes of an incident on the ground, as GeoJSON: circles and cones to scale, tracks, zones. Degrees in, degrees out. */

const EARTH_M = 6_371_008.8;
const CIRCLE_CORNERS = 48;
const CONE_CORNERS = 14;
const DOT_EVERY_MS = 10_000;
/** Between two positions further apart than these, which way somebody took is not known: a straight line would claim it. */
const WAY_M_MAX = 150;
const WAY_MS_MAX = 300_000;

/** @typedef {[number, number]} LonLat */

/** The point `m` metres from (lat, lon) towards `azimuth_deg`; flat within a few kilometres. @returns {LonLat} */
export function towards(/** @type {number} */ lat, /** @type {number} */ lon, /** @type {number} */ azimuth_deg, /** @type {number} */ m) {
  const a = (azimuth_deg * Math.PI) / 180;
  const north = ((m * Math.cos(a)) / EARTH_M) * (180 / Math.PI);
  const east = ((m * Math.sin(a)) / EARTH_M / Math.cos((lat * Math.PI) / 180)) * (180 / Math.PI);
  return [lon + east, lat + north];
}

/** Metres between two places. */
export function apart(/** @type {{lat: number, lon: number}} */ a, /** @type {{lat: number, lon: number}} */ b) {
  const k = Math.PI / 180;
  const east = (b.lon - a.lon) * k * Math.cos(((a.lat + b.lat) / 2) * k);
  return EARTH_M * Math.hypot((b.lat - a.lat) * k, east);
}

/** @param {number} lat @param {number} lon @param {number} radius_m @param {Record<string, unknown>} properties @returns {GeoJSON.Feature} */
export function circle(lat, lon, radius_m, properties) {
  const ring = Array.from({ length: CIRCLE_CORNERS + 1 }, (_, i) => towards(lat, lon, (i * 360) / CIRCLE_CORNERS, radius_m));
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } };
}

/** @param {import('./types.js').Camera} camera @param {string} kind @returns {GeoJSON.Feature[]} */
export function cone(camera, kind) {
  const { lat, lon, azimuth_deg, range_m } = camera;
  if (azimuth_deg === null || azimuth_deg === undefined) return [circle(lat, lon, range_m, { kind: 'unknown' })];
  const view = camera.view_deg ?? 60;
  const arc = Array.from({ length: CONE_CORNERS + 1 }, (_, i) => towards(lat, lon, azimuth_deg - view / 2 + (i * view) / CONE_CORNERS, range_m));
  /** @type {GeoJSON.Feature} */
  const shape = { type: 'Feature', properties: { kind }, geometry: { type: 'Polygon', coordinates: [[[lon, lat], ...arc, [lon, lat]]] } };
  return camera.ptz ? [circle(lat, lon, range_m, { kind: 'turn' }), shape] : [shape];
}

/** The legs of a way, those that follow one another in one piece; `gap` where the way between is not known. @param {[number, number, number, number][]} points */
export function legs(points) {
  /** @type {{gap: boolean, line: LonLat[]}[]} */
  const pieces = [];
  points.slice(1).forEach(([lat, lon, at], i) => {
    const [lat0, lon0, at0] = points[i];
    const gap = at - at0 > WAY_MS_MAX || apart({ lat: lat0, lon: lon0 }, { lat, lon }) > WAY_M_MAX;
    const last = pieces.at(-1);
    if (last && last.gap === gap) last.line.push([lon, lat]);
    else pieces.push({ gap, line: [[lon0, lat0], [lon, lat]] });
  });
  return pieces;
}

/** A line, and a dot at most every ten seconds. @param {[number, number, number, number][]} points @returns {GeoJSON.Feature[]} */
export function track(points) {
  if (points.length < 2) return [];
  let last = -Infinity;
  const dots = points.filter(([, , at]) => {
    const due = at - last >= DOT_EVERY_MS;
    if (due) last = at;
    return due;
  });
  return [
    ...legs(points).map(({ gap, line }) => /** @type {GeoJSON.Feature} */ ({ type: 'Feature', properties: { gap }, geometry: { type: 'LineString', coordinates: line } })),
    ...dots.map(([lat, lon]) => /** @type {GeoJSON.Feature} */ ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [lon, lat] } })),
  ];
}

/** @param {import('./types.js').Zone} zone @returns {GeoJSON.Feature[]} */
export function zone({ id, kind, polygon, parts, circle: round }) {
  if (round) return [circle(round.lat, round.lon, round.radius_m, { id, kind })];
  if (parts?.length) return [surface(parts, { id, kind })];
  if (!polygon?.length) return [];
  const ring = [...polygon, polygon[0]].map(([lat, lon]) => [lon, lat]);
  return [{ type: 'Feature', properties: { id, kind }, geometry: { type: 'Polygon', coordinates: [ring] } }];
}

/** Polygons with their holes as one shape: each an outline, then its holes. @param {[number, number][][][]} parts @param {Record<string, unknown>} properties @returns {GeoJSON.Feature} */
export function surface(parts, properties) {
  const closed = parts.map((rings) => rings.map((ring) => [...ring, ring[0]].map(([lat, lon]) => [lon, lat])));
  return { type: 'Feature', properties, geometry: { type: 'MultiPolygon', coordinates: closed } };
}

/** Where to write the name of a zone: its northern edge. @param {import('./types.js').Zone} zone @returns {{lat: number, lon: number}|null} */
export function zoneTop({ polygon, circle: round }) {
  if (round) return { lat: towards(round.lat, round.lon, 0, round.radius_m)[1], lon: round.lon };
  if (!polygon?.length) return null;
  const lons = polygon.map(([, lon]) => lon);
  return { lat: Math.max(...polygon.map(([lat]) => lat)), lon: (Math.min(...lons) + Math.max(...lons)) / 2 };
}
