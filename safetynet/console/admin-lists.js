/** The lists of the administrators' page: people, devices, wearers, and the record of every change. */
import { html } from 'lit';
import './age.js';
import { about, difference, instant } from './admin-words.js';
import { t } from './say.js';

/** @typedef {{person: string, login: string, name: string, post: string|null, seat: string, here: boolean, apart: boolean}} Account */
/** @typedef {{device: string, wearer: string, name: string, case_no: string, since: number|null, heard_at: number|null, battery_percent: number|null}} Device */
/**
 * @typedef {{wearer: string, name: string, case_no: string, office: string, officer: string, wearer_class: string|null, version: number, zones: number,
 *   curfews: number, protected: number, devices: string[], discharged_at: number|null, incident_open: boolean, draft: import('./order-editor.js').Draft|null}} Wearer
 */
/** @typedef {import('./admin-words.js').Change} Change */
/** @typedef {import('./admin-act.js').Wish} Wish */
/**
 * @typedef {{me: {person: string, name: string, post: string}, accounts: Account[], devices: Device[], wearers: Wearer[], protected: string[],
 *   zone_sets: import('./zone-sets.js').ZoneSet[], holidays: string[]}} Register
 */
/** @typedef {(wish: Wish) => void} Ask */

const POSTS = ['operator', 'supervisor', 'officer', 'administrator'];
const QUIET_S = 600;
const LOW_PERCENT = 20;

/** @param {string} text @param {() => void} click @param {string} label @param {boolean} [off] */
const act = (text, click, label, off = false) => html`<button class="btn sm" ?disabled=${off} aria-label=${`${text}: ${label}`} @click=${click}>${text}</button>`;

