/** Curfew hours as a week: seven bars to look at, and beside them the rows to edit. */
import { html, svg } from 'lit';
import { hours, timetable } from './admin-words.js';
import { t } from './say.js';

/** @typedef {import('./admin-words.js').Row} Row */
const DAY_MIN = 1440;
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const LEFT = 30;
const BAR = { width: 288, height: 12, gap: 4 };

/** Pieces [day, from, to] in minutes: a row that ends on the next day is two. @param {Row[]} rows @returns {[number, number, number][]} */
export function pieces(rows) {
  return rows.flatMap(({ days, start_min, end_min }) => days.flatMap((day) => /** @type {[number, number, number][]} */ (
    end_min > start_min ? [[day, start_min, end_min]] : [[day, start_min, DAY_MIN], ...(end_min ? [[(day + 1) % 7, 0, end_min]] : [])])));
}

/** @param {Row[]} rows */
export function week(rows) {
  const y = (/** @type {number} */ day) => 14 + day * (BAR.height + BAR.gap);
  const x = (/** @type {number} */ min) => LEFT + (min / DAY_MIN) * BAR.width;
  return html`<svg class="wk" viewBox=${`0 0 ${LEFT + BAR.width + 14} ${y(7)}`} role="img" aria-label=${`${t('order.week')}: ${rows.map(timetable).join(', ')}`}>
    ${[0, 6, 12, 18, 24].map((hour) => svg`<text class="wk-t" x=${x(hour * 60)} y="9" text-anchor="middle">${String(hour)}</text>`)}
    ${DAYS.map((day) => svg`<text class="wk-d" x="0" y=${y(day) + 10}>${t(`Weekday.${day}`)}</text><rect class="wk-b" x=${LEFT} y=${y(day)} width=${BAR.width} height=${BAR.height}></rect>`)}
    ${pieces(rows).map(([day, from, to]) => svg`<rect class="wk-on" x=${x(from)} y=${y(day)} width=${x(to) - x(from)} height=${BAR.height}></rect>`)}
    ${[6, 12, 18].map((hour) => svg`<path class="wk-l" d=${`M${x(hour * 60)} 14V${y(7) - BAR.gap}`}></path>`)}</svg>`;
}

/** `22:00`, on every machine alike; what is no time changes nothing. @param {Event} event @param {number} before @returns {number} */
function minutes(event, before) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const found = /^([01]?\d|2[0-3]):?([0-5]\d)$/.exec(input.value.trim());
  const after = found ? Number(found[1]) * 60 + Number(found[2]) : before;
  input.value = hours(after % DAY_MIN);
  return after;
}

/** The rows of one curfew. @param {Row[]} rows @param {boolean} locked @param {(rows: Row[]) => void} change */
export function timetableOf(rows, locked, change) {
  const set = (/** @type {number} */ n, /** @type {Partial<Row>} */ part) => change(rows.map((each, i) => (i === n ? { ...each, ...part } : each)));
  return html`<ul class="wk-rows">${rows.map((row, n) => html`<li><fieldset><legend class="vh">${t('order.days')}</legend>${DAYS.map((day) => html`<label class="wk-day"><input type="checkbox" .checked=${row.days.includes(day)} ?disabled=${locked}
      @change=${(/** @type {Event} */ event) => set(n, { days: DAYS.filter((each) => (each === day ? /** @type {HTMLInputElement} */ (event.target).checked : row.days.includes(each))) })}><span>${t(`Weekday.${day}`)}</span></label>`)}</fieldset>
    <label><span class="vh">${t('order.from')}</span><input class="num wk-at" inputmode="numeric" maxlength="5" .value=${hours(row.start_min)} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set(n, { start_min: minutes(event, row.start_min) })}></label><span aria-hidden="true">–</span>
    <label><span class="vh">${t('order.to')}</span><input class="num wk-at" inputmode="numeric" maxlength="5" .value=${hours(row.end_min % DAY_MIN)} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set(n, { end_min: minutes(event, row.end_min) })}></label>${row.end_min <= row.start_min && row.end_min > 0 ? html`<span class="sec2">${t('days.overnight')}</span>` : ''}
    ${locked ? '' : html`<button type="button" class="btn sm" ?disabled=${rows.length < 2} aria-label=${`${t('order.remove')}: ${timetable(row)}`} @click=${() => change(rows.filter((_, i) => i !== n))}>${t('order.remove')}</button>`}</li>`)}</ul>
    ${locked ? '' : html`<button type="button" class="btn sm" @click=${() => change([...rows, { days: [...DAYS], start_min: 22 * 60, end_min: 6 * 60 }])}>${t('order.add_row')}</button>`}`;
}
