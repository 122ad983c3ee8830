/**
 * `sn-handover`: the change of shift as one page that can be printed. Its taker confirms item by item with Space; what
 * is new comes at the place of its kind and nothing moves under the hand.
 */
import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import './age.js';
import { Light } from './base.js';
import { icon, shape } from './icons.js';
import { clock, day, post, t } from './say.js';

/** @typedef {import('./types.js').Handover} HandoverState */
/** @typedef {import('./types.js').HandoverItem} Item */
/** @typedef {import('./types.js').Incident} Incident */

/** In this order, as the centre's mind has them. */
const PARTS = ['incident', 'alarm', 'backup', 'dispatch', 'grant', 'outage', 'link', 'note'];
export const NOTE_CHARS_MAX = 400;

/** @param {Item} item */
export const keyOf = (item) => `${item.part} ${item.id} ${item.word}`;

/** The one that is under way and concerns this person, else the newest under way. @param {HandoverState[]} all @param {string} me */
export const running = (all, me) => all.find((each) => isOpen(each) && (each.giver === me || each.taker === me)) ?? null;

/** @param {HandoverState} each */
export const isOpen = (each) => each.taken_at === null && each.ended_at === null;

/** @param {HandoverState} held */
export const done = (held) => held.items.filter((each) => each.confirmed_at !== null).length;

/** Events: `sn-offer` {to}, `sn-confirm` {handover, item}, `sn-take`, `sn-withdraw` {handover}, `sn-note` {handover, text}, `sn-back`. */
export class HandoverPage extends Light {
  static properties = { held: { attribute: false }, earlier: { attribute: false }, seats: { attribute: false }, me: { type: String }, incidents: { attribute: false }, asking: { state: true }, note: { attribute: false } };

