/** What does not ring now because a person said so: alarms on the shelf, devices that are worked on; and the dialogue that takes a device out of service. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { clock, count, t } from './say.js';

/** @typedef {import('./types.js').Load} Load */
/** @typedef {{wearer: string, name: string, case_no: string, office: string, discharged_at: number|null}} Wearer */
/** @typedef {{alarm: string, kind: string, who: string, case_no: string, by_name: string, reason: string, until: number}} OnShelf */

/** Why a device is worked on. */
export const SERVICE_REASONS = ['exchange', 'repair', 'update'];
/** So many of those found are offered; who is not among them is found by more letters. */
const FOUND_MAX = 6;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** @param {number} ms */
const span = (ms) => (ms < HOUR_MS ? t('service.minutes', { n: Math.round(ms / MINUTE_MS) }) : t('service.hours', { n: ms / HOUR_MS }));

/** @param {string} kind */
const kindWord = (kind) => t(`AlarmKind.${kind}`);

/** What lies on the shelf, the next to come back first. @param {import('./types.js').Collections} all @returns {OnShelf[]} */
export const onShelf = (all) => Object.values(all.shelves).flatMap((each) => {
  const alarm = all.alarms[each.alarm];
  return each.until && alarm ? [{ alarm: each.alarm, kind: alarm.kind, who: alarm.who, case_no: alarm.case_no, by_name: each.by_name ?? '', reason: each.reason ?? '', until: each.until }] : [];
}).sort((a, b) => a.until - b.until);

/** @param {Load} found @param {OnShelf[]} shelf */
export function aside(found, shelf) {
  const out = found.out_of_service;
  return html`<section class="blk" id="aside" aria-label=${t('service.title')}><div class="sec-h"><h2>${t('service.title')}</h2><button class="btn sm" id="service" @click=${(/** @type {Event} */ event) => event.target?.dispatchEvent(new CustomEvent('sn-service', { bubbles: true }))}>${t('service.begin')}</button></div>
    <h3 class="ld-h"><span>${t('service.devices')}</span><b class="num">${count(out.length)}</b></h3>
    ${out.length ? html`<ul class="sv-rows">${out.map((each) => html`<li data-wearer=${each.wearer}><span class="sv-who"><b>${each.who}</b> <span class="num sec2">${each.case_no}</span></span><span class="num sv-until">${t('service.until', { at: clock(each.until).slice(0, 5) })} · <sn-age mode="until" at=${each.until}></sn-age></span>
      <span class="sec2">${t(`ServiceReason.${each.reason}`)} · ${t('service.said', { name: each.by_name, at: clock(each.since).slice(0, 5) })}${each.holds.length ? html` · ${t('service.held', { kinds: each.holds.map(kindWord).join(', ') })}` : ''}</span>
      <button class="btn sm" data-act="resume_service" @click=${(/** @type {Event} */ event) => event.target?.dispatchEvent(new CustomEvent('sn-resume', { bubbles: true, detail: { wearer: each.wearer } }))}>${t('service.end')}</button></li>`)}</ul>` : ''}
    <h3 class="ld-h"><span>${t('queue.shelved')}</span><b class="num">${count(shelf.length)}</b></h3>
    ${shelf.length ? html`<ul class="sv-rows">${shelf.map((each) => html`<li data-alarm=${each.alarm}><span class="sv-who"><b>${each.who}</b> ${kindWord(each.kind)}</span><span class="num sv-until">${t('service.until', { at: clock(each.until).slice(0, 5) })} · <sn-age mode="until" at=${each.until}></sn-age></span>
      <span class="sec2">${t(`ShelveReason.${each.reason}`)} · ${each.by_name}</span>
      <button class="btn sm" data-act="unshelve" @click=${(/** @type {Event} */ event) => event.target?.dispatchEvent(new CustomEvent('sn-unshelve', { bubbles: true, detail: { alarm: each.alarm } }))}>${t('act.unshelve')}</button></li>`)}</ul>` : ''}</section>`;
}

/** `sn-out-of-service`: whose device, why, for how long; then all of it once more before it is said. */
export class OutOfService extends Light {
  static properties = { wearers: { attribute: false }, spans: { attribute: false }, holds: { attribute: false }, out: { attribute: false }, me: { type: String }, find: { state: true }, wearer: { state: true }, why: { state: true }, ms: { state: true }, sure: { state: true } };

