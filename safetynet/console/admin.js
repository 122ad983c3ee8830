/** The administrators' page: the register of the centre, changed only with a reason and after reading what would change. */
import { html, render } from 'lit';
import './admin-act.js';
import { ask } from './admin-ask.js';
import { bindDevice, condition, devices, enrol, history, openAccount, people, wearers } from './admin-lists.js';
import { refused } from './admin-words.js';
import { now } from './clock.js';
import './header.js';
import { icon } from './icons.js';
import './order-editor.js';
import { permits, sheet } from './permits.js';
import { count, isKorean, speak, spoken, t } from './say.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import './watchdog.js';
import { zoneSets } from './zone-sets.js';

/** @typedef {import('./admin-lists.js').Register} Register */
/** @typedef {import('./admin-words.js').Change} Change */
/** @typedef {'people'|'devices'|'wearers'|'orders'|'permits'|'sets'|'history'} Tab */

const AGAIN_MS = 10_000;
/** @type {Tab[]} */
const TABS = ['people', 'devices', 'wearers', 'orders', 'permits', 'sets', 'history'];

const state = new State(stateUrl());
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const seen = {
  /** @type {Register|null} */
  all: null,
  /** @type {Tab} */
  tab: 'people',
  find: '',
  /** @type {import('./order-editor.js').Kept|null} */
  kept: null,
  /** @type {{rows: Change[], more: boolean}|null} */
  history: null,
  /** @type {import('./permits.js').Permit[]|null} */
  permits: null,
  /** @type {import('./admin-act.js').Wish|null} */
  wish: null,
  note: '',
  failed: '',
};
const me = () => Object.values(state.all.me)[0] ?? null;
const whole = () => seen.all?.me.post === 'administrator';
const editor = () => /** @type {import('./order-editor.js').OrderEditor|null} */ (page.querySelector('sn-order'));

// --- reading -------------------------------------------------------------------------------------------------------

async function look() {
  const answer = await ask('look');
  seen.failed = answer.no ? refused(answer) : '';
  if (!answer.no) {
    seen.all = answer;
    if (!whole() && (seen.tab === 'people' || seen.tab === 'devices')) seen.tab = 'orders';
  }
  draw();
}

/** @param {string} wearer */
async function open(wearer) {
  if (editor()?.edited && seen.kept?.wearer !== wearer && !window.confirm(t('order.leave'))) return;
  const answer = await ask('order', { wearer });
  seen.failed = answer.no ? refused(answer) : '';
  if (!answer.no) seen.kept = answer;
  seen.tab = 'orders';
  draw();
}

/** @param {boolean} [older] */
async function changes(older = false) {
  const last = older ? seen.history?.rows.at(-1)?.serial : undefined;
  const answer = await ask('history', last ? { before: last } : {});
  seen.failed = answer.no ? refused(answer) : '';
  if (!answer.no) seen.history = { rows: [...(last ? seen.history?.rows ?? [] : []), ...answer.rows], more: answer.more };
  draw();
}

async function ledger() {
  const answer = await ask('permits');
  seen.failed = answer.no ? refused(answer) : '';
  if (!answer.no) seen.permits = answer.permits;
  draw();
}

/** @param {Tab} tab */
function go(tab) {
  if (tab !== 'orders' && editor()?.edited && !window.confirm(t('order.leave'))) return;
  seen.tab = tab;
  seen.note = '';
  if (tab === 'history') void changes();
  if (tab === 'permits') void ledger();
  draw();
}

/** @param {import('./admin-act.js').Wish} wish */
function want(wish) {
  seen.wish = wish;
  seen.note = '';
  draw();
}

/** @param {{saved: boolean, act?: string, wearer?: string}} over */
async function done({ saved, act, wearer }) {
  seen.wish = null;
  seen.note = saved ? t('form.saved') : '';
  draw();
  if (!saved) return;
  await look();
  if (wearer) await open(wearer);
  else if (seen.kept) {
    const answer = await ask('order', { wearer: seen.kept.wearer });
    if (!answer.no) seen.kept = answer;
    draw();
  }
  if (act && seen.tab === 'history') await changes();
  if (act && seen.tab === 'permits') await ledger();
}

// --- drawing -------------------------------------------------------------------------------------------------------

