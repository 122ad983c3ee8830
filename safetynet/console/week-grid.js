/**
 * `sn-week-grid`: the hours of one curfew as a week, half an hour to a cell, with a line for public holidays when these are days of
 * their own. Drawn with the mouse (drag: what the first cell was not), or by keyboard: arrows walk, Space turns a cell over, Shift
 * with an arrow draws on, Home and End go to the ends of a line. Hours that hold only between dates are hatched; their rows stand in the list below.
 * Tells `sn-hours` with the new rows.
 */
import { html } from 'lit';
import { hours, timetable } from './admin-words.js';
import { Light } from './base.js';
import { t } from './say.js';

/** @typedef {import('./admin-words.js').Row} Row */
/** @typedef {[from: number, to: number]} Span minutes */

export const DAY_MIN = 1440;
export const HOLIDAY = 7;
const STEP_MIN = 30;
const CELLS = DAY_MIN / STEP_MIN;
const WEEK = [0, 1, 2, 3, 4, 5, 6];
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Whether a row holds every week alike: the grid draws these. @param {Row} row */
export const plain = (row) => row.days.length > 0 && !row.since && !row.until && (row.every_weeks ?? 1) === 1 && !row.except_on?.length && !row.also_on?.length;

/** What is filled of each line. A night that begins on a holiday keeps its end on the holiday's own line. @param {Row[]} rows @returns {Span[][]} */
export function lines(rows) {
  /** @type {Span[][]} */
  const found = Array.from({ length: 8 }, () => []);
  for (const { days, start_min, end_min } of rows) {
    for (const day of days) {
      if (end_min > start_min) found[day].push([start_min, end_min]);
      else {
        found[day].push([start_min, DAY_MIN]);
        if (end_min && day !== HOLIDAY) found[(day + 1) % 7].push([0, end_min]);
      }
    }
  }
  return found.map(joined);
}

