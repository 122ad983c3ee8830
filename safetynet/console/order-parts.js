/** The parts of an order as tables and fields: everything that the map shows can be read and set here too. */
import { html } from 'lit';
import { outline } from './admin-words.js';
import { t } from './say.js';
import { timetableOf } from './week.js';
import { HOLIDAY } from './week-grid.js';

/** @typedef {import('./admin-words.js').Area} Area */
/** @typedef {import('./admin-words.js').Row} Row */
/** @typedef {{id: string, name: string, area: Area}} Zone */
/** @typedef {{zone?: string, on_holidays?: 'any_day'|'own'}} Timed by which clock and calendar hours are meant */
/** @typedef {Timed & {id: string, name: string, home: Area, rows: Row[], hours?: 'night'|'school'}} Curfew */
/** @typedef {Timed & {id: string, name: string, area: Area, rows: Row[], stay: 'residence'|'attendance'}} Inclusion */
/** @typedef {{id: string, starts_at: number, ends_at: number, leave?: string, asked_by?: string, granted_by?: string, purpose?: string}} Absence */
/** @typedef {{substance: string, limit_percent: number|null}} Sobriety */
/** @typedef {{id: string, distance_m: number, device: boolean}} Protected */
/**
 * @typedef {{wearer_class: string, zones: Zone[], starts_at: number|null, ends_at: number|null, curfews: Curfew[], absences: Absence[],
 *   protected: Protected[], inclusions: Inclusion[], shared: string[], sobriety: Sobriety[], duties: string[]}} Order
 */
/** @typedef {(change: Partial<Order>) => void} Change */
/** @typedef {{order: Order, locked: boolean, change: Change, chosen: string, choose: (id: string) => void}} Desk */

export const CLASSES = ['order', 'parole', 'suspended', 'bail', 'stalking_interim'];
const LEAVES = ['outing', 'travel', 'removal'];
const DUTIES = ['charge', 'carry', 'report_faults', 'obey', 'home_unit'];
const KOREA_MS = 9 * 3_600_000;
const DISTANCE = { low: 50, high: 500, usual: 100 };
const CORNER_OFF_DEG = 0.0006;

