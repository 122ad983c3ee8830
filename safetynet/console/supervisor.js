/** The supervisor's page: seats in columns with what each holds, an incident given to another seat, links and figures. */
import { html, render } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import './age.js';
import { Light } from './base.js';
import { calls } from './fieldside.js';
import { byPriority, unanswered } from './header.js';
import { icon, shape } from './icons.js';
import { ringing as outagesRinging } from './floods.js';
import { keysOf, letters } from './keys.js';
import { load } from './load.js';
import { aside, onShelf } from './service.js';
import { clock, count, isKorean, lasting, post, speak, spoken, t } from './say.js';
import { Sound } from './sound.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import './watchdog.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Seat} Seat */

/** Why an incident is given to another seat, in the order of the keys 1 to 4. */
export const REASONS = ['unanswered', 'overloaded', 'away', 'skilled'];
const NOTE_MS = 8_000;
const HEARD_LIMIT_S = 30;
const OWED_MANY = 100;
const CERTIFICATE_DAYS_FEW = 1;
/** The column of what nobody leads. */
const NOBODY = '';

const state = new State(stateUrl());
const sound = new Sound();
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const seen = {
  /** @type {{incident: string, to: string|null}|null} what is being given away, and to whom once that is chosen */
  moving: null,
  /** @type {{text: string, failed: boolean}|null} */
  note: null,
  noted: 0,
  /** What was held back, while somebody looks. @type {{found: any}|null} */
  held: null,
  /** Whose device may be taken out of service, while somebody is about to. @type {{wearers: any[]|null}|null} */
  service: null,
};
const me = () => Object.values(state.all.me)[0] ?? null;
/** Operators first, then by seat: a column never changes its place while people work. */
const seats = () => Object.values(state.all.seats).sort((a, b) => Number(a.role === 'supervisor') - Number(b.role === 'supervisor') || a.seat.localeCompare(b.seat) || a.name.localeCompare(b.name));

/** @param {string} person */
const led = (person) => Object.values(state.all.incidents).filter((each) => each.state !== 'closed' && (each.owner ?? NOBODY) === person)
  .sort((a, b) => a.priority - b.priority || a.opened_at - b.opened_at);

/** Unacknowledged alarms of an incident. @param {Incident} incident */
const ringing = (incident) => incident.alarms.flatMap((each) => state.all.alarms[each] ?? []).filter((each) => each.state === 'unacked' || each.state === 'returned_unacked');

// --- giving away ---------------------------------------------------------------------------------------------------

/** @param {string} text @param {boolean} failed */
function note(text, failed) {
  seen.note = { text, failed };
  window.clearTimeout(seen.noted);
  seen.noted = window.setTimeout(() => { seen.note = null; draw(); }, NOTE_MS);
  draw();
}

/** Whom an incident may be given to: whoever is there and does not lead it. @param {string} incident */
const takers = (incident) => seats().filter((each) => each.here && each.person !== state.all.incidents[incident]?.owner);

/** @param {string} value */
async function choose(value) {
  const moving = seen.moving;
  if (!moving) return;
  if (moving.to === null) {
    seen.moving = { ...moving, to: value };
    draw();
    return;
  }
  const one = state.all.incidents[moving.incident];
  seen.moving = null;
  draw();
  if (!one) return;
  const answer = await state.do('reassign', { incident: moving.incident, to: moving.to, held_by: one.owner, reason: value });
  const name = state.all.seats[moving.to]?.name ?? '';
  if (answer.ok) note(t('super.moved', { name, kind: t(`AlarmKind.${one.kind}`) }), false);
  else note(t('act.failed', { act: t('act.reassign'), why: t(`Why.${answer.no}`) }), true);
  /** @type {HTMLElement|null} */ (page.querySelector(`[data-incident="${moving.incident}"]`))?.focus();
}

/** Asks to whom, then why: two lists with numbers, one after the other. */
export class Move extends Light {
  static properties = { head: { type: String }, ask: { type: String }, items: { attribute: false } };

