/** `sn-requests`: what control centres ask of this city, what is provided, what this day came to. */
import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import './age.js';
import { Light } from './base.js';
import { icon, shape } from './icons.js';
import { scope } from './provisions.js';
import { clock, count, isKorean, lasting, metres, t } from './say.js';

/** @typedef {import('./types.js').CityRequest} CityRequest */
/** @typedef {import('./types.js').Provision} Provision */
/** @typedef {'open'|'ended'|'refused'} RequestTab */
/** The reasons a person may give (core/provisions.py), in the order of the keys 1 to 5. */
export const REASONS = ['beyond_purpose', 'others_shown', 'facts_unclear', 'needed_elsewhere', 'under_repair'];
const RECENT_MAX = 4;
const ROWS_MAX = 50;
/** @type {Record<string, number>} */
const ORDER = { waiting: 0, granted: 1, prepared: 2 };

/** What waits stands first, the oldest at the head; a preparation is only a line. @param {CityRequest[]} requests */
export const inOrder = (requests) => [...requests].sort((a, b) => ORDER[a.state] - ORDER[b.state] || a.priority - b.priority || a.since - b.since);

export class Requests extends Light {
  static properties = { requests: { attribute: false }, provisions: { attribute: false }, today: { attribute: false }, selected: { type: String }, tab: { type: String }, without: { attribute: false }, ready: { type: Boolean }, recorded: { type: Boolean } };

  constructor() {
    super();
    /** @type {CityRequest[]} */
    this.requests = [];
    /** @type {Provision[]} newest first */
    this.provisions = [];
    /** @type {import('./types.js').Today|null} */
    this.today = null;
    /** @type {string|null} */
    this.selected = null;
    /** @type {RequestTab} */
    this.tab = 'open';
    /** Cameras that the person leaves out of the selected request. @type {Set<string>} */
    this.without = new Set();
    this.ready = false;
    this.recorded = false;
  }

  /** Puts the keyboard on the selected request. */
  focusRow() {
    const row = this.querySelector('.req[aria-current=true]') ?? this.querySelector('.req');
    if (row instanceof HTMLElement) row.focus();
  }

  render() {
    const of = (/** @type {string} */ state) => this.provisions.filter((each) => each.state === state);
    /** @type {[RequestTab, number][]} */
    const tabs = [['open', this.requests.filter((each) => each.state !== 'prepared').length], ['ended', of('ended').length], ['refused', of('refused').length]];
    return html`<div class="tabs" role="tablist" aria-label=${t('city.requests')}>${tabs.map(([tab, n]) => html`<button role="tab" id=${`rt-${tab}`} aria-controls="request-list"
        aria-selected=${String(this.tab === tab)} @click=${() => this.tell('sn-tab', { tab })}>${t(`city.tab_${tab}`)} <span class="num">${n}</span></button>`)}</div>
      <div class="q-body" id="request-list" role="tabpanel" aria-labelledby=${`rt-${this.tab}`} tabindex="0">${this.tab === 'open' ? this.#open() : this.#past(of(this.tab))}</div>
      ${this.#today()}${this.#recent()}`;
  }

  #open() {
    if (!this.ready) return html`<div class="skeleton" role="status"><i></i><i></i><span>${t('city.loading')}</span></div>`;
    if (!this.requests.length) return html`<div class="calm"><b>${t('city.empty')}</b><span>${t('city.empty_more')}</span></div>`;
    return repeat(inOrder(this.requests), (each) => each.request, (each) => this.#request(each));
  }

