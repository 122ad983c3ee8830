/** The parts of an order as tables and fields: everything that the map shows can be read and set here too. */
import { html } from 'lit';
import { outline } from './admin-words.js';
import { t } from './say.js';
import { timetableOf, week } from './week.js';

/** @typedef {import('./admin-words.js').Circle|import('./admin-words.js').Polygon} Area */
/** @typedef {{id: string, name: string, area: Area}} Zone */
/** @typedef {{id: string, name: string, home: Area, rows: import('./admin-words.js').Row[]}} Curfew */
/** @typedef {{id: string, starts_at: number, ends_at: number}} Absence */
/** @typedef {{id: string, distance_m: number, device: boolean}} Protected */
/**
 * @typedef {{wearer_class: string, zones: Zone[], starts_at: number|null, ends_at: number|null, curfews: Curfew[], absences: Absence[],
 *   protected: Protected[]}} Order
 */
/** @typedef {(change: Partial<Order>) => void} Change */
/** @typedef {{order: Order, locked: boolean, change: Change, chosen: string, choose: (id: string) => void}} Desk */

export const CLASSES = ['order', 'parole', 'suspended', 'bail', 'stalking_interim'];
const KOREA_MS = 9 * 3_600_000;
const DISTANCE = { low: 50, high: 500, usual: 100 };
const CORNER_OFF_DEG = 0.0006;

/** @param {number|null} at */
const local = (at) => (at === null ? '' : new Date(at + KOREA_MS).toISOString().slice(0, 16));
/** @param {string} text */
const instant = (text) => (text ? Date.parse(`${text}Z`) - KOREA_MS : null);
/** Six decimals are a tenth of a metre. @param {number} degrees */
const degrees = (degrees) => String(Math.round(degrees * 1e6) / 1e6);
/** @param {Event} event */
const value = (event) => /** @type {HTMLInputElement} */ (event.target).value;
/** @param {Event} event @param {number} before */
const number = (event, before) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  return input.value !== '' && Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : before;
};
/** @template T @param {T[]} all @param {number} n @param {Partial<T>} part @returns {T[]} */
const set = (all, n, part) => all.map((each, i) => (i === n ? { ...each, ...part } : each));
/** @template T @param {T[]} all @param {number} n @returns {T[]} */
const without = (all, n) => all.filter((_, i) => i !== n);
/** An id that no part of any version had. */
export const fresh = (/** @type {string} */ kind) => `${kind}-${crypto.randomUUID().slice(0, 8)}`;

/** @param {string} title @param {unknown} body @param {unknown} [more] */
const part = (title, body, more = '') => html`<section class="op" aria-label=${title}><h3>${title}</h3>${body}${more}</section>`;
/** @param {string} text @param {() => void} click @param {string} [label] */
const small = (text, click, label = text) => html`<button type="button" class="btn sm" aria-label=${label} @click=${click}>${text}</button>`;

/** @param {Desk} desk */
export function basics({ order, locked, change }) {
  return part(t('order.basics'), html`<div class="op-row basics"><label>${t('col.class')}<select ?disabled=${locked} .value=${order.wearer_class} @change=${(/** @type {Event} */ e) => change({ wearer_class: value(e) })}>
      ${CLASSES.map((each) => html`<option value=${each} ?selected=${each === order.wearer_class}>${t(`WearerClass.${each}`)}</option>`)}</select></label>
    <label>${t('order.starts')}<input type="datetime-local" ?disabled=${locked} .value=${local(order.starts_at)} @change=${(/** @type {Event} */ e) => change({ starts_at: instant(value(e)) })}></label>
    <label>${t('order.ends')}<input type="datetime-local" ?disabled=${locked} .value=${local(order.ends_at)} @change=${(/** @type {Event} */ e) => change({ ends_at: instant(value(e)) })}></label></div>`);
}

/** @param {string} name @param {number} n @param {boolean} locked @param {(n: number) => void} change @param {number} low @param {number} high @param {string} step */
const figure = (name, n, locked, change, low, high, step) => html`<label class="fig"><span>${name}</span><input class="num" type="number" required min=${low} max=${high} step=${step} .value=${degrees(n)} ?disabled=${locked}
  @change=${(/** @type {Event} */ e) => change(number(e, n))}></label>`;

