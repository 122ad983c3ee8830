/** `sn-city-footage`: what control centres ask of this city's recorder, and a person's answer to it. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { icon } from './icons.js';
import { clock, day, isKorean, megabytes, t } from './say.js';

/** @typedef {import('./types.js').CityFootage} CityFootage */
/** The reasons a person may give (core/footage), in their order there. */
export const REASONS = ['beyond_purpose', 'others_shown', 'facts_unclear', 'not_recorded', 'under_repair'];

export class CityFootageList extends Light {
  static properties = { rows: { attribute: false }, refusing: { state: true }, without: { state: true } };

  constructor() {
    super();
    /** @type {CityFootage[]} */
    this.rows = [];
    /** @type {string|null} */
    this.refusing = null;
    /** Cameras that the person leaves out, by request. @type {Set<string>} */
    this.without = new Set();
  }

  render() {
    const open = this.rows.filter((each) => !each.over).sort((a, b) => a.at - b.at);
    const waiting = open.filter((each) => each.state === 'waiting').length;
    if (!open.length) return '';
    return html`<section class="cf" aria-label=${t('footage.city.title')}><div class="sec-h cf-h"><h2>${t('footage.city.title')}</h2><span class="num" role="status">${waiting ? t('footage.city.waiting', { n: waiting }) : ''}</span></div>
      <div class="cf-list" tabindex="0" role="region" aria-label=${t('footage.city.title')}>${open.map((each) => this.#one(each))}</div></section>`;
  }

  /** @param {CityFootage} each */
  #one(each) {
    const waits = each.state === 'waiting';
    const key = (/** @type {string} */ camera) => `${each.footage} ${camera}`;
    const left = each.cameras.filter(({ camera }) => !this.without.has(key(camera)));
    return html`<div class=${`req cf-one ${each.state}`} data-footage=${each.footage}><h3><span>${t(`footage.city.state.${each.state}`)}</span><span class="num">${waits ? t('footage.answer_by') : ''} ${waits ? day(each.answer_by) : ''}</span></h3>
      <dl class="kv num"><dt>${t('city.asked_by')}</dt><dd>${each.sender_name}</dd>
        <dt>${t('footage.interval')}</dt><dd>${day(each.since)} ${clock(each.since)} – ${clock(each.until)}</dd>
        <dt>${t('footage.basis')}</dt><dd>${isKorean() ? each.article_ko : each.article_en}</dd>
        ${each.document ? html`<dt>${t('footage.city.document')}</dt><dd>${each.document}</dd>` : ''}
        ${each.files ? html`<dt>${t('footage.file')}</dt><dd>${t('footage.city.fetched', { n: each.files, size: megabytes(each.bytes) })}</dd>` : ''}
        ${Object.keys(each.lacking).length ? html`<dt>${t('footage.file')}</dt><dd>${t('footage.city.no_file', { n: Object.keys(each.lacking).length })}</dd>` : ''}</dl>
      ${waits ? html`<div class="none">${t('city.nothing_personal')} ${t('footage.city.people')}</div>
        <fieldset class="picks"><legend>${t('city.leave_out')}</legend>${each.cameras.map(({ camera, name, purpose }) => html`<label class="check"><input type="checkbox" .checked=${!this.without.has(key(camera))} @change=${() => this.#leave(key(camera))}> <span>${name}</span><span class="sec2">${purpose ? t(`Purpose.${purpose}`) : ''}</span></label>`)}</fieldset>
        ${this.refusing === each.footage ? this.#reasons(each) : html`<div class="b"><button class="btn main" data-act="approve" ?disabled=${!left.length} @click=${() => this.tell('sn-footage-answer', { footage: each.footage, act: 'approve', without: each.cameras.filter(({ camera }) => this.without.has(key(camera))).map(({ camera }) => camera) })}>${icon('check')}<span>${t('footage.city.approve', { n: left.length })}</span></button>
          <button class="btn" data-act="refuse" @click=${() => { this.refusing = each.footage; }}>${t('footage.city.refuse')}</button></div>`}` : ''}</div>`;
  }

  /** @param {string} key */
  #leave(key) {
    const next = new Set(this.without);
    if (!next.delete(key)) next.add(key);
    this.without = next;
  }

  /** @param {CityFootage} each */
  #reasons(each) {
    return html`<fieldset class="fg-why"><legend>${t('footage.reason')}</legend>${REASONS.map((why) => html`<button class="btn sm" data-reason=${why} @click=${() => { this.refusing = null; this.tell('sn-footage-answer', { footage: each.footage, act: 'refuse', why }); }}>${t(`Why.${why}`)}</button>`)}
      <button class="btn sm" @click=${() => { this.refusing = null; }}>${t('act.back')}</button></fieldset>`;
  }
}

customElements.define('sn-city-footage', CityFootageList);
