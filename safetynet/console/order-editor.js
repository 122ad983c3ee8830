/**
 * `sn-order`: one wearer's order on the map and in tables. Every edit is a step that can be taken back (Ctrl+Z, Ctrl+Shift+Z);
 * nothing leaves the page before a person has read what would change. A draft that waits is shown instead, and cannot be edited.
 * Tells `sn-wish` (what the page is to ask for, in the dialogue with the reason).
 */
import { html } from 'lit';
import { ask, file } from './admin-ask.js';
import { difference, instant, refused } from './admin-words.js';
import { Light } from './base.js';
import { now } from './clock.js';
import { absences, basics, begun, curfews, inclusions, others, shielded, zones } from './order-parts.js';
import { count, t } from './say.js';
import './week-grid.js';
import './zone-map.js';

/** @typedef {import('./order-parts.js').Order} Order */
/** @typedef {import('./order-parts.js').Area} Area */
/** @typedef {import('./admin-words.js').Difference} Difference */
/**
 * @typedef {{version: number, order: Order, drafted_name: string|null, drafted_why: string, by_name: string|null, why: string, at: number|null,
 *   differences: Difference[]}} Version
 */
/**
 * @typedef {{draft: string, version: number, discharge: boolean, by_name: string, at: number, why: string, mine: boolean, apart: boolean, order: Order|null,
 *   differences: Difference[]}} Draft
 */
/** @typedef {{wearer: string, name: string, case_no: string, version: number, discharged_at: number|null, draft: Draft|null, versions: Version[]}} Kept */

const STEPS_MAX = 200;

/** @returns {Order} */
const empty = () => ({ wearer_class: 'order', zones: [], starts_at: null, ends_at: null, curfews: [], absences: [], protected: [], inclusions: [], shared: [], sobriety: [], duties: ['charge', 'carry', 'report_faults', 'obey'] });

/** Only what a person edits: wearer and version are the server's, and the public holidays those of its table. @param {Order|null|undefined} order @returns {Order} */
function content(order) {
  const whole = order ?? empty();
  const { wearer_class, zones: places, starts_at, ends_at, curfews: hours, absences: away, protected: people, inclusions: kept, shared, sobriety, duties } = whole;
  return structuredClone({ wearer_class, zones: places, starts_at, ends_at, curfews: hours, absences: away, protected: people, inclusions: kept, shared, sobriety, duties });
}

export class OrderEditor extends Light {
  static properties = { kept: { attribute: false }, people: { attribute: false }, sets: { attribute: false }, me: { attribute: false }, theme: { type: String }, draft: { state: true }, chosen: { state: true }, note: { state: true } };

  constructor() {
    super();
    /** @type {Kept|null} */
    this.kept = null;
    /** Pseudonyms of protected persons. @type {string[]} */
    this.people = [];
    /** Shared sets of zones. @type {import('./zone-sets.js').ZoneSet[]} */
    this.sets = [];
    /** @type {{post: string}|null} */
    this.me = null;
    this.theme = 'dark';
    /** @type {Order} */
    this.draft = empty();
    this.chosen = '';
    this.note = '';
    /** @type {Order[]} */
    this.past = [];
    /** @type {Order[]} */
    this.future = [];
    this.begun = '';
  }

