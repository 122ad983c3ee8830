/** The page of closed incidents: find one, say what it is opened for, see it again, take the report along. */
import { html, render } from 'lit';
import './age.js';
import { Light } from './base.js';
import { CODES } from './choices.js';
import './footage.js';
import { byPriority, unanswered } from './header.js';
import { icon, shape } from './icons.js';
import { letters } from './keys.js';
import { TEXT } from './messages.js';
import './replay.js';
import { clock, count, dated, day, isKorean, lasting, speak, spoken, t } from './say.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import './watchdog.js';

/** @typedef {import('./replay.js').Story} Story */
/** @typedef {import('./replay.js').Row} Row */
/** @typedef {{rows: Row[], page: number, page_rows: number, total: number, owners: {person: string, name: string}[]}} Found */

/** The law's purposes (Act 16(2)) and the keeper's own check, in the order of the keys 1 to 6. */
const PURPOSES = ['guidance', 'parole_review', 'own_investigation', 'victim_notice', 'self_check', 'court'];
/** Every kind of alarm that has a text. */
const KINDS = Object.keys(TEXT).flatMap((key) => (key.startsWith('AlarmKind.') ? [key.slice('AlarmKind.'.length)] : []));
const KOREA_MS = 9 * 3_600_000;
const DAY_MS = 86_400_000;

const state = new State(stateUrl());
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const seen = {
  /** @type {Found|null} */
  found: null,
  /** @type {Record<string, unknown>} */
  wish: {},
  number: 0,
  /** @type {Row|null} the one whose purpose is being asked */
  asking: null,
  /** @type {Story|null} */
  story: null,
  /** What it was opened for; a report is made for the same. @type {{purpose: string, permit: string}} */
  why: { purpose: '', permit: '' },
  /** @type {{text: string, failed: boolean}|null} */
  note: null,
  busy: false,
  /** Requests for past footage that wait for this person's approval. */
  waiting: 0,
};
const me = () => Object.values(state.all.me)[0] ?? null;
const replay = () => /** @type {import('./replay.js').Replay|null} */ (page.querySelector('sn-replay'));

// --- asking --------------------------------------------------------------------------------------------------------