  constructor() {
    super();
    this.head = '';
    this.ask = '';
    /** @type {{value: string, text: string, more: string}[]} */
    this.items = [];
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.tell('sn-back');
    });
  }

  /** Each list begins with the keyboard on it, not on an answer. @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('ask')) this.querySelector('ol')?.focus();
  }

  render() {
    return html`<dialog class="dialog" aria-label=${this.head}><div class="p-h"><h2>${this.head}</h2></div>
      <div class="blk"><div class="sec-h"><span>${this.ask}</span></div>${this.items.length ? html`<ol class="steps choice" tabindex="-1" aria-label=${this.ask}>${this.items.map((each, i) => html`<li><button data-value=${each.value} @click=${() => this.tell('sn-chosen', { value: each.value })}><kbd>${i + 1}</kbd><span>${each.text} <span class="sec2">${each.more}</span></span></button></li>`)}</ol>` : html`<p>${t('super.no_seat')}</p>`}</div>
      <div class="two"><button class="btn" @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-move', Move);

function dialog() {
  const day = Object.values(state.all.load)[0];
  if (seen.service && day) return html`<sn-out-of-service .wearers=${seen.service.wearers} .spans=${day.service_ms} .holds=${day.service_holds} .out=${day.out_of_service.map((each) => each.wearer)} .me=${me()?.name ?? ''}></sn-out-of-service>`;
  if (seen.held) return html`<sn-suppressed .found=${seen.held.found}></sn-suppressed>`;
  const moving = seen.moving;
  const one = moving ? state.all.incidents[moving.incident] : undefined;
  if (!moving || !one) return '';
  const head = t('super.move_of', { kind: t(`AlarmKind.${one.kind}`), who: one.who.name });
  if (moving.to === null) {
    const items = takers(one.id).map((each) => ({ value: each.person, text: each.name, more: `${post(each.role, each.seat)} · ${t('super.load', { n: each.incidents })}` }));
    return html`<sn-move .head=${head} .ask=${t('super.to_whom')} .items=${items}></sn-move>`;
  }
  const items = REASONS.map((value) => ({ value, text: t(`Reassign.${value}`), more: '' }));
  return html`<sn-move .head=${head} .ask=${t('super.why_of', { name: state.all.seats[moving.to]?.name ?? '' })} .items=${items}></sn-move>`;
}

// --- keys ----------------------------------------------------------------------------------------------------------

window.addEventListener('keydown', (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey) return;
  if (seen.held || seen.service) return;
  if (seen.moving) {
    const n = Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? 0);
    const button = /** @type {HTMLElement|undefined} */ (page.querySelectorAll('sn-move [data-value]')[n - 1]);
    if (n && button) {
      event.preventDefault();
      button.click();
    }
    return;
  }
  if (event.code === 'KeyS' && (letters() || event.altKey)) {
    event.preventDefault();
    sound.silence();
    draw();
    return;
  }
  step(event);
});

/** Arrows go from card to card, and from column to column. @param {KeyboardEvent} event */
function step(event) {
  const [down, right] = /** @type {Record<string, [number, number]>} */ ({ ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] })[event.code] ?? [0, 0];
  const from = /** @type {HTMLElement} */ (event.target);
  if ((!down && !right) || (!from.closest('.sp-card') && from !== document.body)) return;
  const columns = [...page.querySelectorAll('.sp-seat')].map((each) => /** @type {HTMLElement[]} */ ([...each.querySelectorAll('.sp-card')])).filter((each) => each.length);
  if (!columns.length) return;
  event.preventDefault();
  const x = columns.findIndex((each) => each.includes(from));
  if (x < 0) return columns[0][0].focus();
  const y = columns[x].indexOf(from);
  const column = columns[Math.max(0, Math.min(columns.length - 1, x + right))];
  column[Math.max(0, Math.min(column.length - 1, y + down))].focus();
}