/** @param {string[]} columns @param {unknown} rows @param {boolean} some */
const table = (columns, rows, some) => (some ? html`<div class="ad-scroll" tabindex="0" role="region" aria-label=${t('admin.title')}><table><thead><tr>${columns.map((each) => html`<th scope="col">${t(each)}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`
  : html`<p class="ad-empty">${t('admin.none')}</p>`);

const posts = () => POSTS.map((each) => /** @type {[string, string]} */ ([each, t(`Post.${each}`)]));

/** @param {Account} each @param {string} mine */
function standing(each, mine) {
  if (!each.post) return html`<span class="sec2">${t('admin.closed')}</span>`;
  return html`${each.person === mine ? html`<b>${t('state.you')}</b>` : t('state.open')}${each.here ? html` · ${t('state.here')}` : ''}`;
}

/** @param {Register} all @param {(text: string) => boolean} fits @param {Ask} ask */
export function people(all, fits, ask) {
  const rows = all.accounts.filter((each) => fits(`${each.name} ${each.login}`)).sort((a, b) => Number(!a.post) - Number(!b.post) || a.name.localeCompare(b.name, 'ko'));
  const wish = (/** @type {Account} */ each, /** @type {string} */ name, /** @type {import('./admin-act.js').Field[]} */ fields = []) => ask({ act: name, title: t(`do.${name}`), about: `${each.name} · ${each.login}`, fields, fixed: { person: each.person }, secret: 'password' });
  return table(['col.name', 'col.account', 'col.role', 'col.seat', 'col.state', 'col.acts'], rows.map((each) => html`<tr data-person=${each.person} class=${each.post ? '' : 'off'}><th scope="row">${each.name}</th><td>${each.login}</td>
    <td>${each.post ? t(`Post.${each.post}`) : '–'}</td><td>${each.seat || '–'}</td><td>${standing(each, all.me.person)}</td>
    <td class="ad-acts">${!each.post || each.person === all.me.person ? html`<span class="sec2">${each.post ? t('No.own_account') : ''}</span>` : html`
      ${act(t('do.change_post'), () => wish(each, 'change_post', [{ name: 'post', label: 'form.post', choices: posts().filter(([post]) => post !== each.post) }]), each.name)}
      ${act(t('do.renew_password'), () => wish(each, 'renew_password'), each.name)}${act(t('do.close_account'), () => wish(each, 'close_account'), each.name)}`}</td></tr>`), rows.length > 0);
}

/** @param {Ask} ask */
export const openAccount = (ask) => ask({
  act: 'open_account', title: t('do.open_account'), fixed: {}, secret: 'password', fields: [
    { name: 'name', label: 'form.name' }, { name: 'login', label: 'form.login', hint: 'form.login_hint', pattern: '[a-z0-9][a-z0-9._\\-]{2,31}', max: 32 },
    { name: 'post', label: 'form.post', choices: posts() }, { name: 'seat', label: 'form.seat', optional: true, max: 20 }],
});

/** @param {Register} all @param {(text: string) => boolean} fits @param {Ask} ask */
export function devices(all, fits, ask) {
  const rows = all.devices.filter((each) => fits(`${each.device} ${each.name} ${each.case_no}`));
  const wish = (/** @type {Device} */ each, /** @type {string} */ name) => ask({ act: name, title: t(`do.${name}`), about: `${each.device} · ${each.name}`, fields: [], fixed: { device: each.device }, secret: 'key' });
  return table(['col.device', 'col.bound_to', 'col.case', 'col.heard', 'col.battery', 'col.since', 'col.acts'], rows.map((each) => html`<tr data-device=${each.device}><th scope="row" class="num">${each.device}</th><td>${each.name || '–'}</td><td class="num">${each.case_no}</td>
    <td>${each.heard_at === null ? html`<span class="sec2">${t('admin.never')}</span>` : html`<sn-age at=${each.heard_at} limit-s=${QUIET_S}></sn-age>`}</td>
    <td class="num">${each.battery_percent === null ? '–' : html`<span class=${each.battery_percent < LOW_PERCENT ? 'low' : ''}>${Math.round(each.battery_percent)} %</span>`}</td>
    <td class="num">${each.since === null ? html`<span class="sec2">${t('admin.before')}</span>` : instant(each.since)}</td>
    <td class="ad-acts">${act(t('do.renew_key'), () => wish(each, 'renew_key'), each.device)}${act(t('do.return_device'), () => wish(each, 'return_device'), each.device)}</td></tr>`), rows.length > 0);
}

/** @param {Register} all @param {Ask} ask */
export const bindDevice = (all, ask) => ask({
  act: 'bind_device', title: t('do.bind_device'), fixed: {}, secret: 'key', fields: [
    { name: 'device', label: 'form.device', pattern: '[A-Za-z0-9][A-Za-z0-9._\\-]*', max: 40 },
    { name: 'wearer', label: 'form.wearer', choices: all.wearers.filter((each) => each.version && each.discharged_at === null).map((each) => [each.wearer, `${each.name} · ${each.case_no}`]) }],
});

/** @param {Wearer} each */
export function condition(each) {
  if (each.discharged_at !== null) return t('state.discharged');
  const waits = each.draft ? t(each.draft.discharge ? 'state.ending' : 'state.draft') : '';
  return [each.version ? t('state.watched') : t('state.waiting'), waits, each.incident_open ? t('state.incident') : ''].filter(Boolean).join(' · ');
}

/** @param {Register} all @param {(text: string) => boolean} fits @param {Ask} ask @param {(wearer: string) => void} edit */
export function wearers(all, fits, ask, edit) {
  const mine = all.me.post === 'administrator';
  const rows = all.wearers.filter((each) => fits(`${each.name} ${each.case_no} ${each.office}`)).sort((a, b) => Number(a.discharged_at !== null) - Number(b.discharged_at !== null) || a.name.localeCompare(b.name, 'ko'));
  const end = (/** @type {Wearer} */ each) => ask({ act: 'draft_order', title: t('do.discharge'), about: `${each.name} · ${each.case_no}`, fields: [], fixed: { wearer: each.wearer, over: each.version, order: null } });
  return table(['col.name', 'col.case', 'col.class', 'col.version', 'col.office', 'col.officer', 'col.device', 'col.state', 'col.acts'], rows.map((each) => html`<tr data-wearer=${each.wearer} class=${each.discharged_at === null ? '' : 'off'}><th scope="row">${each.name}</th><td class="num">${each.case_no}</td>
    <td>${each.wearer_class ? t(`WearerClass.${each.wearer_class}`) : '–'}</td><td>${each.version ? html`${t('order.version', { n: each.version })}<small>${t('admin.count', { zones: each.zones, curfews: each.curfews, protected: each.protected })}</small>` : '–'}</td>
    <td>${each.office}</td><td>${each.officer || '–'}</td><td class="num">${each.devices.join(', ') || '–'}</td><td>${condition(each)}</td>
    <td class="ad-acts">${act(t('do.edit'), () => edit(each.wearer), each.name)}${mine ? act(t('do.discharge'), () => end(each), each.name, each.discharged_at !== null || Boolean(each.draft)) : ''}</td></tr>`), rows.length > 0);
}

/** @param {Ask} ask @param {Register} all */
export const enrol = (ask, all) => ask({
  act: 'enrol', title: t('do.enrol'), fixed: {}, fields: [
    { name: 'name', label: 'form.name' }, { name: 'case_no', label: 'form.case_no' }, { name: 'born_year', label: 'form.born_year', type: 'number', optional: true },
    offices(all), { name: 'officer', label: 'form.officer', optional: true }, { name: 'phone', label: 'form.phone', optional: true }],
});

/** @param {Register} all @returns {import('./admin-act.js').Field} */
function offices(all) {
  const known = [...new Set(all.wearers.map((each) => each.office).filter(Boolean))].sort();
  return known.length ? { name: 'office', label: 'form.office', choices: known.map((each) => [each, each]) } : { name: 'office', label: 'form.office' };
}

/** @param {Change[]} rows @param {boolean} more @param {() => void} older */
export function history(rows, more, older) {
  return html`${table(['col.when', 'col.what', 'col.about', 'col.who', 'col.why'], rows.map((each) => html`<tr><td class="num nb">${instant(each.at)}</td><th scope="row">${t(`event.${each.what}`)}</th>
    <td>${about(each)}${each.before && each.after ? html`<small>${t(`Post.${each.before}`)} → ${t(`Post.${each.after}`)}</small>` : each.after ? html`<small>${t(`Post.${each.after}`)}</small>` : ''}
      ${each.differences.length ? html`<ul class="diffs">${each.differences.map((one) => html`<li>${difference(one)}</li>`)}</ul>` : ''}</td>
    <td>${each.by_name ?? '–'}${each.drafted_name ? html`<small>${t('order.draft_of', { by: each.drafted_name, n: each.version ?? '' })}</small>` : ''}</td><td>${each.why}${each.drafted_why ? html`<small>${each.drafted_why}</small>` : ''}</td></tr>`), rows.length > 0)}
    ${more ? html`<div class="two"><button class="btn" @click=${older}>${t('do.more')}</button></div>` : ''}`;
}
