/**
 * The map's style in both themes: land darkest, roads lighter with rank, everything of an incident above.
 * Colours come from tokens.css. Nothing fades or moves: the map is drawn again only when something has changed.
 */

/** @typedef {import('maplibre-gl').StyleSpecification} Style */
/** @typedef {import('maplibre-gl').LayerSpecification} Layer */

export const LIVE = /** @type {const} */ (['zones', 'accuracy', 'track', 'cones']);
const FONT = 'Pretendard';
const FONT_URL = '/console/vendor/pretendard/dist/web/static/woff2-subset/Pretendard-Regular.subset.woff2';
/** Pixels per metre at zoom 12 and 20 near 36° N. */
const PX_PER_M_12 = 0.065;
const PX_PER_M_20 = 16.6;
const WIDTH_M_UNKNOWN = 6;

/** @param {string} name */
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const hatchName = () => `hatch-${document.documentElement.dataset.theme ?? 'dark'}`;

/** @returns {GeoJSON.FeatureCollection} */
export const none = () => ({ type: 'FeatureCollection', features: [] });

/** @param {Record<string, GeoJSON.FeatureCollection>} live @param {GeoJSON.FeatureCollection} idle @returns {Style} */
export function style(live, idle) {
  /** @type {Style['sources']} */
  const sources = {
    base: { type: 'geojson', data: new URL('/map/base.geojson', location.href).href, maxzoom: 16, tolerance: 0.6 },
    idle: { type: 'geojson', data: idle, maxzoom: 16 },
  };
  for (const name of LIVE) sources[name] = { type: 'geojson', data: live[name] ?? none(), maxzoom: 18, tolerance: 0.1 };
  return {
    version: 8,
    'font-faces': { [FONT]: new URL(FONT_URL, location.href).href },
    sources,
    layers: [...land(), ...labels(), ...incident()],
  };
}

/** @param {string} id @param {string} layer @param {Record<string, any>} paint @param {any} [more] @returns {Layer} */
const base = (id, layer, paint, more = {}) => ({
  id, source: 'base', filter: ['==', ['get', 'layer'], layer], paint, type: 'fill', ...more,
});

/** @returns {Layer[]} */
function land() {
  const width = ['interpolate', ['exponential', 2], ['zoom'], 12, ['max', 0.5, ['*', road_m(), PX_PER_M_12]], 20, ['*', road_m(), PX_PER_M_20]];
  const road = (/** @type {string} */ kind, /** @type {string} */ colour, minzoom = 0) => base(`road-${kind}`, 'road', {
    'line-color': token(colour), 'line-width': width,
  }, {
    type: 'line', minzoom, layout: { 'line-cap': 'round', 'line-join': 'round' },
    filter: ['all', ['==', ['get', 'layer'], 'road'], ['==', ['get', 'class'], kind]],
  });
  return [
    { id: 'land', type: 'background', paint: { 'background-color': token('--m-land') } },
    base('park', 'park', { 'fill-color': token('--m-park') }),
    base('water', 'water', { 'fill-color': token('--m-water') }),
    base('building', 'building', { 'fill-color': token('--m-bldg'), 'fill-antialias': false }, { minzoom: 13.5 }),
    road('local', '--m-local'),
    road('collector', '--m-coll'),
    road('arterial', '--m-art'),
    base('border', 'border', { 'line-color': token('--m-border'), 'line-width': 1.2, 'line-dasharray': [12, 4, 2, 4], 'line-opacity': 0.75 }, { type: 'line' }),
    {
      id: 'idle', type: 'circle', source: 'idle', minzoom: 12,
      paint: { 'circle-color': token('--fg3'), 'circle-opacity': 0.5, 'circle-radius': ['interpolate', ['linear'], ['zoom'], 13, 1.2, 16, 2.6] },
    },
  ];
}

const road_m = () => ['coalesce', ['get', 'width_m'], WIDTH_M_UNKNOWN];

/** @returns {Layer[]} */
function labels() {
  const paint = { 'text-color': token('--m-label'), 'text-halo-color': token('--m-halo'), 'text-halo-width': 1.5 };
  const text = { 'text-field': ['get', 'name'], 'text-font': [FONT] };
  return [
    base('road-label', 'road', paint, {
      type: 'symbol', minzoom: 14,
      filter: ['all', ['==', ['get', 'layer'], 'road'], ['!=', ['get', 'class'], 'local']],
      layout: { ...text, 'text-size': 12, 'symbol-placement': 'line', 'symbol-spacing': 420, 'text-max-angle': 35, 'text-padding': 12 },
    }),
    base('place-label', 'label', paint, {
      type: 'symbol', filter: ['all', ['==', ['get', 'layer'], 'label'], ['!=', ['get', 'kind'], 'city']], minzoom: 14,
      layout: { ...text, 'text-size': 12 },
    }),
    base('city-label', 'label', paint, {
      type: 'symbol', filter: ['all', ['==', ['get', 'layer'], 'label'], ['==', ['get', 'kind'], 'city']], maxzoom: 16,
      layout: { ...text, 'text-size': 16, 'text-letter-spacing': 0.3, 'text-allow-overlap': true },
    }),
  ];
}