  /** @param {CityRequest} each */
  #request(each) {
    if (each.state === 'prepared') {
      return html`<div class="req prepared"><h2>${shape(each.priority, 20, true)}<span>${t('city.prepared', { n: each.count })}</span></h2><p>${t('city.prepared_more', { who: each.sender_name })}</p></div>`;
    }
    const chosen = each.request === this.selected;
    const waits = each.state === 'waiting';
    return html`<div class=${`req ${each.state}${waits ? ` new p${each.priority}` : ''}${chosen ? ' chosen' : ''}`} tabindex=${chosen ? 0 : -1} role="group" aria-current=${String(chosen)} data-request=${each.request}
        aria-label=${`${t(`AlarmKind.${each.kind}`)} ${t(`city.state_${each.state}`)}`} @click=${() => this.tell('sn-open', { id: each.request })}>
      <h2>${shape(each.priority, 24)}<span>${t(`AlarmKind.${each.kind}`)} · ${t(`city.state_${each.state}`)}</span><span class="num">${waits && each.answer_by
        ? html`<sn-age mode="within" at=${each.answer_by}></sn-age>` : html`<sn-age mode="since" at=${each.since}></sn-age>`}</span></h2>
      ${waits ? this.#waiting(each, chosen) : this.#granted(each)}</div>`;
  }

  /** @param {CityRequest} each @param {boolean} chosen */
  #waiting(each, chosen) {
    const left = each.cameras.filter(({ camera }) => !chosen || !this.without.has(camera));
    return html`<dl class="kv"><dt>${t('city.asked_by')}</dt><dd>${each.sender_name}</dd>
        <dt>${t('city.scope')}</dt><dd class="num">${metres(each.radius_m)} · ${t('record.cameras', { n: each.count })} · <sn-age mode="until" at=${each.until}></sn-age></dd>
        <dt>${t('city.basis')}</dt><dd>${isKorean() ? each.law.article_ko : each.law.article_en}</dd>
        <dt>${t('city.own_check')}</dt><dd><b>${t('city.policy_allows')}</b>${each.after_no ? html`<br>${t('city.after_no')}` : ''}</dd></dl>
      <div class="none">${t('city.nothing_personal')}</div>
      ${chosen ? html`<fieldset class="picks"><legend>${t('city.leave_out')}</legend>${each.cameras.map(({ camera, name, purpose }) => html`<label class="check"><input type="checkbox" .checked=${!this.without.has(camera)}
        @change=${() => this.tell('sn-leave-out', { camera })}> <span>${name}</span><span class="sec2">${purpose ? t(`Purpose.${purpose}`) : ''}</span></label>`)}</fieldset>` : ''}
      <div class="b"><button class="btn main" data-act="approve" ?disabled=${!left.length} @click=${() => this.tell('sn-act', { act: 'approve', id: each.request })}>${icon('check')}<span>${t('city.approve', { n: left.length })}</span> <kbd>G</kbd></button>
        <button class="btn" data-act="refuse" @click=${() => this.tell('sn-act', { act: 'no', id: each.request })}><span>${t('city.refuse')}</span> <kbd>X</kbd></button></div>`;
  }

  /** @param {CityRequest} each */
  #granted(each) {
    return html`<dl class="kv"><dt>${t('city.cameras')}</dt><dd class="num">${t('record.cameras', { n: each.count })}</dd>
        <dt>${t('city.ends')}</dt><dd class="num">${t('city.ends_at', { at: clock(each.until) })}</dd>
        <dt>${t('city.receiver')}</dt><dd>${each.sender_name}</dd>
        <dt>${t('city.granted_by')}</dt><dd>${each.by_name ?? t('city.by_policy')}</dd></dl>
      ${each.unreviewed ? html`<div class="b"><button class="btn sm" data-act="review" @click=${(/** @type {Event} */ event) => { event.stopPropagation(); this.tell('sn-act', { act: 'review', id: each.request }); }}>${icon('check', 16)}${t('city.review')}</button></div>` : ''}`;
  }

  /** @param {Provision[]} rows */
  #past(rows) {
    if (!rows.length) return html`<div class="calm"><b>${t(`city.none_${this.tab}`)}</b></div>`;
    return html`<ul class="past">${rows.slice(0, ROWS_MAX).map((each) => html`<li><b>${each.kind ? t(`AlarmKind.${each.kind}`) : each.incident}</b><span class="num">${clock(each.ended_at ?? each.at)}</span>
      <span>${each.receiver_name} · ${each.state === 'refused' ? t(`Why.${each.why}`) : scope(each)}</span>
      <span>${each.state === 'refused' ? each.by_name ?? '' : `${t(`Why.${each.why}`)}${each.ended_by_name ? ` · ${each.ended_by_name}` : ''}`}</span></li>`)}</ul>`;
  }

  #today() {
    const { today } = this;
    if (!today) return '';
    const reasons = Object.entries(today.refusals).map(([why, n]) => `${t(`Why.${why}`)} ${n}`).join(', ');
    const answers = today.answer_ms_median === null ? t('city.no_answers')
      : t('city.answers', { median: lasting(today.answer_ms_median), max: lasting(today.answer_ms_max ?? 0) });
    return html`<div class="blk today"><div class="sec-h"><h2>${t('city.today')}</h2></div><dl class="kv num"><dt>${t('city.granted')}</dt><dd>${t('city.granted_n', { n: count(today.granted), cameras: count(today.granted_cameras) })}</dd>
      <dt>${t('city.refused')}</dt><dd>${t('city.cases', { n: count(today.refused) })}${reasons ? ` · ${reasons}` : ''}</dd><dt>${t('city.answer')}</dt><dd>${answers}</dd>
      <dt>${t('city.to_review')}</dt><dd class=${today.unreviewed ? 'due' : ''}>${t('city.cases', { n: count(today.unreviewed) })}</dd></dl></div>`;
  }

  #recent() {
    return html`<div class="recent"><div class="sec-h"><h2>${t('city.record_recent')}</h2><button class="btn sm" data-act="record" aria-pressed=${String(this.recorded)} @click=${() => this.tell('sn-act', { act: 'record' })}>${icon('doc', 16)}${t('city.record_open')} <kbd>L</kbd></button></div>
      <ul class="tl num">${this.provisions.slice(0, RECENT_MAX).map((each) => html`<li><time>${clock(each.at)}</time><span>${each.state === 'refused' ? `${t('city.refused')} · ${t(`Why.${each.why}`)}`
        : `${scope(each)} → ${each.receiver_name}`}</span></li>`)}</ul></div>`;
  }
}

customElements.define('sn-requests', Requests);