/** @param {number|null} at */
export const local = (at) => (at === null ? '' : new Date(at + KOREA_MS).toISOString().slice(0, 16));
/** @param {string} text */
export const moment = (text) => (text ? Date.parse(`${text}Z`) - KOREA_MS : null);
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
    <label>${t('order.starts')}<input type="datetime-local" ?disabled=${locked} .value=${local(order.starts_at)} @change=${(/** @type {Event} */ e) => change({ starts_at: moment(value(e)) })}></label>
    <label>${t('order.ends')}<input type="datetime-local" ?disabled=${locked} .value=${local(order.ends_at)} @change=${(/** @type {Event} */ e) => change({ ends_at: moment(value(e)) })}></label></div>`);
}

/** @param {string} name @param {number} n @param {boolean} locked @param {(n: number) => void} change @param {number} low @param {number} high @param {string} step */
const figure = (name, n, locked, change, low, high, step) => html`<label class="fig"><span>${name}</span><input class="num" type="number" required min=${low} max=${high} step=${step} .value=${degrees(n)} ?disabled=${locked}
  @change=${(/** @type {Event} */ e) => change(number(e, n))}></label>`;

/** What a list brought in and this page does not draw: it is shown, and stays as it is. @param {Area} area */
const foreign = (area) => area.type === 'multipolygon' || (area.type === 'polygon' && (area.holes?.length ?? 0) > 0);

/** Coordinates of a shape: the map's other half. @param {Area} area @param {boolean} locked @param {(area: Area) => void} change */
function coordinates(area, locked, change) {
  if (foreign(area) || area.type === 'multipolygon') return html`<p class="sec2">${t('order.foreign')}</p>`;
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

/** Hours as a week and as rows, and what a public holiday is to them. @param {string} name @param {Row[]} rows @param {Timed} timed @param {boolean} locked @param {(part: Timed & {rows?: Row[]}) => void} change */
function timed(name, rows, timed, locked, change) {
  const own = timed.on_holidays === 'own';
  const flip = (/** @type {boolean} */ on) => change(on ? { on_holidays: 'own', rows: rows.some((each) => each.days.length === 7) ? rows.map((each) => (each.days.length === 7 ? { ...each, days: [...each.days, HOLIDAY] } : each)) : rows }
    : { on_holidays: 'any_day', rows: rows.map((each) => ({ ...each, days: each.days.filter((day) => day !== HOLIDAY) })).filter((each) => each.days.length || each.also_on?.length) });
  return html`<sn-week-grid .rows=${rows} .locked=${locked} .own=${own} .name=${name} @sn-hours=${(/** @type {CustomEvent} */ event) => change({ rows: event.detail.rows })}></sn-week-grid>
    <label class="check"><input type="checkbox" ?disabled=${locked} .checked=${own} @change=${(/** @type {Event} */ e) => flip(/** @type {HTMLInputElement} */ (e.target).checked)}>${t('week.own')}</label>
    ${timed.zone && timed.zone !== 'Asia/Seoul' ? html`<p class="sec2">${t('week.zone', { zone: timed.zone })}</p>` : ''}
    ${timetableOf(rows, locked, (after) => change({ rows: after }), own)}`;
}

/** @param {Desk} desk @param {(kind: 'circle'|'polygon') => Area|null} draw @param {{save: (id: string) => void, read: (n: number, file: File) => void}} calendar */
export function curfews(desk, draw, calendar) {
  const { order, locked, change, chosen } = desk;
  const add = () => {
    const home = draw('circle');
    if (!home) return;
    const id = fresh('c');
    change({ curfews: [...order.curfews, { id, name: t('order.new_curfew'), home, rows: [{ days: [0, 1, 2, 3, 4, 5, 6], start_min: 22 * 60, end_min: 6 * 60 }], hours: 'night', zone: 'Asia/Seoul', on_holidays: 'any_day' }] });
    desk.choose(id);
  };
  const files = (/** @type {Curfew} */ each, /** @type {number} */ n) => html`<div class="two">${small(t('week.save'), () => calendar.save(each.id), `${t('week.save')}: ${each.name}`)}
    ${locked ? '' : html`<label class="btn sm file">${t('week.read')}<input type="file" accept=".ics,text/calendar" aria-label=${`${t('week.read')}: ${each.name}`} @change=${(/** @type {Event} */ e) => {
      const input = /** @type {HTMLInputElement} */ (e.target);
      if (input.files?.[0]) calendar.read(n, input.files[0]);
      input.value = '';
    }}></label>`}</div>`;
  return part(`${t('order.curfews')} ${order.curfews.length}`, html`<ul>${order.curfews.map((each, n) => card(desk, each.id, each.name, '120', (name) => change({ curfews: set(order.curfews, n, { name }) }), each.home,
    () => change({ curfews: without(order.curfews, n) }), html`<label class="op-line"><span>${t('order.hours')}</span><select ?disabled=${locked} .value=${each.hours ?? 'night'} @change=${(/** @type {Event} */ e) => change({ curfews: set(order.curfews, n, { hours: /** @type {'night'|'school'} */ (value(e)) }) })}>
        ${['night', 'school'].map((one) => html`<option value=${one} ?selected=${one === (each.hours ?? 'night')}>${t(`Hours.${one}`)}</option>`)}</select></label>
      ${timed(each.name, each.rows, each, locked, (part) => change({ curfews: set(order.curfews, n, part) }))}${files(each, n)}
      ${chosen === each.id ? coordinates(each.home, locked, (home) => change({ curfews: set(order.curfews, n, { home }) })) : ''}`))}</ul>
    ${order.curfews.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`, locked ? '' : html`<div class="two">${small(t('order.add_curfew'), add)}</div>`);
}

/** Areas that must not be left, and places where to be at certain hours. @param {Desk} desk @param {(kind: 'circle'|'polygon') => Area|null} draw */
export function inclusions(desk, draw) {
  const { order, locked, change, chosen } = desk;
  const add = (/** @type {'circle'|'polygon'} */ kind) => {
    const area = draw(kind);
    if (!area) return;
    const id = fresh('i');
    change({ inclusions: [...order.inclusions, { id, name: t('order.new_inclusion'), area, stay: 'residence', rows: [], zone: 'Asia/Seoul', on_holidays: 'any_day' }] });
    desk.choose(id);
  };
  const stay = (/** @type {Inclusion} */ each, /** @type {number} */ n) => html`<label class="op-line"><span>${t('order.stay')}</span><select ?disabled=${locked} .value=${each.stay} @change=${(/** @type {Event} */ e) => change({ inclusions: set(order.inclusions, n, value(e) === 'attendance' ? { stay: 'attendance', rows: each.rows.length ? each.rows : [{ days: [0, 1, 2, 3, 4], start_min: 9 * 60, end_min: 18 * 60 }] } : { stay: 'residence', rows: [] }) })}>
    ${['residence', 'attendance'].map((one) => html`<option value=${one} ?selected=${one === each.stay}>${t(`Stay.${one}`)}</option>`)}</select></label>`;
  return part(`${t('order.inclusions')} ${order.inclusions.length}`, html`<ul>${order.inclusions.map((each, n) => card(desk, each.id, each.name, '120', (name) => change({ inclusions: set(order.inclusions, n, { name }) }), each.area,
    () => change({ inclusions: without(order.inclusions, n) }), html`${stay(each, n)}${each.rows.length ? timed(each.name, each.rows, each, locked, (part) => change({ inclusions: set(order.inclusions, n, part) })) : html`<p class="sec2">${t('order.always')}</p>`}
      ${chosen === each.id ? coordinates(each.area, locked, (area) => change({ inclusions: set(order.inclusions, n, { area }) })) : ''}`))}</ul>
    ${order.inclusions.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`, locked ? '' : html`<div class="two">${small(t('order.add_round'), () => add('circle'))}${small(t('order.add_cornered'), () => add('polygon'))}</div>`);
}

/** Permits and planned removals: what for, who asked, who granted, from when to when. @param {Desk} desk @param {number} now */
export function absences({ order, locked, change }, now) {
  const hour = 3_600_000;
  const begin = Math.ceil(now / hour) * hour;
  const put = (/** @type {number} */ n, /** @type {Partial<Absence>} */ part) => change({ absences: set(order.absences, n, part) });
  const field = (/** @type {number} */ n, /** @type {'starts_at'|'ends_at'} */ name, /** @type {string} */ label) => html`<label>${label}<input type="datetime-local" required ?disabled=${locked} .value=${local(order.absences[n][name])}
    @change=${(/** @type {Event} */ e) => put(n, { [name]: moment(value(e)) ?? order.absences[n][name] })}></label>`;
  const text = (/** @type {number} */ n, /** @type {'asked_by'|'granted_by'|'purpose'} */ name) => html`<label>${t(`permit.${name}`)}<input maxlength="200" ?disabled=${locked} .value=${order.absences[n][name] ?? ''} @change=${(/** @type {Event} */ e) => put(n, { [name]: value(e).trim() })}></label>`;
  return part(`${t('order.absences')} ${order.absences.length}`, html`<ul>${order.absences.map((each, n) => html`<li class="op-card permit"><div class="op-head"><label class="grow"><span class="vh">${t('permit.leave')}</span><select ?disabled=${locked} .value=${each.leave ?? 'outing'} @change=${(/** @type {Event} */ e) => put(n, { leave: value(e) })}>
      ${LEAVES.map((one) => html`<option value=${one} ?selected=${one === (each.leave ?? 'outing')}>${t(`Leave.${one}`)}</option>`)}</select></label>${locked ? '' : small(t('order.remove'), () => change({ absences: without(order.absences, n) }), `${t('order.remove')}: ${t(`Leave.${each.leave ?? 'outing'}`)} ${n + 1}`)}</div>
    <div class="op-row basics permit">${field(n, 'starts_at', t('order.starts'))}${field(n, 'ends_at', t('order.ends'))}${text(n, 'asked_by')}${text(n, 'granted_by')}${text(n, 'purpose')}</div></li>`)}</ul>${order.absences.length ? '' : html`<p class="sec2">${t('order.none_yet')}</p>`}`,
  locked ? '' : html`<div class="two">${small(t('order.add_absence'), () => change({ absences: [...order.absences, { id: fresh('a'), starts_at: begin, ends_at: begin + 2 * hour, leave: 'outing', asked_by: '', granted_by: '', purpose: '' }] }))}</div>`);
}

/** Shared sets, alcohol and drugs, duties of the device. @param {Desk} desk @param {import('./zone-sets.js').ZoneSet[]} sets */
export function others({ order, locked, change }, sets) {
  const check = (/** @type {string} */ label, /** @type {boolean} */ on, /** @type {(on: boolean) => void} */ flip) => html`<label class="check"><input type="checkbox" ?disabled=${locked} .checked=${on} @change=${(/** @type {Event} */ e) => flip(/** @type {HTMLInputElement} */ (e.target).checked)}>${label}</label>`;
  const flipped = (/** @type {string[]} */ all, /** @type {string} */ one, /** @type {boolean} */ on) => (on ? [...all, one] : all.filter((each) => each !== one));
  const known = sets.filter((each) => each.edition).map((each) => each.set);
  const named = [...new Set([...known, ...order.shared])];
  const alcohol = order.sobriety.find((each) => each.substance === 'alcohol');
  return html`${part(t('order.shared'), named.length ? html`<div class="op-checks">${named.map((id) => {
    const one = sets.find((each) => each.set === id);
    return check(one ? t('zones.named', { name: one.name, n: one.count }) : id, order.shared.includes(id), (on) => change({ shared: flipped(order.shared, id, on) }));
  })}</div>` : html`<p class="sec2">${t('zones.none')}</p>`)}
    ${part(t('order.sobriety'), html`<div class="op-checks">${['alcohol', 'drug'].map((each) => check(t(`Substance.${each}`), order.sobriety.some((one) => one.substance === each), (on) => change({ sobriety: on ? [...order.sobriety, { substance: each, limit_percent: null }] : order.sobriety.filter((one) => one.substance !== each) })))}
      ${alcohol ? html`<label class="fig"><span>${t('order.limit')}</span><input class="num" type="number" min="0" max="0.5" step="0.01" .value=${alcohol.limit_percent === null ? '' : String(alcohol.limit_percent)} ?disabled=${locked}
        @change=${(/** @type {Event} */ e) => change({ sobriety: order.sobriety.map((one) => (one.substance === 'alcohol' ? { ...one, limit_percent: Number(value(e)) > 0 ? Number(value(e)) : null } : one)) })}></label>` : ''}</div>`)}
    ${part(t('order.duties'), html`<div class="op-checks">${DUTIES.map((each) => check(t(`Duty.${each}`), order.duties.includes(each), (on) => change({ duties: DUTIES.filter((one) => (one === each ? on : order.duties.includes(one))) })))}</div>`)}`;
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