/** @returns {Layer[]} */
function incident() {
  const cone = token('--m-cone');
  const of = (/** @type {string} */ kind) => ['==', ['get', 'kind'], kind];
  const line = (/** @type {string} */ kind, /** @type {string} */ colour, /** @type {number[]|null} */ dash, opacity = 0.8) => (/** @type {Layer} */ ({
    id: `cone-line-${kind}`, type: 'line', source: 'cones', filter: of(kind),
    paint: { 'line-color': colour, 'line-width': 1, 'line-opacity': opacity, ...(dash ? { 'line-dasharray': dash } : {}) },
  }));
  return /** @type {Layer[]} */ ([
    { id: 'zone-fill', type: 'fill', source: 'zones', filter: ['!=', ['get', 'kind'], 'protected'], paint: { 'fill-pattern': hatchName(), 'fill-opacity': 0.45 } },
    { id: 'zone-line', type: 'line', source: 'zones', paint: { 'line-color': token('--fg2'), 'line-width': 1.5, 'line-dasharray': [4, 3] } },
    { id: 'accuracy-fill', type: 'fill', source: 'accuracy', paint: { 'fill-color': by('stale', token('--fg2'), priority()), 'fill-opacity': by('stale', 0.05, 0.12) } },
    { id: 'accuracy-fresh', type: 'line', source: 'accuracy', filter: ['!', ['get', 'stale']], paint: { 'line-color': priority(), 'line-width': 1.5 } },
    { id: 'accuracy-stale', type: 'line', source: 'accuracy', filter: ['get', 'stale'], paint: { 'line-color': token('--fg2'), 'line-width': 1.5, 'line-dasharray': [3, 3] } },
    { id: 'track-line', type: 'line', source: 'track', filter: ['all', ['==', ['geometry-type'], 'LineString'], ['!', ['get', 'gap']]], layout: { 'line-join': 'round' }, paint: { 'line-color': token('--p1'), 'line-width': 2, 'line-opacity': 0.55 } },
    { id: 'track-gap', type: 'line', source: 'track', filter: ['all', ['==', ['geometry-type'], 'LineString'], ['to-boolean', ['get', 'gap']]], paint: { 'line-color': token('--p1'), 'line-width': 1.5, 'line-opacity': 0.55, 'line-dasharray': [2, 3] } },
    { id: 'track-dots', type: 'circle', source: 'track', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 3, 'circle-color': token('--m-land'), 'circle-stroke-color': token('--p1'), 'circle-stroke-width': 1.5 } },
    {
      id: 'cone-fill', type: 'fill', source: 'cones', filter: ['!', ['in', ['get', 'kind'], ['literal', ['turn', 'unknown']]]],
      paint: {
        'fill-color': ['match', ['get', 'kind'], 'sees', token('--b4'), 'late', token('--p2-fill'), cone],
        'fill-opacity': ['match', ['get', 'kind'], 'sees', 0.32, 'late', 0.08, 'proposed', 0.04, 0.14],
      },
    },
    line('open', cone, null),
    line('sees', token('--b5'), null),
    line('proposed', cone, [3, 3], 0.6),
    line('late', token('--p2'), [5, 3]),
    line('unknown', cone, [1, 3], 0.7),
    line('turn', cone, [1, 3], 0.5),
  ]);
}

const priority = () => ['match', ['get', 'p'], 1, token('--p1'), 2, token('--p2-fill'), 3, token('--p3'), token('--p4')];

/** @param {string} flag @param {unknown} yes @param {unknown} no */
const by = (flag, yes, no) => ['case', ['get', flag], yes, no];

/** Slanted lines for a forbidden zone, as an image of 16 px that repeats without a seam. @returns {ImageData} */
export function hatch() {
  const size = 16;
  const [r, g, b] = rgb(token('--fg3'));
  const image = new ImageData(size, size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = 4 * (y * size + x);
      image.data.set([r, g, b, (x + y) % 8 < 1.5 ? 255 : 0], at);
    }
  }
  return image;
}

/** @param {string} hex */
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