/** @param {Span[]} spans @returns {Span[]} */
function joined(spans) {
  /** @type {Span[]} */
  const found = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

/** One line with a stretch drawn or wiped. @param {Span[]} line @param {Span} span @param {boolean} on @returns {Span[]} */
function drawn(line, [from, to], on) {
  if (on) return joined([...line, [from, to]]);
  return line.flatMap(([a, b]) => /** @type {Span[]} */ ([[a, Math.min(b, from)], [Math.max(a, to), b]])).filter(([a, b]) => a < b);
}

/** Rows that fill these lines: nights over midnight as one row, equal hours of several days together. @param {Span[][]} filled @param {Map<number, number>} tails @returns {Row[]} */
export function rowsOf(filled, tails) {
  /** @type {Map<string, Row>} */
  const found = new Map();
  const add = (/** @type {number} */ day, /** @type {number} */ start_min, /** @type {number} */ end_min) => {
    const key = `${start_min} ${end_min}`;
    const known = found.get(key) ?? { days: [], start_min, end_min };
    found.set(key, { ...known, days: [...known.days, day].sort((a, b) => a - b) });
  };
  /** How far the night that begins on a day reaches into the next. @param {number} day */
  const over = (day) => {
    const last = filled[day].at(-1);
    const first = filled[(day + 1) % 7][0];
    return last?.[1] === DAY_MIN && last[0] > 0 && first?.[0] === 0 && first[1] < DAY_MIN && first[1] <= last[0] ? first[1] : 0;
  };
  for (const day of WEEK) {
    for (const [from, to] of filled[day]) {
      if (from === 0 && to === over((day + 6) % 7)) continue;  // the end of the night before
      add(day, from, to === DAY_MIN && over(day) ? over(day) : to);
    }
  }
  for (const [from, to] of filled[HOLIDAY]) add(HOLIDAY, from, to === DAY_MIN ? tails.get(from) ?? to : to);
  return [...found.values()].sort((a, b) => a.days[0] - b.days[0] || a.start_min - b.start_min);
}

export class WeekGrid extends Light {
  static properties = { rows: { attribute: false }, locked: { type: Boolean }, own: { type: Boolean }, name: { type: String }, cursor: { state: true }, stroke: { state: true } };

  constructor() {
    super();
    /** @type {Row[]} */
    this.rows = [];
    this.locked = false;
    /** Whether public holidays have a line of their own. */
    this.own = false;
    this.name = '';
    /** @type {[line: number, cell: number]} */
    this.cursor = [0, CELLS - 4];
    /** What is being drawn. @type {{from: [number, number], to: [number, number], on: boolean}|null} */
    this.stroke = null;
  }

  get #lines() {
    return lines(this.rows.filter(plain));
  }

  get #drawing() {
    const stroke = this.stroke;
    const filled = this.#lines;
    if (!stroke) return filled;
    const [top, bottom] = [stroke.from[0], stroke.to[0]].sort((a, b) => a - b);
    const [left, right] = [stroke.from[1], stroke.to[1]].sort((a, b) => a - b);
    return filled.map((line, n) => (n >= top && n <= bottom ? drawn(line, [left * STEP_MIN, (right + 1) * STEP_MIN], stroke.on) : line));
  }

  /** @param {Span[][]} filled */
  #tell(filled) {
    const held = this.rows.filter(plain).filter((row) => row.days.includes(HOLIDAY) && row.end_min <= row.start_min && row.end_min > 0);
    const tails = new Map(held.map((row) => [row.start_min, row.end_min]));
    this.tell('sn-hours', { rows: [...rowsOf(filled, tails), ...this.rows.filter((row) => !plain(row))] });
  }

  /** @param {Span[][]} filled @param {number} line @param {number} cell */
  #on = (filled, line, cell) => filled[line].some(([from, to]) => from < (cell + 1) * STEP_MIN && to > cell * STEP_MIN);

  // --- by mouse ----------------------------------------------------------------------------------------------------

  /** @param {Event} event @returns {[number, number]|null} */
  #cell(event) {
    const at = /** @type {PointerEvent} */ (event);
    const cell = /** @type {HTMLElement|null} */ (document.elementFromPoint(at.clientX, at.clientY)?.closest('[data-cell]'));
    return cell && this.contains(cell) ? [Number(cell.dataset.line), Number(cell.dataset.cell)] : null;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const at = this.#cell(event);
    if (this.locked || !at || event.button !== 0) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
    this.cursor = at;
    this.stroke = { from: at, to: at, on: !this.#on(this.#lines, ...at) };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.stroke && this.#cell(event);
    if (at && this.stroke) this.stroke = { ...this.stroke, to: at };
  }

  #up() {
    if (!this.stroke) return;
    const filled = this.#drawing;
    this.stroke = null;
    this.#tell(filled);
    void this.#focus();
  }

  // --- by keyboard -------------------------------------------------------------------------------------------------

  async #focus() {
    await this.updateComplete;
    /** @type {HTMLElement|null} */ (this.querySelector('[data-cell][tabindex="0"]'))?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [line, cell] = this.cursor;
    const last = this.own ? HOLIDAY : 6;
    const arrow = ARROWS[event.key];
    /** @type {[number, number]|null} */
    const next = arrow ? [Math.min(last, Math.max(0, line + arrow[0])), Math.min(CELLS - 1, Math.max(0, cell + arrow[1]))] : event.key === 'Home' ? [line, 0] : event.key === 'End' ? [line, CELLS - 1] : null;
    if (next) {
      event.preventDefault();
      if (event.shiftKey && !this.locked) {
        const on = this.#on(this.#lines, line, cell);
        const [top, bottom] = [line, next[0]].sort((a, b) => a - b);
        const [left, right] = [cell, next[1]].sort((a, b) => a - b);
        this.#tell(this.#lines.map((each, n) => (n >= top && n <= bottom ? drawn(each, [left * STEP_MIN, (right + 1) * STEP_MIN], on) : each)));
      }
      this.cursor = next;
      void this.#focus();
    } else if (event.key === ' ' && !this.locked) {
      event.preventDefault();
      const on = !this.#on(this.#lines, line, cell);
      this.#tell(this.#lines.map((each, n) => (n === line ? drawn(each, [cell * STEP_MIN, (cell + 1) * STEP_MIN], on) : each)));
      void this.#focus();
    }
  }

  // --- drawn -------------------------------------------------------------------------------------------------------

  /** @param {Span[][]} filled @param {Span[][]} dated @param {number} line @param {number} cell */
  #box(filled, dated, line, cell) {
    const on = this.#on(filled, line, cell);
    const some = on && filled[line].every(([from, to]) => !(from <= cell * STEP_MIN && to >= (cell + 1) * STEP_MIN));
    const here = this.cursor[0] === line && this.cursor[1] === cell;
    const label = `${t(`Weekday.long.${line}`)} ${hours(cell * STEP_MIN)}–${hours((cell + 1) * STEP_MIN)}`;
    return html`<span role="gridcell" class=${`wg-c${on ? ' on' : ''}${some ? ' part' : ''}${this.#on(dated, line, cell) ? ' dated' : ''}${cell % 12 === 0 ? ' six' : cell % 2 === 0 ? ' hour' : ''}`}
      data-line=${line} data-cell=${cell} tabindex=${here ? 0 : -1} aria-selected=${String(on)} aria-label=${label} @focus=${() => { this.cursor = [line, cell]; }}></span>`;
  }

  render() {
    const filled = this.#drawing;
    const dated = lines(this.rows.filter((row) => !plain(row)));
    const last = this.own ? HOLIDAY : 6;
    const cells = Array.from({ length: CELLS }, (_, n) => n);
    return html`<div class="wg" role="grid" aria-label=${`${t('order.week')}: ${this.name}. ${this.rows.map(timetable).join(', ')}`} aria-readonly=${String(this.locked)}
      @pointerdown=${this.#down} @pointermove=${this.#move} @pointerup=${() => this.#up()} @pointercancel=${() => { this.stroke = null; }} @keydown=${this.#key}>
      <div class="wg-h" aria-hidden="true"><i></i>${[0, 6, 12, 18, 24].map((hour) => html`<b class="num">${hour}</b>`)}</div>
      ${[...WEEK, HOLIDAY].filter((line) => line <= last).map((line) => html`<div class=${line === HOLIDAY ? 'wg-l holiday' : 'wg-l'} role="row"><span role="rowheader">${t(`Weekday.${line}`)}</span>${cells.map((cell) => this.#box(filled, dated, line, cell))}</div>`)}</div>
      ${this.locked ? '' : html`<p class="wg-hint">${t('week.hint')}</p>`}`;
  }
}

customElements.define('sn-week-grid', WeekGrid);
