/** What differs between two orders, and what a change would do, as sentences. The server says words and values only. */
import { clock, day, metres, t } from './say.js';

/** @typedef {{type: 'circle', lat: number, lon: number, radius_m: number}} Circle */
/** @typedef {{type: 'polygon', corners: [number, number][]}} Polygon */
/** @typedef {{days: number[], start_min: number, end_min: number}} Row */
/** @typedef {string|number|null|Row[]|Circle|Polygon} Value */
/** @typedef {{what: string, name: string, before: Value, after: Value}} Difference */
/**
 * @typedef {{serial: number, at: number, what: string, by_name: string|null, why: string, differences: Difference[], name?: string, case_no?: string,
 *   account?: string, device?: string, wearer?: string, version?: number, before?: string, after?: string, drafted_name?: string, drafted_why?: string}} Change
 */

const DAY_MIN = 1440;

/** `10월 3일 21:47`, Korean time. @param {number} at */
export const instant = (at) => `${day(at)} ${clock(at).slice(0, 5)}`;

/** @param {number} minutes */
export const hours = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** @param {Row} row */
export function timetable(row) {
  const days = row.days.length === 7 ? t('days.all') : row.days.map((each) => t(`Weekday.${each}`)).join('·');
  const end = row.end_min === DAY_MIN ? hours(DAY_MIN) : row.end_min <= row.start_min ? t('days.next', { at: hours(row.end_min) }) : hours(row.end_min);
  return `${days} ${hours(row.start_min)}–${end}`;
}

/** @param {Circle|Polygon} area */
export const outline = (area) => (area.type === 'circle' ? t('shape.circle', { m: metres(area.radius_m) }) : t('shape.polygon', { n: area.corners.length }));

const INSTANTS = ['starts', 'ends', 'absence_added', 'absence_moved', 'absence_removed'];

/** @param {string} what @param {Value} value @returns {string} */
function said(what, value) {
  if (value === null || value === undefined) return t('diff.none');
  if (Array.isArray(value)) return value.map(timetable).join(', ');
  if (typeof value === 'object') return outline(value);
  if (what === 'class') return t(`WearerClass.${value}`);
  if (what === 'protected_device') return t(value ? 'diff.yes' : 'diff.no');
  return INSTANTS.includes(what) ? instant(Number(value)) : String(value);
}

/** @param {Difference} each */
export const difference = (each) => t(`diff.${each.what}`, { name: each.name, before: said(each.what, each.before), after: said(each.what, each.after) });

/** One sentence of what a change does. @param {Change} change */
export function effect(change) {
  const posts = Object.fromEntries(['before', 'after'].flatMap((side) => {
    const post = side === 'before' ? change.before : change.after;
    return post ? [[side, t(`Post.${post}`)]] : [];
  }));
  return t(`would.${change.what}`, { name: change.name ?? '', account: change.account ?? '', device: change.device ?? '', case_no: change.case_no ?? '', version: change.version ?? '', ...posts });
}

/** Whom or what it is about. @param {Change} change */
export function about(change) {
  const parts = [change.name, change.case_no || change.account, change.device, change.version ? t('order.version', { n: change.version }) : ''];
  return parts.filter(Boolean).join(' · ');
}

/** Why an order cannot be what somebody meant, and where. @param {{no: string, part?: string, word?: string}} answer */
export function refused(answer) {
  if (!answer.word) return t(`No.${answer.no}`);
  const found = /^(\w+)\[(\d+)\]/.exec(answer.part ?? '');
  const where = found ? `${t(`part.${found[1]}`, { n: Number(found[2]) + 1 })}: ` : '';
  return `${where}${t(`Problem.${answer.word}`)}`;
}