/** The answer, or the word why not. @param {string} path @param {Record<string, unknown>} said @returns {Promise<Response|string>} */
async function ask(path, said) {
  try {
    const answer = await fetch(`/archive/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) });
    if (answer.ok) return answer;
    if (answer.status === 401) location.replace('/');
    /** @type {{reason?: string}} */
    const problem = await answer.json();
    return t(`Why.${problem.reason ?? 'not_allowed_now'}`);
  } catch {
    return t('archive.unreachable');
  }
}

/** @param {string} why */
function failed(why) {
  seen.note = { text: t('archive.failed', { why }), failed: true };
}

/** @param {number} number */
async function search(number) {
  const answer = await ask('search', { ...seen.wish, page: number });
  if (typeof answer === 'string') failed(answer);
  else {
    seen.found = await answer.json();
    seen.number = number;
    seen.note = null;
  }
  draw();
}

/** @param {SubmitEvent} event */
function submit(event) {
  event.preventDefault();
  const said = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const text = (/** @type {string} */ name) => String(said.get(name) ?? '').trim();
  const at = (/** @type {string} */ name) => (text(name) ? Date.parse(`${text(name)}T00:00:00Z`) - KOREA_MS : null);
  const until = at('until');
  /** @type {Record<string, unknown>} */
  const wish = { since: at('since'), until: until === null ? null : until + DAY_MS, kind: text('kind') || null, code: text('code') || null, owner: text('owner') || null, case_no: text('case_no') };
  seen.wish = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== null && value !== ''));
  void search(0);
}

/** @param {string} purpose @param {string} permit */
async function open(purpose, permit) {
  const row = seen.asking;
  if (!row) return;
  seen.asking = null;
  seen.why = { purpose, permit };
  draw();
  const answer = await ask('open', { incident: row.incident, ...seen.why });
  if (typeof answer === 'string') failed(answer);
  else {
    seen.story = await answer.json();
    seen.note = null;
  }
  draw();
  /** @type {HTMLElement|null} */ (page.querySelector('.rp-play'))?.focus();
}

async function report() {
  const story = seen.story;
  if (!story || seen.busy) return;
  seen.busy = true;
  draw();
  const answer = await ask('report', { incident: story.incident, ...seen.why, language: isKorean() ? 'ko' : 'en' });
  seen.busy = false;
  if (typeof answer === 'string') failed(answer);
  else {
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement('a');
    link.href = url;
    // Named so that a folder sorts it by day and says what it is about; nobody's name is in it.
    const kind = story.kind ? t(`AlarmKind.${story.kind}`).replaceAll(' ', '-') : '';
    link.download = [dated(story.opened_at), kind, story.incident].filter(Boolean).join('_') + '.pdf';
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
    seen.note = { text: t('archive.reported'), failed: false };
  }
  draw();
}

/** Asks once what for; a choice opens. */
export class Ask extends Light {
  static properties = { row: { attribute: false } };

  constructor() {
    super();
    /** @type {Row|null} */
    this.row = null;
    this.court = false;
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.tell('sn-back');
    });
  }

  /** @param {string} purpose */
  choose(purpose) {
    if (purpose !== 'court') return this.tell('sn-chosen', { purpose, permit: '' });
    this.court = true;
    this.requestUpdate();
    void this.updateComplete.then(() => this.querySelector('input')?.focus());
  }

  render() {
    return html`<dialog class="dialog" aria-label=${t('archive.ask')}><div class="p-h"><h2>${t('archive.ask')}</h2><span class="num">${this.row?.case_no ?? ''}</span></div>
      <div class="blk"><p class="sec2">${t('archive.ask_more')}</p><ol class="steps choice">${PURPOSES.map((each, i) => html`<li><button data-purpose=${each} @click=${() => this.choose(each)}><kbd>${i + 1}</kbd><span>${t(`Purpose.${each}`)}</span></button></li>`)}</ol></div>
      ${this.court ? html`<form class="blk ask-permit" @submit=${(/** @type {SubmitEvent} */ event) => { event.preventDefault(); this.tell('sn-chosen', { purpose: 'court', permit: this.querySelector('input')?.value.trim() ?? '' }); }}>
        <label>${t('archive.permit')}<input name="permit" required minlength="4" maxlength="40" autocomplete="off" placeholder=${t('archive.permit_hint')}></label><button class="btn main">${t('archive.open')}</button></form>` : ''}
      <div class="two"><button class="btn" @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-ask', Ask);

// --- keys ----------------------------------------------------------------------------------------------------------

/** @type {Record<string, () => void>} */
const KEYS = {
  Comma: () => replay()?.back(), Period: () => replay()?.on(), Home: () => replay()?.start(), Space: () => replay()?.toggle(), Minus: () => replay()?.pace(-1), Equal: () => replay()?.pace(1),
  Slash: () => /** @type {HTMLElement|null} */ (page.querySelector('[name=case_no]'))?.focus(),
};

window.addEventListener('keydown', (event) => {
  const at = /** @type {HTMLElement} */ (event.target);
  if (event.isComposing || event.ctrlKey || event.metaKey) return;
  if (seen.asking) {
    const n = Number(/^(?:Digit|Numpad)([1-6])$/.exec(event.code)?.[1] ?? 0);
    if (n && !at.closest('input')) {
      event.preventDefault();
      /** @type {Ask|null} */ (page.querySelector('sn-ask'))?.choose(PURPOSES[n - 1]);
    }
    return;
  }
  if (event.code === 'Escape' && seen.story && !at.closest('input:not([type=range]), select, dialog')) {
    seen.story = null;
    draw();
    return;
  }
  const field = at.closest('input:not([type=range]), select, textarea, dialog');
  const own = event.code === 'Space' && at.closest('button, a, input');
  const range = event.code === 'Home' && at.closest('input');
  if (!(event.code in KEYS) || field || own || range || (!letters() && !event.altKey && event.code !== 'Home')) return;
  event.preventDefault();
  KEYS[event.code]();
});

// --- what is seen --------------------------------------------------------------------------------------------------

function draw() {
  render(layout(), page);
  const title = `${t('archive.title')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const story = seen.story;
  const waiting = unanswered(state.all.alarms);
  return html`${story ? html`<div class="replay-stripe">${t('archive.stripe', { speed: replay()?.speed ?? 4 })}</div>` : ''}
    <sn-header .me=${me()} .counts=${byPriority(waiting)} .links=${[]} .loud=${null}></sn-header><sn-watchdog .state=${state}></sn-watchdog>
    ${waiting.length ? html`<div class="strip ar-waiting" role="status">${t('archive.waiting', { n: count(waiting.length) })} <a class="link" href="/operator">${t('archive.back')}</a></div>` : ''}
    <main class=${`desk archive-desk${story ? '' : ' finding'}`}><h1 class="vh">${t('archive.title')}</h1>
      <section class="pane" aria-label=${t('archive.find')}>${find()}${list()}</section>
      ${story ? html`<sn-replay class="rp" .story=${story} .viewer=${me()?.name ?? ''} .theme=${theme()} .busy=${seen.busy} .note=${seen.note}></sn-replay>`
        : html`<section class="mid rp-empty" aria-label=${t('footage.title')}><div class="rp-choose">${icon('doc', 32)}<p><b>${t('archive.choose')}</b></p><p class="sec2">${t('archive.choose_more')}</p></div><div class="fg-all">${seen.waiting ? html`<p class="fg-wait" role="status">${t('footage.waiting', { n: count(seen.waiting) })}</p>` : ''}<sn-footage .incident=${null} .viewer=${me()?.name ?? ''}></sn-footage></div></section>`}</main>
    ${seen.asking ? html`<sn-ask .row=${seen.asking}></sn-ask>` : ''}`;
}

function find() {
  const options = (/** @type {string[]} */ words, /** @type {string} */ kind) => html`<option value="">${t('archive.any')}</option>${words.map((each) => html`<option value=${each}>${t(`${kind}.${each}`)}</option>`)}`;
  return html`<div class="p-h"><h2>${t('archive.title')}</h2><a class="link ar-back" href="/operator">${t('archive.back')}</a></div>
    <form class="ar-find" @submit=${submit}>
      <label>${t('archive.since')}<input type="date" name="since"></label><label>${t('archive.until')}<input type="date" name="until"></label>
      <label>${t('archive.kind')}<select name="kind">${options(KINDS, 'AlarmKind')}</select></label><label>${t('archive.code')}<select name="code">${options(CODES, 'Disposition')}</select></label>
      <label>${t('archive.case_no')}<input name="case_no" maxlength="60" autocomplete="off"></label>
      <label>${t('archive.owner')}<select name="owner"><option value="">${t('archive.any')}</option>${(seen.found?.owners ?? []).map((each) => html`<option value=${each.person}>${each.name}</option>`)}</select></label>
      <button class=${`btn${seen.story ? '' : ' main'}`}>${t('archive.find')}</button></form>`;
}

function list() {
  const found = seen.found;
  if (!found) return seen.note && !seen.story ? html`<p class="note failed" role="status">${seen.note.text}</p>` : '';
  const pages = Math.max(1, Math.ceil(found.total / found.page_rows));
  return html`<div class="sec-h ar-count"><span role="status">${t('archive.found', { n: count(found.total) })}</span><span class="num">${t('archive.page', { n: found.page + 1, of: pages })}</span></div>
    <div class="q-body">${found.rows.length ? html`<ul class="ar-list">${found.rows.map(row)}</ul>` : html`<p class="ar-none"><b>${t('archive.none')}</b><span class="sec2">${me()?.role === 'operator' ? t('archive.none_more') : ''}</span></p>`}</div>
    ${seen.note && !seen.story ? html`<p class="note failed" role="status">${seen.note.text}</p>` : ''}
    <div class="ar-pages"><button class="btn sm" ?disabled=${found.page === 0} @click=${() => void search(seen.number - 1)}>${t('archive.earlier')}</button>
      <button class="btn sm" ?disabled=${found.page + 1 >= pages} @click=${() => void search(seen.number + 1)}>${t('archive.later')}</button></div>`;
}

/** @param {Row} each */
function row(each) {
  const mine = seen.story?.incident === each.incident;
  return html`<li><button class="ar-row" aria-current=${String(mine)} data-incident=${each.incident} @click=${() => { seen.asking = each; seen.note = null; draw(); }}>
    ${each.priority ? shape(each.priority, 18, true) : html`<span></span>`}<span class="ar-main"><b>${each.kind ? t(`AlarmKind.${each.kind}`) : t('archive.erased')}</b><span class="num">${each.case_no || '–'} · ${each.owner_name ?? '–'}</span>
      <span>${each.code ? t(`Disposition.${each.code}`) : ''}</span></span><span class="ar-side num"><span>${day(each.opened_at)}</span><span>${clock(each.opened_at)}</span><span>${each.closed_at ? lasting(each.closed_at - each.opened_at) : ''}</span></span></button></li>`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-chosen', ({ purpose, permit }) => void open(purpose, permit));
on('sn-back', () => { seen.asking = null; draw(); });
on('sn-report', () => void report());
on('sn-footage', ({ waiting }) => { if (seen.waiting !== waiting) { seen.waiting = waiting; draw(); } });
on('sn-incident', ({ incident }) => { const found = seen.found?.rows.find((each) => each.incident === incident); if (found) { seen.asking = found; draw(); } else { seen.note = { text: t('archive.none'), failed: true }; draw(); } });
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); draw(); });
on('sn-pace', draw);
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));
state.addEventListener('change', () => {
  if (me()?.role === 'officer') return location.replace('/field');
  draw();
});
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
spoken.addEventListener('language', draw);

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();
void search(0);