  constructor() {
    super();
    /** @type {Wearer[]|null} null: the list did not come */
    this.wearers = [];
    /** @type {number[]} */
    this.spans = [];
    /** @type {string[]} the kinds that work on a device explains */
    this.holds = [];
    /** @type {string[]} whose device is worked on already */
    this.out = [];
    this.me = '';
    this.find = '';
    this.wearer = '';
    this.why = '';
    this.ms = 0;
    this.sure = false;
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#back();
    });
    /** @type {HTMLElement|null} */ (this.querySelector('[name=find]'))?.focus();
  }

  /** Enter lies on the way back, as wherever something is put aside. @param {Map<string, unknown>} changed */
  updated(changed) {
    if (!changed.has('sure') || changed.get('sure') === undefined) return;
    /** @type {HTMLElement|null} */ (this.querySelector(this.sure ? '[data-back]' : '[name=find]'))?.focus();
  }

  #back() {
    if (!this.sure) return this.tell('sn-back');
    this.sure = false;
  }

  #offered() {
    const wish = this.find.trim().toLowerCase();
    const there = (this.wearers ?? []).filter((each) => each.discharged_at === null && !this.out.includes(each.wearer));
    return there.filter((each) => !wish || each.name.toLowerCase().includes(wish) || each.case_no.toLowerCase().includes(wish));
  }

  /** @param {string} name @param {string} value @param {boolean} checked @param {unknown} text @param {() => void} chosen */
  #radio(name, value, checked, text, chosen) {
    return html`<label class="sv-opt"><input type="radio" name=${name} value=${value} .checked=${checked} @change=${chosen}><span>${text}</span></label>`;
  }

  render() {
    return html`<dialog class="dialog sv-dialog" aria-label=${t('service.begin')}><div class="p-h"><h2>${t('service.begin')}</h2></div>${this.sure ? this.#question() : this.#form()}</dialog>`;
  }

  #form() {
    const found = this.#offered();
    const more = found.length - FOUND_MAX;
    const ready = Boolean(this.wearer && this.why && this.ms);
    return html`<form @submit=${(/** @type {Event} */ event) => { event.preventDefault(); this.sure = ready; }}>
      <div class="blk"><label class="sv-find"><span>${t('service.who')}</span><input type="text" name="find" maxlength="60" autocomplete="off" placeholder=${t('service.find')} .value=${this.find} @input=${(/** @type {Event} */ event) => { this.find = /** @type {HTMLInputElement} */ (event.target).value; }}></label>
        ${this.wearers === null ? html`<p class="note failed" role="alert">${t('load.failed')}</p>` : html`<fieldset class="sv-set"><legend class="vh">${t('service.who')}</legend>${found.slice(0, FOUND_MAX).map((each) => this.#radio('wearer', each.wearer, this.wearer === each.wearer, html`<b>${each.name}</b> <span class="num sec2">${each.case_no}</span> <span class="sec2">${each.office}</span>`, () => { this.wearer = each.wearer; }))}</fieldset>
        <p class="sec2" role="status">${found.length ? (more > 0 ? t('service.more', { n: count(more) }) : '') : t('service.nobody')}</p>`}</div>
      <div class="blk"><fieldset class="sv-set sv-line"><legend>${t('service.why')}</legend>${SERVICE_REASONS.map((each) => this.#radio('why', each, this.why === each, t(`ServiceReason.${each}`), () => { this.why = each; }))}</fieldset></div>
      <div class="blk"><fieldset class="sv-set sv-line"><legend>${t('service.how_long')}</legend>${this.spans.map((each) => this.#radio('ms', String(each), this.ms === each, span(each), () => { this.ms = each; }))}</fieldset></div>
      <div class="two"><button class="btn main" type="submit" ?disabled=${!ready}>${t('service.next')}</button><button class="btn" type="button" data-back @click=${() => this.#back()}>${t('act.back')} <kbd>Esc</kbd></button></div></form>`;
  }

  #question() {
    const who = (this.wearers ?? []).find((each) => each.wearer === this.wearer);
    return html`<div class="blk"><dl class="kv sv-sure"><dt>${t('service.who')}</dt><dd><b>${who?.name ?? ''}</b> <span class="num">${who?.case_no ?? ''}</span></dd>
      <dt>${t('service.why')}</dt><dd>${t(`ServiceReason.${this.why}`)}</dd>
      <dt>${t('service.how_long')}</dt><dd class="num">${span(this.ms)} · ${t('service.until', { at: clock(Date.now() + this.ms).slice(0, 5) })}</dd>
      <dt>${t('service.quiet')}</dt><dd>${this.holds.map(kindWord).join(', ')}</dd>
      <dt>${t('service.rings')}</dt><dd>${t('service.rings_all')}</dd>
      <dt>${t('service.confirms')}</dt><dd>${t('service.recorded', { name: this.me })}</dd></dl></div>
      <div class="two"><button class="btn main" data-sure @click=${() => this.tell('sn-stop-service', { wearer: this.wearer, service: this.why, for_ms: this.ms, who: who?.name ?? '' })}>${t('service.sure')}</button><button class="btn" data-back @click=${() => this.#back()}>${t('act.back')} <kbd>Esc</kbd></button></div>`;
  }
}

customElements.define('sn-out-of-service', OutOfService);