// --- what is seen --------------------------------------------------------------------------------------------------

function draw() {
  render(layout(), page);
  const title = `${t('super.title')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const waiting = unanswered(state.all.alarms);
  const calm = Object.values(state.all.calm)[0] ?? null;
  return html`<sn-header .me=${me()} .counts=${byPriority(waiting)} .links=${Object.values(state.all.links)} .disk=${calm?.disk ?? 'ample'} .loud=${null}></sn-header><sn-watchdog .state=${state}></sn-watchdog>
    ${sound.blocked() ? html`<div class="strip">${t('sound.blocked')}</div>` : sound.silenced ? html`<div class="strip">${t('sound.silenced')}</div>` : ''}
    <main class="desk super-desk"><h1 class="vh">${t('super.title')}</h1>
      <section class="pane" aria-label=${t('super.seats')}><div class="p-h"><h2>${t('super.seats')}</h2><span>${t('super.keys')}</span><span class="sp-go"><a class="btn sm" id="shift" href="/operator#shift">${t('handover.shift')}</a><a class="btn sm" id="desk" href="/operator">${t('super.desk')}</a></span></div>
        ${seen.note ? html`<p class="note ${seen.note.failed ? 'failed' : ''}" role="status">${seen.note.text}</p>` : ''}
        ${state.ready() ? html`<div class="sp-seats">${nobody()}${repeat(seats(), (each) => each.person, seat)}</div>` : html`<p class="blk sec2">${t('super.loading')}</p>`}</section>
      <aside class="pane sp-side" aria-label=${t('super.health')} tabindex="0">${figures()}${putAside()}${loaded()}${health()}</aside></main>${dialog()}`;
}

function nobody() {
  const all = led(NOBODY);
  return html`<section class="sp-seat ${all.length ? 'sp-open' : ''}" aria-label=${t('super.nobody')}><header><b>${t('super.nobody')}</b><span class="num">${t('super.load', { n: all.length })}</span></header>
    ${all.length ? html`<ul>${repeat(all, (each) => each.id, card)}</ul>` : html`<p class="sp-none">${t('super.empty')}</p>`}</section>`;
}

/** @param {Seat} each */
function seat(each) {
  const all = led(each.person);
  const desk = state.all.desks[each.person];
  return html`<section class="sp-seat ${each.here ? '' : 'sp-away'}" aria-label=${each.name} data-person=${each.person}>
    <header><b>${each.name}</b><span>${post(each.role, each.seat)} · ${t(each.here ? 'super.here' : 'super.away')}</span>
      <span class="num">${t('super.load', { n: all.length })}${desk?.ringing ? html` · <b class="sp-ring">${t('super.ringing', { n: desk.ringing })}</b>` : ''}</span>
      ${desk?.oldest_at ? html`<span class="num sp-ring">${t('super.oldest')} <sn-age mode="since" at=${desk.oldest_at}></sn-age></span>` : ''}
      <span class="num sec2">${desk?.answered ? t('super.answered', { n: desk.answered, span: lasting(desk.answer_ms_median ?? 0) }) : t('super.not_answered')}</span></header>
    ${all.length ? html`<ul>${repeat(all, (one) => one.id, card)}</ul>` : html`<p class="sp-none">${t('super.none')}</p>`}</section>`;
}

/** @param {Incident} one */
function card(one) {
  const due = one.steps.find((each) => each.state === 'late') ?? one.steps.find((each) => each.state === 'now');
  const rings = ringing(one);
  const oldest = rings.length ? Math.min(...rings.map((each) => each.raised_at)) : 0;
  return html`<li><button class="sp-card ${rings.length ? `wash p${one.priority}` : ''}" data-incident=${one.id} @click=${() => { seen.moving = { incident: one.id, to: null }; draw(); }}>
    ${shape(one.priority, 20, !rings.length)}<span class="sp-main"><b>${t(`AlarmKind.${one.kind}`)}</b><span>${one.who.name} <span class="num">${one.who.case_no}</span></span>
      ${due ? html`<span class="sp-step ${due.state}">${t('handover.now', { step: t(`step.${due.step}`) })}${due.due_at ? html` · <sn-age mode="within" at=${due.due_at}></sn-age>` : ''}</span>` : ''}</span>
    <span class="sp-when num"><sn-age mode="since" at=${one.opened_at}></sn-age>${oldest ? html`<span class="sp-ring">${t('super.ringing', { n: rings.length })}</span>` : ''}<span class="sp-give">${t('super.move')}</span></span></button></li>`;
}

function figures() {
  const found = Object.values(state.all.figures)[0];
  if (!found) return '';
  const there = Object.values(state.all.seats).filter((each) => each.here && each.role === 'operator').length;
  const per = found.raised / Math.max(1, there);
  const level = !there && found.raised ? 'over' : per > found.flood ? 'flood' : per > found.manageable ? 'over' : per > found.acceptable ? 'many' : 'good';
  return html`<section class="blk" aria-label=${t('super.figures')}><div class="sec-h"><h2>${t('super.figures')}</h2></div><dl class="sp-figures num">
    <dt>${t('super.per_person')}</dt><dd><b class="sp-big ${level}">${there ? per.toFixed(1) : '–'}</b> <b class=${level === 'over' || level === 'flood' ? 'sp-warn' : ''}>${t(`super.level_${level}`)}</b><span>${t('super.limit', { a: found.acceptable, b: found.manageable })}</span></dd>
    <dt>${t('super.raised')}</dt><dd><b>${count(found.raised)}</b><span>${t('super.operators', { n: there })}</span></dd>
    <dt>${t('super.unacked')}</dt><dd><b class=${found.ringing ? 'sp-ring' : ''}>${count(found.ringing)}</b><span>${found.oldest_at ? html`${t('super.oldest')} <sn-age mode="since" at=${found.oldest_at}></sn-age>` : ''}</span><span>${found.escalated ? t('super.escalated', { n: found.escalated }) : ''}</span></dd>
    <dt>${t('super.time')}</dt><dd>${found.answer_ms_median === null ? html`<span>${t('super.time_none')}</span>` : html`<b>${lasting(found.answer_ms_median)}</b><span>${t('super.time_of', { median: lasting(found.answer_ms_median), max: lasting(found.answer_ms_max ?? 0) })}</span>`}</dd></dl></section>`;
}

/** What rings for nobody because somebody said so. */
function putAside() {
  const found = Object.values(state.all.load)[0];
  return found ? aside(found, onShelf(state.all)) : '';
}

/** The day's load, beside the shift's. */
function loaded() {
  const found = Object.values(state.all.load)[0];
  const limits = Object.values(state.all.figures)[0];
  return found && limits ? load(found, limits) : '';
}

function health() {
  const found = Object.values(state.all.health)[0];
  if (!found) return '';
  const mark = (/** @type {boolean} */ up) => html`<span class=${up ? 'sp-up' : 'bad'}>${up ? icon('check', 14) : icon('x', 14)} ${t(up ? 'super.up' : 'super.down')}</span>`;
  const few = found.certificate_days < CERTIFICATE_DAYS_FEW;
  return html`<section class="blk" aria-label=${t('super.health')}><div class="sec-h"><h2>${t('super.health')}</h2></div>
    <table class="units sp-links num"><thead><tr>${['partner', 'state', 'since', 'heard', 'owed', 'pictures'].map((each) => html`<th scope="col">${t(`super.${each}`)}</th>`)}</tr></thead>
    <tbody>${found.links.map((each) => html`<tr><th scope="row">${each.name}</th><td>${mark(each.up)}</td><td>${clock(each.since)}</td><td>${each.heard_at ? html`<sn-age mode="ago" at=${each.heard_at} limit-s=${HEARD_LIMIT_S}></sn-age>` : '–'}</td>
      <td class=${each.owed > OWED_MANY ? 'bad' : ''}>${count(each.owed)}</td><td>${each.streams}</td></tr>`)}
      <tr><th scope="row">${t('super.relay')}</th><td>${mark(found.relay.up)}</td><td>${clock(found.relay.since)}</td><td>–</td><td>–</td><td>${found.relay.streams}</td></tr></tbody></table>
    <dl class="sp-figures num"><dt>${t('super.disk')}</dt><dd><b class=${found.disk.level === 'ample' ? '' : 'bad'}>${t('super.gb', { n: found.disk.free_gb })}</b><span>${t(`DiskLevel.${found.disk.level}`)}</span></dd>
      <dt>${t('super.certificate')}</dt><dd><b class=${few ? 'bad' : ''}>${t('super.days', { n: found.certificate_days })}</b></dd>
      <dt>${t('super.windows')}</dt><dd><b>${found.windows}</b></dd><dt>${t('super.ledger')}</dt><dd><b>${count(found.ledger_size)}</b></dd></dl></section>`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-chosen', ({ value }) => void choose(value));
/** Asked anew each time: the list grows while one looks. */
async function listHeld() {
  const answer = await fetch('/alarms/suppressed').catch(() => null);
  seen.held = { found: answer?.ok ? await answer.json() : null };
  draw();
}

on('sn-suppressed', () => void listHeld());

// --- devices out of service ----------------------------------------------------------------------------------------

async function askService() {
  const answer = await fetch('/admin/look', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).catch(() => null);
  seen.service = { wearers: answer?.ok ? (await answer.json()).wearers : null };
  draw();
}

/** @param {string} act @param {Record<string, unknown>} fields @param {string} done @param {string} name of the act */
async function say(act, fields, done, name) {
  const answer = await state.do(act, fields);
  if (answer.ok) note(done, false);
  else note(t('act.failed', { act: name, why: t(`Why.${answer.no}`) }), true);
  /** @type {HTMLElement|null} */ (page.querySelector('#service'))?.focus();
}

on('sn-service', () => void askService());
on('sn-stop-service', ({ who, ...fields }) => {
  seen.service = null;
  draw();
  void say('stop_service', fields, t('service.began', { who, at: clock(Date.now() + fields.for_ms).slice(0, 5) }), t('service.begin'));
});
on('sn-resume', ({ wearer }) => void say('resume_service', { wearer }, t('service.ended'), t('service.end')));
on('sn-unshelve', ({ alarm }) => void say('unshelve', { alarm }, t('service.unshelved'), t('act.unshelve')));
on('sn-back', () => {
  if (seen.service) {
    seen.service = null;
    draw();
    return /** @type {HTMLElement|null} */ (page.querySelector('#service'))?.focus();
  }
  if (seen.held) {
    seen.held = null;
    draw();
    return /** @type {HTMLElement|null} */ (page.querySelector('#suppressed'))?.focus();
  }
  const incident = seen.moving?.incident;
  seen.moving = null;
  draw();
  /** @type {HTMLElement|null} */ (page.querySelector(`[data-incident="${incident}"]`))?.focus();
});
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); theme(); draw(); });
on('sn-old', ({ old }) => sound.heedAge(old));
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));
state.addEventListener('change', () => {
  if (me() && me()?.role !== 'supervisor') return location.replace('/');
  keysOf(me()?.person ?? '');
  sound.sitAt(me()?.seat ?? '');
  sound.heed([...Object.values(state.all.alarms), ...calls(Object.values(state.all.incidents)), ...outagesRinging(Object.values(state.all.outages))]);
  draw();
});
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
sound.addEventListener('blocked', draw);
spoken.addEventListener('language', draw);

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();
/** For the window's own tests: what cannot be read from the page. */
Object.assign(window, { safetynet: { state, sound } });