function draw() {
  render(layout(), page);
  const title = `${t('admin.title')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const drafts = (seen.all?.wearers.filter((each) => each.draft).length ?? 0) + (seen.all?.zone_sets.filter((each) => each.draft).length ?? 0);
  return html`<sn-header .me=${me()} .note=${t('admin.blind')} .links=${[]} .loud=${null}></sn-header><sn-watchdog .state=${state}></sn-watchdog>
    <main class="desk admin-desk"><h1 class="vh">${t('admin.title')}</h1>
      <nav class="pane ad-nav" aria-label=${t('admin.tabs')}><ul>${TABS.filter((each) => whole() || !['people', 'devices'].includes(each)).map((each) => html`<li><button aria-current=${seen.tab === each ? 'page' : 'false'} data-tab=${each} @click=${() => go(each)}><span>${t(`tab.${each}`)}</span><span class="num">${size(each)}</span></button></li>`)}</ul>
        ${drafts ? html`<p class="ad-waits">${t('admin.waits', { n: count(drafts) })}</p>` : ''}
        ${me()?.role === 'supervisor' ? html`<a class="link ad-back" href="/">${t('admin.desk')}</a>` : ''}
        <div class="ad-law">${icon('lock', 20)}<p><b>${t('admin.blind')}</b></p><p class="sec2">${t('admin.blind_more')}</p><p class="sec2">${t('admin.two')}</p></div></nav>
      ${seen.all ? body(seen.all) : html`<section class="pane">${seen.failed ? html`<p class="note failed" role="alert">${seen.failed}</p>` : html`<div class="skeleton" role="status"><span>${t('admin.loading')}</span><i></i><i></i><i></i></div>`}</section>`}</main>
    ${seen.wish ? html`<sn-admin-act .wish=${seen.wish}></sn-admin-act>` : ''}`;
}

/** @param {Tab} tab */
function size(tab) {
  const all = seen.all;
  if (!all) return '';
  const of = { people: all.accounts.filter((each) => each.post).length, devices: all.devices.length, wearers: all.wearers.filter((each) => each.discharged_at === null).length, orders: all.wearers.filter((each) => each.version && each.discharged_at === null).length, sets: all.zone_sets.length };
  return tab === 'history' || tab === 'permits' ? '' : count(of[tab]);
}

/** @param {Register} all */
function body(all) {
  const note = seen.failed ? html`<p class="note failed" role="alert">${seen.failed}</p>` : seen.note ? html`<p class="note" role="status">${seen.note}</p>` : '';
  if (seen.tab === 'orders') return html`<section class="pane ad-pick" aria-label=${t('tab.orders')}>${bar()}${picks(all)}${note}</section><section class="pane ad-order" aria-label=${t('order.zones')}><sn-order .kept=${seen.kept} .people=${all.protected} .sets=${all.zone_sets} .me=${all.me} .theme=${theme()}></sn-order></section>`;
  return html`<section class="pane ad-main" aria-label=${t(`tab.${seen.tab}`)}>${bar()}${note}<div class="ad-body">${listed(all)}</div></section>`;
}

/** @param {string} text */
const fits = (text) => text.toLowerCase().includes(seen.find.trim().toLowerCase());

/** @param {Register} all */
function listed(all) {
  switch (seen.tab) {
    case 'people': return people(all, fits, want);
    case 'devices': return devices(all, fits, want);
    case 'permits': return seen.permits ? permits(seen.permits, fits, now(), want) : waiting();
    case 'sets': return zoneSets(all.zone_sets, all.holidays, fits, want);
    case 'wearers': return wearers(all, fits, want, (wearer) => void open(wearer));
    default: return seen.history ? history(seen.history.rows.filter((each) => fits(`${each.name} ${each.case_no} ${each.by_name} ${each.why} ${t(`event.${each.what}`)}`)), seen.history.more, () => void changes(true))
      : waiting();
  }
}

const waiting = () => html`<div class="skeleton" role="status"><span>${t('admin.loading')}</span><i></i><i></i></div>`;

/** What the list shows, as a file for a spreadsheet. */
function savePermits() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(sheet(seen.permits ?? []));
  link.download = 'permits.csv';
  link.click();
  URL.revokeObjectURL(link.href);
}

function bar() {
  const all = /** @type {Register} */ (seen.all);
  /** @type {Partial<Record<Tab, [string, () => void]>>} */
  const more = seen.tab === 'permits' ? { permits: ['do.save_permits', savePermits] } : whole() ? { people: ['do.open_account', () => openAccount(want)], devices: ['do.bind_device', () => bindDevice(all, want)], wearers: ['do.enrol', () => enrol(want, all)] } : {};
  const [name, click] = more[seen.tab] ?? ['', () => undefined];
  return html`<div class="p-h ad-bar"><h2>${t(`tab.${seen.tab}`)}</h2><label><span class="vh">${t('admin.find')}</span><input type="search" name="find" placeholder=${t('admin.find')} .value=${seen.find} @input=${(/** @type {Event} */ event) => { seen.find = /** @type {HTMLInputElement} */ (event.target).value; draw(); }}></label>
    ${name ? html`<button class="btn sm main" data-act=${name} @click=${click}>${t(name)}</button>` : ''}</div>`;
}

/** @param {Register} all */
function picks(all) {
  const rows = all.wearers.filter((each) => fits(`${each.name} ${each.case_no}`)).sort((a, b) => Number(!a.draft) - Number(!b.draft) || a.name.localeCompare(b.name, 'ko'));
  if (!rows.length) return html`<p class="ad-empty">${t('admin.none')}</p>`;
  return html`<ul class="ad-list">${rows.map((each) => html`<li><button aria-current=${String(seen.kept?.wearer === each.wearer)} data-wearer=${each.wearer} @click=${() => void open(each.wearer)}><b>${each.name}</b><span class="num">${each.case_no}</span>
    <span class=${each.draft ? 'due' : ''}>${condition(each)}</span></button></li>`)}</ul>`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-wish', want);
on('sn-act-over', (over) => void done(over));
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); draw(); });
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));
window.addEventListener('beforeunload', (event) => { if (editor()?.edited) event.preventDefault(); });
window.setInterval(() => { if (!document.hidden && !seen.wish) void look(); }, AGAIN_MS);
state.addEventListener('change', draw);
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
spoken.addEventListener('language', draw);

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();
void look();