/** Coordinates of a shape: the map's other half. @param {Area} area @param {boolean} locked @param {(area: Area) => void} change */
function coordinates(area, locked, change) {
  if (area.type === 'circle') {
    return html`<div class="op-row three">${figure(t('order.lat'), area.lat, locked, (lat) => change({ ...area, lat }), 33, 39, 'any')}${figure(t('order.lon'), area.lon, locked, (lon) => change({ ...area, lon }), 124, 132, 'any')}
      ${figure(t('order.radius'), area.radius_m, locked, (radius_m) => change({ ...area, radius_m }), 1, 50_000, 'any')}</div>`;
  }
  const corner = (/** @type {number} */ n, /** @type {[number, number]} */ at) => change({ ...area, corners: area.corners.map((each, i) => (i === n ? at : each)) });
  const more = (/** @type {number} */ n) => {
    const [a, b] = [area.corners[n], area.corners[(n + 1) % area.corners.length]];
    const between = /** @type {[number, number]} */ ([0, 1].map((i) => Math.round(((a[i] + b[i]) / 2) * 1e6) / 1e6));
    change({ ...area, corners: [...area.corners.slice(0, n + 1), between, ...area.corners.slice(n + 1)] });
  };
  return html`<ol class="corners">${area.corners.map(([lat, lon], n) => html`<li><span class="num">${n + 1}</span>
    <label><span class="vh">${t('order.corner', { n: n + 1 })} ${t('order.lat')}</span><input class="num" type="number" step="any" required .value=${degrees(lat)} ?disabled=${locked} @change=${(/** @type {Event} */ e) => corner(n, [number(e, lat), lon])}></label>
    <label><span class="vh">${t('order.corner', { n: n + 1 })} ${t('order.lon')}</span><input class="num" type="number" step="any" required .value=${degrees(lon)} ?disabled=${locked} @change=${(/** @type {Event} */ e) => corner(n, [lat, number(e, lon)])}></label>
    ${locked ? '' : html`${small('+', () => more(n), `${t('order.add_corner')}: ${t('order.corner', { n: n + 1 })}`)}<button type="button" class="btn sm" ?disabled=${area.corners.length < 4} aria-label=${`${t('order.remove')}: ${t('order.corner', { n: n + 1 })}`}
      @click=${() => change({ ...area, corners: without(area.corners, n) })}>−</button>`}</li>`)}</ol>`;
}

/** @param {Desk} desk @param {string} id @param {string} name @param {string} limit @param {(name: string) => void} rename @param {Area} area @param {() => void} drop @param {unknown} inside */
const card = ({ locked, chosen, choose }, id, name, limit, rename, area, drop, inside) => html`<li class=${chosen === id ? 'op-card chosen' : 'op-card'}>
  <div class="op-head"><label class="grow"><span class="vh">${t('form.name')}</span><input required maxlength=${limit} .value=${name} ?disabled=${locked} @change=${(/** @type {Event} */ e) => rename(value(e).trim() || name)}></label>
    <button type="button" class="btn sm" aria-pressed=${String(chosen === id)} @click=${() => choose(chosen === id ? '' : id)}>${outline(area)}</button>${locked ? '' : small(t('order.remove'), drop, `${t('order.remove')}: ${name}`)}</div>${inside}</li>`;

/** @param {Desk} desk @param {(kind: 'circle'|'polygon') => Area|null} draw */
export function zones(desk, draw) {
  const { order, locked, change, chosen } = desk;
  const add = (/** @type {'circle'|'polygon'} */ kind) => {
    const area = draw(kind);
    if (!area) return;
    const id = fresh('z');
    change({ zones: [...order.zones, { id, name: t('order.new_zone'), area }] });
    desk.choose(id);
  };
  return part(`${t('order.zones')} ${order.zones.length}`, html`<ul>${order.zones.map((each, n) => card(desk, each.id, each.name, '120', (name) => change({ zones: set(order.zones, n, { name }) }), each.area,
    () => change({ zones: without(order.zones, n) }), chosen === each.id ? coordinates(each.area, locked, (area) => change({ zones: set(order.zones, n, { area }) })) : ''))}</ul>
    ${order.zones.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`, locked ? '' : html`<div class="two">${small(t('order.add_circle'), () => add('circle'))}${small(t('order.add_polygon'), () => add('polygon'))}</div>`);
}

