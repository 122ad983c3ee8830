/** `sn-shift`: what the system can and cannot see while nothing is wrong. It never says that all is safe. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { label } from './keys.js';
import { clock, count, t } from './say.js';

export class Shift extends Light {
  static properties = { calm: { attribute: false }, seats: { attribute: false }, links: { attribute: false }, me: { type: String }, player: { type: String } };

  constructor() {
    super();
    /** @type {import('./types.js').Calm|null} */
    this.calm = null;
    /** @type {import('./types.js').Seat[]} */
    this.seats = [];
    /** @type {import('./types.js').Link[]} */
    this.links = [];
    this.me = '';
    /** How pictures are played in this window. */
    this.player = '';
  }

  render() {
    const calm = this.calm;
    return html`<div class="p-h"><h2>${t('shift.label')}</h2><button class="btn sm sh-give" data-handover @click=${() => this.tell('sn-handover')}>${t('handover.shift')} <kbd>${label('hand_over')}</kbd></button></div>
      ${calm ? html`<div class="blk"><div class="sec-h"><h2>${t('shift.title')}</h2></div><div class="hl num">
        <span>${t('shift.reporting')}</span><b>${count(calm.reporting)}</b><span class="n">${t('shift.of', { n: count(calm.wearers) })}</span>
        <span>${t('shift.silent')}</span><b>${count(calm.silent)}</b><span class="n"></span>
        <span>${t('shift.cameras')}</span><b>${count(calm.cameras)}</b><span class="n"></span>
        <span>${t('shift.pictures')}</span><b>${count(calm.pictures_open)}</b><span class="n">${calm.pictures_open || this.seats.some((each) => each.incidents) ? '' : t('shift.no_pictures')}</span>
        <span>${t('set.player')}</span><b class="wide" id="played">${this.player ? t(`player.short_${this.player}`) : '–'}</b></div></div>` : ''}
      ${this.seats.length ? html`<div class="blk"><div class="sec-h"><h2>${t('shift.seats')}</h2></div><div class="hl">${this.seats.map((each) => html`
        <span>${each.person === this.me ? html`<b>${each.name}</b>` : each.name} · ${each.seat && each.role === 'operator' ? t('seat', { seat: each.seat }) : t(`Role.${each.role}`)}</span>
        <span class="sec2">${each.here ? (each.incidents ? t('shift.incidents', { n: each.incidents }) : t('shift.free')) : t('shift.away')}</span><span class="n"></span>`)}</div></div>` : ''}
      <div class="blk"><div class="sec-h"><h2>${t('shift.links')}</h2></div><div class="hl num">${this.links.map((each) => html`<span>${each.name}</span>
        <span class=${each.up ? 'sec2' : 'bad'}>${t(each.up ? 'shift.link_up' : 'shift.link_down')}</span><span class="n">${each.delay_ms === null ? '' : `${Math.round(each.delay_ms)} ms`}</span>`)}</div></div>
      ${calm ? html`<div class="blk last"><div class="sec-h"><h2>${t('shift.ledger')}</h2></div><div class="hl num">
        <span>${t('shift.entries')}</span><b>${count(calm.ledger_size)}</b><span class="n"></span>
        <span class=${calm.cities_agree === false ? 'bad' : ''}>${t(calm.cities_agree === null ? 'shift.unchecked' : calm.cities_agree ? 'shift.agree' : 'shift.disagree')}</span>
        <b>${calm.ledger_checked_at ? clock(calm.ledger_checked_at) : ''}</b><span class="n"></span></div></div>` : ''}`;
  }
}

customElements.define('sn-shift', Shift);