  constructor() {
    super();
    /** @type {HandoverState|null} */
    this.held = null;
    /** Ended ones, newest first. @type {HandoverState[]} */
    this.earlier = [];
    /** @type {import('./types.js').Seat[]} */
    this.seats = [];
    this.me = '';
    /** @type {Record<string, Incident>} */
    this.incidents = {};
    /** Whether the end is being asked for. */
    this.asking = false;
    /** @type {{text: string, failed: boolean}|null} */
    this.note = null;
    /** @type {Set<string>|null} what was on the page at the last look */
    this.known = null;
  }

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute('role', 'region');
    this.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    this.setAttribute('aria-label', t('handover.shift'));
    if (changed.has('held')) this.#lookForNew();
  }

  /** The first thing that this person can do has the keyboard. */
  firstUpdated() {
    this.focusNext();
  }

  focusNext() {
    const items = /** @type {HTMLElement[]} */ ([...this.querySelectorAll('.ho-item[aria-checked=false]')]);
    const next = items[0] ?? this.querySelector('[data-take]') ?? this.querySelector('.ho-item, [data-to], textarea') ?? this.querySelector('[data-back]');
    /** @type {HTMLElement|null} */ (next)?.focus();
  }

  /** Says once that something was added: the eye may be elsewhere on the page. */
  #lookForNew() {
    const now = new Set((this.held?.items ?? []).map(keyOf));
    const fresh = this.known !== null && this.held !== null && isOpen(this.held) && [...now].some((each) => !this.known?.has(each));
    this.known = this.held ? now : null;
    const place = document.getElementById('soft');
    if (fresh && place) place.textContent = t('handover.new');
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const at = /** @type {HTMLElement} */ (event.target);
    const item = /** @type {HTMLElement|null} */ (at.closest('.ho-item'));
    if (!item) return;
    const all = /** @type {HTMLElement[]} */ ([...this.querySelectorAll('.ho-item')]);
    const by = { ArrowDown: 1, ArrowUp: -1, Enter: 1 }[event.code];
    if (by === undefined) return;
    // Enter goes on and confirms nothing: what is confirmed is confirmed by Space, one press each.
    event.preventDefault();
    event.stopPropagation();
    all[Math.max(0, Math.min(all.length - 1, all.indexOf(item) + by))].focus();
  }

  /** @param {Item} item */
  #confirm(item) {
    const held = this.held;
    if (!held || held.taker !== this.me || !isOpen(held) || item.confirmed_at !== null) return;
    this.tell('sn-confirm', { handover: held.id, item: [item.part, item.id, item.word] });
    const all = /** @type {HTMLElement[]} */ ([...this.querySelectorAll('.ho-item')]);
    const at = all.findIndex((each) => each.dataset.key === keyOf(item));
    const next = [...all.slice(at + 1), ...all.slice(0, at)].find((each) => each.getAttribute('aria-checked') === 'false');
    (next ?? all[at])?.focus();
  }

  render() {
    return html`<div class="p-h ho-top"><h2>${t('handover.shift')}</h2>${this.held ? html`<span class="num" role="status">${this.#standing(this.held)}</span>` : ''}
      <span class="ho-do">${this.held ? html`<button class="btn sm" data-print @click=${() => window.print()}>${icon('doc', 16)} ${t('handover.print')}</button>` : ''}
      <button class="btn sm" data-back @click=${() => this.tell('sn-back')}>${t('handover.back')} <kbd>Esc</kbd></button></span></div>
      ${this.note ? html`<p class="note ${this.note.failed ? 'failed' : ''}" role="status">${this.note.text}</p>` : ''}
      <div class="ho-body">${this.held ? this.#sheet(this.held) : this.#offer()}</div>`;
  }

  // --- before -------------------------------------------------------------------------------------------------------

  #offer() {
    const there = this.seats.filter((each) => each.here && each.person !== this.me);
    const whole = this.seats.find((each) => each.person === this.me)?.role === 'supervisor';
    return html`<section class="ho-paper"><p>${t('handover.about')}</p><p class="sec2">${t('handover.scope')}: ${t(whole ? 'handover.of_shift' : 'handover.of_seat')}</p>
      <h3>${t('handover.to_whom')}</h3>
      ${there.length ? html`<ol class="steps choice ho-who">${there.map((each, i) => html`<li><button data-to=${each.person} @click=${() => this.tell('sn-offer', { to: each.person })}><kbd>${i + 1}</kbd><span>${each.name}<span class="sec2"> · ${post(each.role, each.seat)}</span></span></button></li>`)}</ol>` : html`<p class="ho-none">${t('handover.nobody')}</p>`}
      ${this.earlier.length ? html`<h3>${t('handover.earlier')}</h3><ul class="ho-earlier">${this.earlier.map((each) => html`<li><button class="link" data-earlier=${each.id} @click=${() => this.tell('sn-earlier', { handover: each.id })}>
        <span class="num">${clock(each.offered_at)}</span> ${each.giver_name} → ${each.taker_name} · ${each.taken_at !== null ? t('handover.taken_at') : t('handover.ended_at')}</button></li>`)}</ul>` : ''}</section>`;
  }

  // --- the sheet ----------------------------------------------------------------------------------------------------

  /** @param {HandoverState} held */
  #standing(held) {
    if (held.taken_at !== null) return t('handover.done', { name: held.taker_name });
    if (held.ended_at !== null) return t('handover.ended_at');
    return t('handover.progress', { done: done(held), all: held.items.length });
  }

  /** @param {HandoverState} held */
  #sheet(held) {
    const parts = PARTS.filter((part) => held.items.some((each) => each.part === part));
    return html`<article class="ho-paper"><header class="ho-head"><dl class="num">
        <div><dt>${t('handover.from')}</dt><dd><b>${held.giver_name}</b></dd></div><div><dt>${t('handover.to')}</dt><dd><b>${held.taker_name}</b></dd></div>
        <div><dt>${t('handover.scope')}</dt><dd>${t(held.whole ? 'handover.of_shift' : 'handover.of_seat')}</dd></div>
        <div><dt>${t('handover.began')}</dt><dd>${day(held.offered_at)} ${clock(held.offered_at)}</dd></div>
        ${held.taken_at !== null ? html`<div><dt>${t('handover.taken_at')}</dt><dd>${clock(held.taken_at)}</dd></div>` : ''}
        ${held.ended_at !== null ? html`<div><dt>${t('handover.ended_at')}</dt><dd>${clock(held.ended_at)}</dd></div>` : ''}</dl></header>
      ${this.#word(held)}
      ${parts.map((part) => this.#part(held, part))}
      ${held.duties.length ? html`<section class="ho-part"><h3>${t('handover.duties')} <span class="sec2">${t('handover.duties_more')}</span></h3><ul>${held.duties.map((each) => html`<li class="ho-row num"><span></span>
        <span class="ho-main"><b>${t(`handover.duty_${each.duty}`)}</b> <span>${each.who}</span></span><span class="ho-when">${t('handover.until', { at: day(each.due_at) })}</span></li>`)}</ul></section>` : ''}
      ${isOpen(held) && held.giver === this.me ? this.#notes(held) : ''}
      <footer class="ho-sign"><div><span>${t('handover.sign')}</span><b>${held.giver_name}</b></div><div><span>${t('handover.sign_to')}</span><b>${held.taker_name}</b></div></footer>
      ${this.#acts(held)}</article>`;
  }

  /** What holds now, in one sentence. @param {HandoverState} held */
  #word(held) {
    if (held.end) return html`<p class="note failed">${t('handover.failed', { why: t(`HandoverEnd.${held.end}`), name: held.giver_name })}</p>`;
    if (held.taken_at !== null) return html`<p class="ho-word">${icon('check', 16)} ${t('handover.done', { name: held.taker_name })}</p>`;
    if (!held.items.length) return html`<p class="ho-word">${t('handover.all_calm')}</p>`;
    const left = held.items.length - done(held);
    if (held.taker === this.me && left) return html`<p class="ho-word"><kbd>Space</kbd> ${t('handover.left', { n: left })}</p>`;
    return held.taker === this.me ? '' : html`<p class="ho-word">${t('handover.waiting', { name: held.taker_name })}</p>`;
  }

  /** @param {HandoverState} held @param {string} part */
  #part(held, part) {
    const items = held.items.filter((each) => each.part === part);
    return html`<section class="ho-part"><h3>${t(`HandoverPart.${part}`)} <span class="num">${items.length}</span></h3>
      <ul>${repeat(items, keyOf, (each) => html`<li>${this.#item(held, each)}</li>`)}</ul></section>`;
  }

  /** @param {HandoverState} held @param {Item} item */
  #item(held, item) {
    const taking = held.taker === this.me && isOpen(held);
    const sure = item.confirmed_at !== null;
    const inner = html`<span class="ho-box" aria-hidden="true">${sure ? icon('check', 14) : ''}</span>
      <span class="ho-main">${this.#says(item)}</span>
      <span class="ho-when num">${this.#when(item)}</span>
      <span class="ho-ok num">${item.confirmed_at !== null ? t('handover.confirmed', { at: clock(item.confirmed_at) }) : t('handover.not_confirmed')}</span>`;
    if (!taking) return html`<div class="ho-row ${sure ? 'sure' : ''}" data-key=${keyOf(item)}>${inner}</div>`;
    return html`<button class="ho-row ho-item ${sure ? 'sure' : ''}" role="checkbox" aria-checked=${String(sure)} data-key=${keyOf(item)} data-part=${item.part} @click=${() => this.#confirm(item)}>${inner}</button>`;
  }

  /** @param {Item} item */
  #says(item) {
    const incident = item.incident ? this.incidents[item.incident] : undefined;
    const of = html`<span>${item.who ?? incident?.who.name ?? ''}</span>`;
    switch (item.part) {
      case 'incident':
        return html`${item.priority ? shape(item.priority, 18, true) : ''}<b>${item.kind ? t(`AlarmKind.${item.kind}`) : item.id}</b> ${of} <span class="num">${item.case_no ?? ''}</span>
          <span>${item.leader_name ? t('handover.leader', { name: item.leader_name }) : t('handover.leaderless')}</span>${this.#step(incident)}`;
      case 'alarm':
        return html`${item.priority ? shape(item.priority, 18) : ''}<b>${item.kind ? t(`AlarmKind.${item.kind}`) : ''}</b> ${of} <span>${item.state ? t(`handover.alarm_${item.state}`) : ''}</span>`;
      case 'backup':
        return html`${shape(1, 18)}<b>${t('FieldMark.backup')}</b> <span>${item.unit_name ?? ''}</span>`;
      case 'dispatch':
        return html`<b>${item.unit_name ?? ''}</b> <span>${item.state ? t(`UnitState.${item.state}`) : ''}</span> ${of}`;
      case 'grant':
        return html`<b>${item.city_name ?? ''}</b> <span>${t('handover.cameras', { n: item.cameras ?? 0 })}</span> ${of}`;
      case 'link':
        return html`<b>${item.name ?? item.id}</b> <span>${t('shift.link_down')}</span>`;
      case 'outage':
        return html`<b>${item.id === 'relay' ? t('handover.relay') : t(`DiskLevel.${item.state}`)}</b>`;
      default:
        return html`<span class="ho-text">${item.text ?? ''}</span>`;
    }
  }

  /** The step that is due in it, and by when. @param {Incident|undefined} incident */
  #step(incident) {
    const due = incident?.state !== 'closed' ? incident?.steps.find((each) => each.state === 'late') ?? incident?.steps.find((each) => each.state === 'now') : undefined;
    return due ? html`<span class="ho-step ${due.state}">${t('handover.now', { step: t(`step.${due.step}`) })}${due.due_at ? html` · <sn-age mode="within" at=${due.due_at}></sn-age>` : ''}</span>` : '';
  }

  /** @param {Item} item */
  #when(item) {
    if (item.part === 'grant' && item.due_at) return t('handover.until', { at: clock(item.due_at) });
    return item.at ? t('handover.since', { at: clock(item.at) }) : '';
  }

  /** @param {HandoverState} held */
  #notes(held) {
    return html`<form class="ho-note" @submit=${(/** @type {SubmitEvent} */ event) => this.#write(event, held)}><label>${t('handover.note_label')}<textarea name="text" rows="2" maxlength=${NOTE_CHARS_MAX} required></textarea></label>
      <button class="btn">${t('handover.note_add')}</button></form>`;
  }

  /** @param {SubmitEvent} event @param {HandoverState} held */
  #write(event, held) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const text = String(new FormData(form).get('text') ?? '').trim();
    if (!text) return;
    this.tell('sn-note', { handover: held.id, text });
    form.reset();
  }

  /** @param {HandoverState} held */
  #acts(held) {
    if (!isOpen(held) || (held.giver !== this.me && held.taker !== this.me)) return '';
    const taking = held.taker === this.me;
    const left = held.items.length - done(held);
    if (this.asking) {
      return html`<div class="ho-acts" role="group" aria-label=${t('handover.withdraw')}><p>${t('handover.ask_end', { name: held.giver_name })}</p><span>
        <button class="btn" data-no @click=${() => { this.asking = false; }}>${t('act.back')}</button>
        <button class="btn" data-yes @click=${() => { this.asking = false; this.tell('sn-withdraw', { handover: held.id }); }}>${t(taking ? 'handover.decline' : 'handover.withdraw')}</button></span></div>`;
    }
    return html`<div class="ho-acts"><button class="btn" data-end @click=${() => this.#ask()}>${t(taking ? 'handover.decline' : 'handover.withdraw')}</button>
      ${!taking ? '' : left ? html`<span class="sec2">${t('handover.left', { n: left })}</span>` : html`<button class="btn main" data-take @click=${() => this.tell('sn-take', { handover: held.id })}>${icon('check', 16)} ${t('handover.take')}</button>`}</div>`;
  }

  /** Asked once, and the keyboard lies on the way back. */
  #ask() {
    this.asking = true;
    void this.updateComplete.then(() => /** @type {HTMLElement|null} */ (this.querySelector('[data-no]'))?.focus());
  }
}

customElements.define('sn-handover', HandoverPage);