/** @param {Desk} desk @param {(kind: 'circle'|'polygon') => Area|null} draw */
export function curfews(desk, draw) {
  const { order, locked, change, chosen } = desk;
  const add = () => {
    const home = draw('circle');
    if (!home) return;
    const id = fresh('c');
    change({ curfews: [...order.curfews, { id, name: t('order.new_curfew'), home, rows: [{ days: [0, 1, 2, 3, 4, 5, 6], start_min: 22 * 60, end_min: 6 * 60 }] }] });
    desk.choose(id);
  };
  return part(`${t('order.curfews')} ${order.curfews.length}`, html`<ul>${order.curfews.map((each, n) => card(desk, each.id, each.name, '120', (name) => change({ curfews: set(order.curfews, n, { name }) }), each.home,
    () => change({ curfews: without(order.curfews, n) }), html`${week(each.rows)}${timetableOf(each.rows, locked, (rows) => change({ curfews: set(order.curfews, n, { rows }) }))}
      ${chosen === each.id ? coordinates(each.home, locked, (home) => change({ curfews: set(order.curfews, n, { home }) })) : ''}`))}</ul>
    ${order.curfews.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`, locked ? '' : html`<div class="two">${small(t('order.add_curfew'), add)}</div>`);
}

/** @param {Desk} desk @param {number} now */
export function absences({ order, locked, change }, now) {
  const hour = 3_600_000;
  const begin = Math.ceil(now / hour) * hour;
  const field = (/** @type {number} */ n, /** @type {'starts_at'|'ends_at'} */ name, /** @type {string} */ label) => html`<label><span class="vh">${label}</span><input type="datetime-local" required ?disabled=${locked} .value=${local(order.absences[n][name])}
    @change=${(/** @type {Event} */ e) => change({ absences: set(order.absences, n, { [name]: instant(value(e)) ?? order.absences[n][name] }) })}></label>`;
  return part(`${t('order.absences')} ${order.absences.length}`, html`<ul>${order.absences.map((_, n) => html`<li class="op-line">${field(n, 'starts_at', t('order.starts'))}<span aria-hidden="true">–</span>${field(n, 'ends_at', t('order.ends'))}
    ${locked ? '' : small(t('order.remove'), () => change({ absences: without(order.absences, n) }))}</li>`)}</ul>${order.absences.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`,
  locked ? '' : html`<div class="two">${small(t('order.add_absence'), () => change({ absences: [...order.absences, { id: fresh('a'), starts_at: begin, ends_at: begin + 2 * hour }] }))}</div>`);
}

/** Pseudonyms alone: who it is stands in a record that this page does not open. @param {Desk} desk @param {string[]} known */
export function shielded({ order, locked, change }, known) {
  const free = known.filter((id) => !order.protected.some((each) => each.id === id));
  const line = (/** @type {Protected} */ each, /** @type {number} */ n) => html`<li class="op-line"><b class="num">${each.id}</b>
    ${figure(t('order.distance'), each.distance_m, locked, (distance_m) => change({ protected: set(order.protected, n, { distance_m }) }), DISTANCE.low, DISTANCE.high, '1')}
    <label class="check"><input type="checkbox" ?disabled=${locked} .checked=${each.device} @change=${(/** @type {Event} */ e) => change({ protected: set(order.protected, n, { device: /** @type {HTMLInputElement} */ (e.target).checked }) })}>${t('order.has_device')}</label>
    ${locked ? '' : small(t('order.remove'), () => change({ protected: without(order.protected, n) }), `${t('order.remove')}: ${each.id}`)}</li>`;
  return part(`${t('order.protected')} ${order.protected.length}`, html`<ul>${order.protected.map(line)}</ul>${order.protected.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`,
    locked || !free.length ? '' : html`<div class="op-line"><label class="grow"><span class="vh">${t('order.add_protected')}</span><select @change=${(/** @type {Event} */ e) => {
      const select = /** @type {HTMLSelectElement} */ (e.target);
      if (select.value) change({ protected: [...order.protected, { id: select.value, distance_m: DISTANCE.usual, device: true }] });
      select.value = '';
    }}><option value="">${t('order.add_protected')}</option>${free.map((id) => html`<option value=${id}>${id}</option>`)}</select></label></div>`);
}

/** A shape to begin with, where the map looks. @param {'circle'|'polygon'} kind @param {{lat: number, lon: number}} at @returns {Area} */
export function begun(kind, at) {
  if (kind === 'circle') return { type: 'circle', ...at, radius_m: 150 };
  const [d, r] = [CORNER_OFF_DEG, (/** @type {number} */ n) => Math.round(n * 1e6) / 1e6];
  const off = /** @type {[number, number][]} */ ([[d, -d], [d, d], [-d, d], [-d, -d]]);
  return { type: 'polygon', corners: off.map(([lat, lon]) => [r(at.lat + lat), r(at.lon + lon * 1.24)]) };
}
