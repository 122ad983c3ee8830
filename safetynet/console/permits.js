/** The ledger of permits and planned removals: who asked, who granted, from when to when, and when somebody really left and came back. */
import { html } from 'lit';
import { instant } from './admin-words.js';
import { t } from './say.js';

/**
 * @typedef {{wearer: string, name: string, case_no: string, absence: string, leave: string, starts_at: number, ends_at: number, asked_by: string, granted_by: string,
 *   purpose: string, version: number, drafted_name: string|null, entered_name: string|null, entered_at: number|null, withdrawn: boolean, left_at: number|null,
 *   returned_at: number|null, noted_name: string|null, noted_at: number|null}} Permit
 */

const CELLS = ['name', 'case_no', 'leave', 'starts_at', 'ends_at', 'asked_by', 'granted_by', 'purpose', 'drafted_name', 'entered_name', 'left_at', 'returned_at', 'noted_name'];
const FORMULA = /^[=+\-@\t]/;

/** Where a permit stands. @param {Permit} each @param {number} now */
export function stage(each, now) {
  if (each.returned_at !== null) return each.returned_at > each.ends_at ? 'late' : 'back';
  if (each.left_at !== null) return now >= each.ends_at ? 'overdue' : 'away';
  if (each.withdrawn) return 'withdrawn';
  return now < each.starts_at ? 'coming' : now < each.ends_at ? 'running' : 'over';
}

/** @param {Permit[]} all @param {(text: string) => boolean} fits @param {number} now @param {(wish: import('./admin-act.js').Wish) => void} ask */
export function permits(all, fits, now, ask) {
  const rows = all.filter((each) => fits(`${each.name} ${each.case_no} ${each.purpose} ${each.asked_by} ${each.granted_by} ${t(`Leave.${each.leave}`)}`));
  const note = (/** @type {Permit} */ each) => ask({
    act: 'note_absence', title: t('do.note_absence'), about: `${each.name} · ${t(`Leave.${each.leave}`)} ${instant(each.starts_at)} – ${instant(each.ends_at)}`, fixed: { wearer: each.wearer, absence: each.absence }, fields: [
      { name: 'left_at', label: 'permit.left', type: 'datetime-local', value: each.left_at, optional: true }, { name: 'returned_at', label: 'permit.returned', type: 'datetime-local', value: each.returned_at, optional: true }],
  });
  if (!rows.length) return html`<p class="ad-empty">${t('permit.none')}</p>`;
  return html`<div class="ad-scroll" tabindex="0" role="group" aria-label=${t('tab.permits')}><table><thead><tr>${['col.name', 'permit.leave', 'permit.span', 'permit.asked_by', 'permit.granted_by', 'permit.purpose', 'permit.really', 'col.state', 'col.acts'].map((each) => html`<th scope="col">${t(each)}</th>`)}</tr></thead>
    <tbody>${rows.map((each) => html`<tr data-permit=${each.absence} class=${each.withdrawn ? 'off' : ''}><th scope="row">${each.name}<small class="num">${each.case_no}</small></th><td>${t(`Leave.${each.leave}`)}</td>
      <td class="num nb">${instant(each.starts_at)}<small>– ${instant(each.ends_at)}</small></td><td>${each.asked_by || '–'}</td><td>${each.granted_by || '–'}<small>${each.entered_name ? t('permit.entered', { drafted: each.drafted_name ?? '–', by: each.entered_name, n: each.version }) : t('order.version', { n: each.version })}</small></td>
      <td>${each.purpose || '–'}</td><td class="num nb">${each.left_at === null ? '–' : t('permit.went', { at: instant(each.left_at) })}<small>${each.returned_at === null ? '' : t('permit.came', { at: instant(each.returned_at) })}</small></td>
      <td><span class=${['overdue', 'late'].includes(stage(each, now)) ? 'due' : ''}>${t(`permit.stage.${stage(each, now)}`)}</span></td>
      <td class="ad-acts"><button class="btn sm" aria-label=${`${t('do.note_absence')}: ${each.name}`} @click=${() => note(each)}>${t('do.note_absence')}</button></td></tr>`)}</tbody></table></div>`;
}

/** For a spreadsheet, with its mark. @param {Permit[]} all */
export function sheet(all) {
  const cell = (/** @type {unknown} */ value) => `"${String(value ?? '').replace(FORMULA, (sign) => `'${sign}`).replaceAll('"', '""')}"`;
  const at = (/** @type {string} */ name, /** @type {unknown} */ value) => (name.endsWith('_at') && typeof value === 'number' ? new Date(value).toISOString() : name === 'leave' ? t(`Leave.${value}`) : value);
  const lines = [CELLS.map((each) => cell(t(`permit.csv.${each}`))), ...all.map((each) => CELLS.map((name) => cell(at(name, /** @type {Record<string, unknown>} */ (each)[name]))))];
  return new Blob([`\ufeff${lines.map((each) => each.join(',')).join('\r\n')}\r\n`], { type: 'text/csv' });
}
