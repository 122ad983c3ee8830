/** What differs between two orders, and what a change would do, as sentences. The server says words and values only. */
import { clock, day, metres, t } from './say.js';

/** @typedef {{type: 'circle', lat: number, lon: number, radius_m: number}} Circle */
/** @typedef {{type: 'polygon', corners: [number, number][], holes?: [number, number][][]}} Polygon */
/** @typedef {{type: 'multipolygon', polygons: Polygon[]}} MultiPolygon */
/** @typedef {Circle|Polygon|MultiPolygon} Area */
/**
 * @typedef {{days: number[], start_min: number, end_min: number, since?: string|null, until?: string|null, every_weeks?: number, except_on?: string[],
 *   also_on?: string[]}} Row `days`: 0 Monday … 6 Sunday, 7 a public holiday.
 */
/** @typedef {string|number|null|Row[]|string[]|Area} Value */
/** @typedef {{what: string, name: string, before: Value, after: Value}} Difference */
/**
 * @typedef {{serial: number, at: number, what: string, by_name: string|null, why: string, differences: Difference[], name?: string, case_no?: string,
 *   account?: string, device?: string, wearer?: string, version?: number, count?: number, set?: string, left_at?: number|null, returned_at?: number|null, before?: string, after?: string, drafted_name?: string, drafted_why?: string}} Change
 */

const DAY_MIN = 1440;
const HOLIDAY = 7;
const DATES_SHOWN = 3;

/** `10월 3일 21:47`, Korean time. @param {number} at */
export const instant = (at) => `${day(at)} ${clock(at).slice(0, 5)}`;

/** @param {number} minutes */
export const hours = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** @param {Row} row */
export function timetable(row) {
  const days = row.days.length >= 7 && !row.days.includes(HOLIDAY) ? t('days.all') : row.days.map((each) => t(`Weekday.${each}`)).join('·');
  const end = row.end_min === DAY_MIN ? hours(DAY_MIN) : row.end_min <= row.start_min ? t('days.next', { at: hours(row.end_min) }) : hours(row.end_min);
  return [days, `${hours(row.start_min)}–${end}`, ...bounds(row)].filter(Boolean).join(' ');
}

/** From when to when a row holds, and its single days. @param {Row} row */
function bounds(row) {
  const span = row.since || row.until ? [t('days.span', { since: row.since ?? '', until: row.until ?? '' })] : [];
  const every = (row.every_weeks ?? 1) > 1 ? [t('days.every', { n: row.every_weeks ?? 1 })] : [];
  const also = row.also_on?.length ? [t('days.also', { days: some(row.also_on) })] : [];
  const but = row.except_on?.length ? [t('days.but', { days: some(row.except_on) })] : [];
  return [...span, ...every, ...also, ...but];
}

/** @param {string[]} dates */
const some = (dates) => (dates.length > DATES_SHOWN ? `${dates.slice(0, DATES_SHOWN).join(', ')} +${dates.length - DATES_SHOWN}` : dates.join(', '));

/** @param {Area} area */
export function outline(area) {
  if (area.type === 'circle') return t('shape.circle', { m: metres(area.radius_m) });
  if (area.type === 'multipolygon') return t('shape.several', { n: area.polygons.length });
  return area.holes?.length ? t('shape.holed', { n: area.corners.length, holes: area.holes.length }) : t('shape.polygon', { n: area.corners.length });
}

const INSTANTS = ['starts', 'ends', 'absence_added', 'absence_moved', 'absence_removed'];

/** Words that are values of an enum. @type {Record<string, string>} */
const ENUMS = { curfew_kind: 'Hours', on_holidays: 'OnHolidays', inclusion_kind: 'Stay' };

/** @param {string[]} parts kind, who asked, who granted, what for */
const permit = ([leave, asked, granted, purpose]) => [leave ? t(`Leave.${leave}`) : '', asked ? t('permit.asked', { by: asked }) : '', granted ? t('permit.granted', { by: granted }) : '', purpose].filter(Boolean).join(' · ') || t('diff.none');

/** @param {string} what @param {Value} value @returns {string} */
function said(what, value) {
  if (value === null || value === undefined) return t('diff.none');
  if (what === 'holidays') return t('diff.days', { n: Array.isArray(value) ? value.length : 0 });
  if (what === 'duties') return /** @type {string[]} */ (value).map((each) => t(`Duty.${each}`)).join('·') || t('diff.none');
  if (what === 'absence_said') return permit(/** @type {string[]} */ (value));
  if (Array.isArray(value)) return /** @type {Row[]} */ (value).map(timetable).join(', ') || t('diff.always');
  if (typeof value === 'object') return outline(value);
  if (what === 'class') return t(`WearerClass.${value}`);
  if (what in ENUMS) return t(`${ENUMS[what]}.${value}`);
  if (what === 'protected_device') return t(value ? 'diff.yes' : 'diff.no');
  return INSTANTS.includes(what) ? instant(Number(value)) : String(value);
}

/** @param {Difference} each */
export const difference = (each) => t(`diff.${each.what}`, { name: each.what.startsWith('sobriety') ? t(`Substance.${each.name}`) : each.name, before: said(each.what, each.before), after: said(each.what, each.after) });

/** One sentence of what a change does. @param {Change} change */
export function effect(change) {
  const posts = Object.fromEntries(['before', 'after'].flatMap((side) => {
    const post = side === 'before' ? change.before : change.after;
    return post ? [[side, t(`Post.${post}`)]] : [];
  }));
  return t(`would.${change.what}`, { name: change.name ?? '', account: change.account ?? '', device: change.device ?? '', case_no: change.case_no ?? '', version: change.version ?? '', n: change.count ?? '',
    left: change.left_at ? instant(change.left_at) : t('diff.none'), returned: change.returned_at ? instant(change.returned_at) : t('diff.none'), ...posts });
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
