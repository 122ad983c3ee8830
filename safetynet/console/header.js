/** `sn-header`: who and where, alarm counts, links, sound, language, theme, clock. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { skewMs } from './clock.js';
import { icon, mark, shape } from './icons.js';
import { isKorean, lasting, t } from './say.js';

const SKEW_SHOWN_MS = 2_000;
const ARCHIVE_FOR = ['operator', 'supervisor'];

/** Alarms that nobody has acknowledged. @param {Record<string, import('./types.js').Alarm>} alarms */
export const unanswered = (alarms) => Object.values(alarms).filter((each) => each.state === 'unacked' || each.state === 'returned_unacked');

/** How many of priority 1 to 4, for the header. @param {import('./types.js').Alarm[]} alarms */
export const byPriority = (alarms) => [1, 2, 3, 4].map((p) => alarms.filter((each) => each.priority === p).length);

export class Header extends Light {
  static properties = { me: { attribute: false }, counts: { attribute: false }, links: { attribute: false }, disk: {}, loud: { attribute: false }, note: { type: String } };

  constructor() {
    super();
    /** @type {import('./types.js').Me|null} */
    this.me = null;
    /** @type {number[]} unacknowledged alarms of priority 1 to 4 */
    this.counts = [0, 0, 0, 0];
    /** @type {import('./types.js').Link[]} */
    this.links = [];
    /** @type {string} a `DiskLevel` */
    this.disk = 'ample';
    /** Absent on a page that makes no sound. @type {boolean|null} */
    this.loud = true;
    /** In place of the counts, where no alarms are. */
    this.note = '';
  }

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute('role', 'banner');
  }

  render() {
    const place = [this.me?.centre_name ?? t('head.centre'), this.me?.seat ? t('seat', { seat: this.me.seat }) : ''];
    return html`
      <div class="h-id">${mark}<b>${t('product')}</b><span class="sep"></span><span>${place.filter(Boolean).join(' · ')}</span></div>
      ${this.note ? html`<div class="h-counts num"><span class="k">${this.note}</span></div>` : html`<div class="h-counts" role="group" aria-label=${t('head.counts')}><span class="k">${t('head.unacked')}</span>
        ${this.counts.map((n, i) => html`<span class=${n ? 'cnt on' : 'cnt zero'}>${shape(i + 1, 18, !n)}<b class="num">${n}</b></span>`)}</div>`}
      <div class="h-links" role="group" aria-label=${t('head.links')}>${this.links.map((each) => this.#link(each))}${this.#skew()}${this.#room()}</div>
      <div class="h-end">
        ${this.loud === null ? '' : html`<button class="hb" id="sound" aria-label=${this.loud ? t('head.sound_full') : t('head.sound_low')} @click=${() => this.tell('sn-mute')}>${icon(this.loud ? 'sound' : 'quiet')}</button>`}
        ${this.loud === null ? '' : html`<button class="hb" id="settings" aria-label=${t('set.title')} @click=${() => this.tell('sn-settings')}>${icon('gear', 17)}</button>`}
        <button class="hb" id="language" lang=${isKorean() ? 'en' : 'ko'} aria-label=${t('head.language')} @click=${() => this.tell('sn-lang')}>${isKorean() ? 'EN' : '한'}</button>
        <button class="hb" id="theme" aria-label=${t('head.theme')} @click=${() => this.tell('sn-theme')}><svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="1.5"></circle><path d="M8 1.5a6.5 6.5 0 0 1 0 13z" fill="currentColor"></path></svg></button>
        ${this.me?.role === 'supervisor' && location.pathname !== '/supervisor' ? html`<a class="hb" id="supervisor" href="/supervisor" aria-label=${t('super.title')}>${icon('user', 16)}</a>` : ''}
        ${this.me?.role === 'supervisor' && location.pathname !== '/admin' ? html`<a class="hb" id="admin" href="/admin" aria-label=${t('head.admin')}>${icon('doc', 16)}</a>` : ''}
        ${ARCHIVE_FOR.includes(this.me?.role ?? '') && location.pathname !== '/law' ? html`<a class="hb" id="law" href="/law" aria-label=${t('super.law')}><span aria-hidden="true">§</span></a>` : ''}
        ${ARCHIVE_FOR.includes(this.me?.role ?? '') && location.pathname !== '/incidents' ? html`<a class="hb" id="archive" href="/incidents" aria-label=${t('archive.title')}>${icon('list', 16)}</a>` : ''}
        <button class="hb" id="sign-out" aria-label=${t('sign.out')} @click=${() => this.tell('sn-sign-out')}>${icon('out', 16)}</button>
        <span class="who">${this.me?.name ?? ''}</span>
        <span class="clk"><sn-age mode="clock" at="0"></sn-age><span>KST</span></span>
      </div>`;
  }

  /** @param {import('./types.js').Link} link */
  #link(link) {
    const more = link.up
      ? link.streams ? t('head.pictures', { n: link.streams }) : ''
      : html`${t('head.cut')} <sn-age mode="lasting" at=${link.since}></sn-age>`;
    return html`<span class=${link.up ? 'lk' : 'lk down'}><i></i>${link.name} <span class="num">${more}</span></span>`;
  }

  #room() {
    if (this.disk === 'ample') return '';
    return html`<span class=${this.disk === 'scarce' ? 'lk down' : 'lk warn'} id="disk"><i></i>${t(`DiskLevel.${this.disk}`)}</span>`;
  }

  #skew() {
    const off = Math.abs(skewMs());
    return off > SKEW_SHOWN_MS ? html`<span class="lk warn"><i></i>${t('head.skew', { span: lasting(off) })}</span>` : '';
  }
}

customElements.define('sn-header', Header);
