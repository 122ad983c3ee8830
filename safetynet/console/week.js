/** The rows of one timetable to the minute: days, times, and between which dates they hold. The week as a picture is `sn-week-grid`. */
import { html } from 'lit';
import { hours, timetable } from './admin-words.js';
import { t } from './say.js';
import { DAY_MIN, HOLIDAY } from './week-grid.js';

/** @typedef {import('./admin-words.js').Row} Row */
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const DATES_MAX = 400;

/** `22:00`, on every machine alike; what is no time changes nothing. @param {Event} event @param {number} before @returns {number} */
function minutes(event, before) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const found = /^([01]?\d|2[0-3]):?([0-5]\d)$/.exec(input.value.trim());
  const after = found ? Number(found[1]) * 60 + Number(found[2]) : before;
  input.value = hours(after % DAY_MIN);
  return after;
}

/** `2026-12-25, 2027-01-01`; what is no date is left out. @param {Event} event @returns {string[]} */
function dates(event) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const found = [...new Set(input.value.match(/\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/g) ?? [])].sort().slice(0, DATES_MAX);
  input.value = found.join(', ');
  return found;
}

/** The rows of one timetable. @param {Row[]} rows @param {boolean} locked @param {(rows: Row[]) => void} change @param {boolean} own whether holidays are a day of their own */
export function timetableOf(rows, locked, change, own) {
  const set = (/** @type {number} */ n, /** @type {Partial<Row>} */ part) => change(rows.map((each, i) => (i === n ? { ...each, ...part } : each)));
  const known = own ? [...DAYS, HOLIDAY] : DAYS;
  return html`<ul class="wk-rows">${rows.map((row, n) => html`<li><fieldset><legend class="vh">${t('order.days')}</legend>${known.map((day) => html`<label class="wk-day"><input type="checkbox" .checked=${row.days.includes(day)} ?disabled=${locked}
      @change=${(/** @type {Event} */ event) => set(n, { days: known.filter((each) => (each === day ? /** @type {HTMLInputElement} */ (event.target).checked : row.days.includes(each))) })}><span>${t(`Weekday.${day}`)}</span></label>`)}</fieldset>
    <label><span class="vh">${t('order.from')}</span><input class="num wk-at" inputmode="numeric" maxlength="5" .value=${hours(row.start_min)} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set(n, { start_min: minutes(event, row.start_min) })}></label><span aria-hidden="true">–</span>
    <label><span class="vh">${t('order.to')}</span><input class="num wk-at" inputmode="numeric" maxlength="5" .value=${hours(row.end_min % DAY_MIN)} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set(n, { end_min: minutes(event, row.end_min) })}></label>${row.end_min <= row.start_min && row.end_min > 0 ? html`<span class="sec2">${t('days.overnight')}</span>` : ''}
    ${locked ? '' : html`<button type="button" class="btn sm" ?disabled=${rows.length < 2} aria-label=${`${t('order.remove')}: ${timetable(row)}`} @click=${() => change(rows.filter((_, i) => i !== n))}>${t('order.remove')}</button>`}
    ${between(row, locked, (part) => set(n, part))}</li>`)}</ul>
    ${locked ? '' : html`<button type="button" class="btn sm" @click=${() => change([...rows, { days: [...DAYS], start_min: 22 * 60, end_min: 6 * 60 }])}>${t('order.add_row')}</button>`}`;
}

/** @param {Row} row @param {boolean} locked @param {(part: Partial<Row>) => void} set */
function between(row, locked, set) {
  const dated = row.since || row.until || row.except_on?.length || row.also_on?.length;
  const input = (/** @type {Event} */ event) => /** @type {HTMLInputElement} */ (event.target).value || null;
  return html`<details class="wk-dates" ?open=${Boolean(dated)}><summary>${t('week.dates')}</summary><div class="op-row basics">
    <label>${t('week.since')}<input type="date" .value=${row.since ?? ''} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set({ since: input(event), ...(input(event) ? {} : { every_weeks: 1 }) })}></label>
    <label>${t('week.until')}<input type="date" .value=${row.until ?? ''} ?disabled=${locked} @change=${(/** @type {Event} */ event) => set({ until: input(event) })}></label>
    <label>${t('week.except')}<input class="num" .value=${(row.except_on ?? []).join(', ')} placeholder="2026-12-25" ?disabled=${locked} @change=${(/** @type {Event} */ event) => set({ except_on: dates(event) })}></label>
    <label>${t('week.also')}<input class="num" .value=${(row.also_on ?? []).join(', ')} placeholder="2026-12-31" ?disabled=${locked} @change=${(/** @type {Event} */ event) => set({ also_on: dates(event) })}></label></div></details>`;
}
