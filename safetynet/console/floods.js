/** `sn-flood`: an outage of one network as one block at the top of the queue, in place of the silence of many; and what lies on the shelf. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { shape } from './icons.js';
import { clock, count, t } from './say.js';

/** @typedef {import('./types.js').Outage} Outage */
/** @typedef {import('./types.js').Shelf} Shelf */
/** @typedef {import('./types.js').Alarm} Alarm */

/** Why an alarm is put aside, in the order of the keys 1 to 5. */
export const SHELVE_REASONS = ['officer_on_it', 'known_place', 'charging', 'device_exchange', 'agreed'];
const MINUTE_MS = 60_000;
/** Of an outage that nobody has acknowledged; the tone is that of danger. */
const PRIORITY = 2;

/** What rings beside alarms: outages that nobody has acknowledged. @param {Outage[]} outages */
export const ringing = (outages) => outages.map((each) => ({ id: each.id, priority: PRIORITY, state: waits(each) ? 'unacked' : 'acked' }));

/** Nobody has said to have seen it. @param {Outage} one */
export const waits = (one) => one.acked_by_name === null;

/** The alarms of an incident that may be put aside now. @param {Alarm[]} alarms @param {Record<string, Shelf>} shelves */
export const shelvable = (alarms, shelves) => alarms.filter((each) => each.state !== 'closed' && each.state !== 'shelved' && shelves[each.id]?.for_ms.length);

/** For how long each of them may be. @param {Alarm[]} alarms @param {Record<string, Shelf>} shelves */
export function spans(alarms, shelves) {
  const [first, ...others] = alarms.map((each) => shelves[each.id]?.for_ms ?? []);
  return (first ?? []).filter((ms) => others.every((each) => each.includes(ms)));
}

/** @param {number} ms */
export const minutes = (ms) => t('shelve.minutes', { n: Math.round(ms / MINUTE_MS) });

export class Flood extends Light {
  static properties = { outage: { attribute: false }, wide: { type: Boolean } };

  constructor() {
    super();
    /** @type {Outage|null} */
    this.outage = null;
    this.wide = false;
  }

  render() {
    const one = this.outage;
    if (!one) return html``;
    const done = !waits(one);
    this.className = done ? 'flood' : 'flood new';
    const more = one.members - one.list.length;
    return html`<section aria-label=${t('flood.title', { network: one.network })}><h3>${shape(PRIORITY, 20, done)}<b>${t('flood.title', { network: one.network })}</b></h3>
      <p class="num"><b>${t('flood.members', { n: count(one.members) })}</b></p>
      <p class="num">${one.ended_at ? t('flood.over', { n: count(one.left) }) : html`${t('flood.silent', { n: count(one.silent) })} · ${t('flood.since')} ${clock(one.since)} · <sn-age mode="since" at=${one.since}></sn-age>`}</p>
      <div class="flood-b">${done ? html`<span class="sec2">${t('flood.acked', { name: one.acked_by_name ?? '' })}</span>` : html`<button class="btn sm" data-act="ack_outage" @click=${() => this.tell('sn-outage', { outage: one.id })}>${t('act.ack_outage')}</button>`}
        <button class="btn sm" data-act="list" aria-expanded=${String(this.wide)} @click=${() => { this.wide = !this.wide; }}>${t(this.wide ? 'flood.hide' : 'flood.list')}</button></div>
      ${this.wide ? html`<ul class="flood-l" tabindex="0" aria-label=${t('flood.list')}>${one.list.map((each) => html`<li class=${each.silent ? '' : 'back'}><span>${each.who}${each.guarded ? html` <b class="grp">${t('flood.guarded')}</b>` : ''}</span><span class="num">${each.case_no}</span></li>`)}
        ${more > 0 ? html`<li class="sec2">${t('flood.more', { n: count(more) })}</li>` : ''}</ul>` : ''}</section>`;
  }
}

customElements.define('sn-flood', Flood);