  /** Whether something would be lost. */
  get edited() {
    return this.past.length > 0;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('kept') || !this.kept) return;
    const { wearer, version, draft, versions } = this.kept;
    const begun_from = `${wearer} ${version} ${draft?.draft ?? ''}`;
    if (begun_from === this.begun) return;
    if (!this.begun.startsWith(`${wearer} `)) this.chosen = '';
    this.begun = begun_from;
    this.draft = content(draft ? draft.order ?? versions[0]?.order : versions[0]?.order);
    this.past = [];
    this.future = [];
    this.note = '';
  }

  get locked() {
    return Boolean(this.kept?.draft) || this.kept?.discharged_at !== null || this.me?.post !== 'administrator';
  }

  // --- steps -------------------------------------------------------------------------------------------------------

  /** @param {Partial<Order>} change */
  #change(change) {
    const next = { ...this.draft, ...change };
    if (this.locked || JSON.stringify(next) === JSON.stringify(this.draft)) return;
    this.past = [...this.past, this.draft].slice(-STEPS_MAX);
    this.future = [];
    this.draft = next;
    this.note = '';
  }

  #undo() {
    const last = this.past.at(-1);
    if (!last) return;
    this.past = this.past.slice(0, -1);
    this.future = [this.draft, ...this.future];
    this.draft = last;
  }

  #redo() {
    const [next, ...rest] = this.future;
    if (!next) return;
    this.future = rest;
    this.past = [...this.past, this.draft];
    this.draft = next;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const key = event.key.toLowerCase();
    if (key !== 'z' && key !== 'y') return;
    event.preventDefault();
    if (key === 'y' || event.shiftKey) this.#redo();
    else this.#undo();
  }

  /** @param {Version} version */
  #restore(version) {
    this.#change(content(version.order));
    this.note = t('order.restored', { n: version.version });
  }

  // --- the map -----------------------------------------------------------------------------------------------------

  /** @returns {import('./zone-map.js').Shape[]} */
  #shapes() {
    return [
      ...this.draft.zones.map((each, at) => /** @type {import('./zone-map.js').Shape} */ ({ kind: 'zone', at, name: each.name, area: each.area })),
      ...this.draft.curfews.map((each, at) => /** @type {import('./zone-map.js').Shape} */ ({ kind: 'home', at, name: each.name, area: each.home })),
      ...this.draft.inclusions.map((each, at) => /** @type {import('./zone-map.js').Shape} */ ({ kind: 'keep', at, name: each.name, area: each.area })),
    ];
  }

  get #map() {
    return /** @type {import('./zone-map.js').ZoneMap|null} */ (this.querySelector('sn-zone-map'));
  }

  /** @param {'circle'|'polygon'} kind @returns {Area|null} */
  #drawn(kind) {
    const at = this.#map?.middle();
    return at ? begun(kind, at) : null;
  }

  /** @param {CustomEvent} event */
  #shaped({ detail }) {
    if (detail.kind === 'zone') this.#change({ zones: this.draft.zones.map((each, i) => (i === detail.at ? { ...each, area: detail.area } : each)) });
    else if (detail.kind === 'keep') this.#change({ inclusions: this.draft.inclusions.map((each, i) => (i === detail.at ? { ...each, area: detail.area } : each)) });
    else this.#change({ curfews: this.draft.curfews.map((each, i) => (i === detail.at ? { ...each, home: detail.area } : each)) });
  }

  /** @param {string} id */
  #choose(id) {
    this.chosen = id;
    const at = this.#index(id);
    if (at >= 0) void this.updateComplete.then(() => this.#map?.show(at));
  }

  #index(id = this.chosen) {
    const zone = this.draft.zones.findIndex((each) => each.id === id);
    const home = this.draft.curfews.findIndex((each) => each.id === id);
    const keep = this.draft.inclusions.findIndex((each) => each.id === id);
    if (keep >= 0) return this.draft.zones.length + this.draft.curfews.length + keep;
    return zone >= 0 ? zone : home >= 0 ? this.draft.zones.length + home : -1;
  }

  // --- calendars ---------------------------------------------------------------------------------------------------

  /** Of what holds now, not of the draft. @param {string} curfew */
  async #save(curfew) {
    const kept = /** @type {Kept} */ (this.kept);
    const found = await file('calendar', { wearer: kept.wearer, curfew });
    if (!found) {
      this.note = t('week.not_yet');
      return;
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(found);
    link.download = `${kept.case_no || kept.wearer}-${curfew}.ics`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** The hours of a calendar in place of those of one curfew; what it says that is no timetable is named. @param {number} n @param {File} from */
  async #read(n, from) {
    const answer = await ask('calendar/read', from);
    const found = answer.no ? null : answer.timetables.find((/** @type {{curfew: string}} */ each) => each.curfew === this.draft.curfews[n].id) ?? answer.timetables[0];
    const out = answer.no ? '' : [...new Set(answer.left_out.map((/** @type {{problem: string}} */ each) => t(`Calendar.${each.problem}`)))].join(', ');
    if (found) this.#change({ curfews: this.draft.curfews.map((each, i) => (i === n ? { ...each, rows: found.rows, zone: found.zone, on_holidays: found.on_holidays } : each)) });
    this.note = answer.no ? refused(answer) : [found ? t('week.taken', { n: count(found.rows.length) }) : t('week.nothing'), out ? t('week.left_out', { n: count(answer.left_out.length), why: out }) : ''].filter(Boolean).join(' · ');
  }

  // --- asking for it -----------------------------------------------------------------------------------------------

  /** @param {string} act @param {string} title @param {Record<string, unknown>} fixed */
  #wish(act, title, fixed) {
    const kept = /** @type {Kept} */ (this.kept);
    this.tell('sn-wish', { act, title, about: `${kept.name} · ${kept.case_no}`, fields: [], fixed: { wearer: kept.wearer, ...fixed } });
  }

  render() {
    const kept = this.kept;
    if (!kept) return html`<p class="ad-empty"><b>${t('order.pick')}</b></p>`;
    const desk = { order: this.draft, locked: this.locked, change: (/** @type {Partial<Order>} */ change) => this.#change(change), chosen: this.chosen, choose: (/** @type {string} */ id) => this.#choose(id) };
    const draw = (/** @type {'circle'|'polygon'} */ kind) => this.#drawn(kind);
    return html`<div class="oe" @keydown=${this.#key}><div class="oe-map"><sn-zone-map .shapes=${this.#shapes()} .chosen=${this.#index()} .locked=${this.locked} .theme=${this.theme} .whose=${kept.wearer} @sn-shape=${this.#shaped}></sn-zone-map></div>
      <div class="oe-side"><header class="oe-head"><h2>${t('order.of', { name: kept.name })}</h2><p class="sec2 num">${kept.case_no} · ${kept.version && kept.discharged_at === null ? t('order.now', { n: kept.version }) : t('order.none')}</p></header>
      <div class="oe-body" tabindex="0" role="group" aria-label=${t('order.of', { name: kept.name })}>${kept.draft ? this.#waiting(kept.draft) : ''}
        ${basics(desk)}${zones(desk, draw)}${curfews(desk, draw, { save: (id) => void this.#save(id), read: (n, from) => void this.#read(n, from) })}${inclusions(desk, draw)}${absences(desk, now())}${shielded(desk, this.people)}${others(desk, this.sets)}${this.#versions(kept)}</div>
      ${this.locked ? '' : this.#foot(kept)}</div></div>`;
  }

  /** @param {Draft} draft */
  #waiting(draft) {
    const enter = draft.apart
      ? html`<button type="button" class="btn main" data-act="enter" @click=${() => this.#wish('enter_order', t('do.enter_order'), { draft: draft.draft })}>${t('do.enter_order')}</button>`
      : html`<p class="sec2">${t('No.same_hand')}</p>`;
    return html`<section class="op waits"><h3>${draft.discharge ? t('order.discharge_of', { by: draft.by_name }) : t('order.draft_of', { by: draft.by_name, n: draft.version })}</h3>
      <p class="sec2">${instant(draft.at)} · ${draft.why}</p><ul class="diffs">${draft.differences.map((each) => html`<li>${difference(each)}</li>`)}</ul><p class="sec2">${t('order.draft_seen')}</p>
      <div class="two">${enter}<button type="button" class="btn" @click=${() => this.#wish('withdraw_draft', t('do.withdraw_draft'), { draft: draft.draft })}>${t('do.withdraw_draft')}</button></div></section>`;
  }

  /** @param {Kept} kept */
  #versions(kept) {
    if (!kept.versions.length) return '';
    return html`<section class="op" aria-label=${t('order.versions')}><h3>${t('order.versions')}</h3><ul>${kept.versions.map((each, n) => html`<li class="op-version"><div><b>${t('order.version', { n: each.version })}</b>
      <span class="sec2">${each.at === null ? t('order.first') : `${instant(each.at)} · ${t('order.drafted_by', { drafted: each.drafted_name ?? '–', by: each.by_name ?? '–' })}`}</span>
      ${each.drafted_why ? html`<span class="sec2">${each.drafted_why}</span>` : ''}<ul class="diffs">${each.differences.map((one) => html`<li>${difference(one)}</li>`)}</ul></div>
      ${n === 0 || this.locked ? '' : html`<button type="button" class="btn sm" @click=${() => this.#restore(each)}>${t('order.restore')}</button>`}</li>`)}</ul></section>`;
  }

  /** @param {Kept} kept */
  #foot(kept) {
    const n = this.past.length;
    const save = () => this.#wish('draft_order', t('do.draft_order'), { over: kept.version, order: this.draft });
    return html`<div class="oe-foot"><p role="status">${this.note || (n ? t('order.edited', { n }) : t('order.untouched'))}</p>
      <button type="button" class="btn" ?disabled=${!n} @click=${() => this.#undo()}>${t('order.undo')} <kbd>Ctrl Z</kbd></button><button type="button" class="btn" ?disabled=${!this.future.length} @click=${() => this.#redo()}>${t('order.redo')}</button>
      <button type="button" class="btn main" data-act="draft" ?disabled=${!n && kept.version > 0} @click=${save}>${t('do.draft_order')}</button></div>`;
  }
}

customElements.define('sn-order', OrderEditor);
