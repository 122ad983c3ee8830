/** `sn-footage`: past footage of a closed incident, or of all: asked for, approved by another person, answered by a city, seen, deleted. */
import { html } from 'lit';
import { Light } from './base.js';
import { now } from './clock.js';
import { icon } from './icons.js';
import { clock, day, isKorean, lasting, megabytes, t } from './say.js';

/**
 * @typedef {{camera: string, name: string, state: 'here'|'coming'|'lost'|'none', why: string|null, size_bytes: number|null, pieces: number|null, pieces_here: number,
 *   sha256: string|null, since: number|null, until: number|null}} Clip
 * @typedef {{footage: string, incident: string, case_no: string, city: string, city_name: string, state: string, at: number, by_name: string, approved_by_name: string|null,
 *   approved_at: number|null, since: number, until: number, basis: string, document: string, answer_by: number|null, conditions: string[], why: string|null,
 *   expires_at: number|null, extended: number, over_at: number|null, cameras: Clip[], may: {approve: boolean, own: boolean, delete: boolean, extend: boolean}, reasons: string[]}} Asked
 * @typedef {{city: string, city_name: string, camera: string, name: string}} Lens
 * @typedef {{basis: string, article_ko: string, article_en: string, document: boolean, why: string|null}} Ground
 * @typedef {{requests: Asked[], may_approve: boolean, cameras?: Lens[], since?: number, until?: number, earliest?: number, latest?: number, minutes_max?: number,
 *   cameras_max?: number, bases?: Ground[]}} About
 */
const LOOK_MS = 2_000;
const KOREA_MS = 9 * 3_600_000;
const DAY_MS = 86_400_000;
const OVER = ['declined', 'refused', 'deleted'];
const KEEP = ['investigation_open', 'trial_open', 'objection_open'];
/** How many cameras the page ticks by itself: the first that were used. */
const PROPOSED = 2;

/** For a field of date and time, which knows no zone: Korean time. @param {number} at_ms */
const field = (at_ms) => new Date(at_ms + KOREA_MS).toISOString().slice(0, 19);
/** @param {string} text */
const instant = (text) => Date.parse(`${text.length === 16 ? `${text}:00` : text}Z`) - KOREA_MS;
/** @param {number} since @param {number} until */
const interval = (since, until) => `${day(since)} ${clock(since)} – ${clock(until)}`;

/** The answer, or the word why not. @param {string} path @param {Record<string, unknown>} said @returns {Promise<Response|string>} */
async function post(path, said) {
  try {
    const answer = await fetch(`/footage/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) });
    if (answer.ok) return answer;
    if (answer.status === 401) location.replace('/');
    /** @type {{reason?: string}} */
    const problem = await answer.json();
    return t(`Why.${problem.reason ?? 'not_allowed_now'}`);
  } catch {
    return t('archive.unreachable');
  }
}

export class Footage extends Light {
  static properties = { incident: { attribute: false }, viewer: { type: String }, about: { state: true }, note: { state: true }, asking: { state: true }, basis: { state: true }, city: { state: true }, choosing: { state: true }, shown: { state: true }, busy: { state: true } };

  constructor() {
    super();
    /** None: every request that concerns this person. @type {string|null} */
    this.incident = null;
    /** Whose name lies over the picture. */
    this.viewer = '';
    /** @type {About|null} */
    this.about = null;
    /** @type {{text: string, failed: boolean}|null} */
    this.note = null;
    this.asking = false;
    this.basis = '';
    this.city = '';
    /** What needs a reason before it is done. @type {{footage: string, act: string}|null} */
    this.choosing = null;
    /** @type {{asked: Asked, clip: Clip, url: string}|null} */
    this.shown = null;
    this.busy = '';
    this.timer = 0;
    this.looked = '';
  }

  connectedCallback() {
    super.connectedCallback();
    this.timer = window.setInterval(() => void this.look(), LOOK_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
    this.put_away();
  }

  willUpdate() {
    const key = this.incident ?? '';
    if (this.looked === key && this.about) return;
    if (this.looked !== key) {
      this.about = null;
      this.asking = false;
      this.note = null;
      this.put_away();
    }
    this.looked = key;
    void this.look();
  }

  async look() {
    if (document.hidden) return;
    const key = this.incident;
    const answer = await post('about', key ? { incident: key } : {});
    if (key !== this.incident) return;
    if (typeof answer === 'string') this.note = { text: t('footage.failed', { why: answer }), failed: true };
    else this.about = await answer.json();
    this.tell('sn-footage', { waiting: this.about?.requests.filter((each) => each.may.approve).length ?? 0 });
  }

  /** @param {string} path @param {Record<string, unknown>} said @param {string} done */
  async act(path, said, done) {
    const answer = await post(path, said);
    this.note = typeof answer === 'string' ? { text: t('footage.failed', { why: answer }), failed: true } : { text: t(done), failed: false };
    this.choosing = null;
    await this.look();
    return typeof answer !== 'string';
  }

  /** @param {SubmitEvent} event */
  async ask(event) {
    event.preventDefault();
    const said = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(said.get(name) ?? '').trim();
    const wish = { incident: this.incident, city: this.city, cameras: said.getAll('camera'), since: instant(text('since')), until: instant(text('until')), basis: this.basis, document: text('document') };
    if (await this.act('ask', wish, 'footage.asked_said')) this.asking = false;
  }

  open() {
    const about = this.about;
    this.city = about?.cameras?.[0]?.city ?? '';
    this.basis = about?.bases?.find((each) => !each.why)?.basis ?? '';
    this.asking = true;
    this.note = null;
    void this.updateComplete.then(() => /** @type {HTMLElement|null} */ (this.querySelector('.fg-ask input, .fg-ask select'))?.focus());
  }

  /** @param {Asked} asked @param {Clip} clip */
  async view(asked, clip) {
    this.busy = `${asked.footage} ${clip.camera}`;
    const answer = await post('view', { footage: asked.footage, camera: clip.camera });
    if (typeof answer === 'string') this.note = { text: t('footage.failed', { why: answer }), failed: true };
    else {
      this.put_away();
      this.shown = { asked, clip, url: URL.createObjectURL(await answer.blob()) };
    }
    this.busy = '';
    await this.updateComplete;
    /** @type {HTMLDialogElement|null} */ (this.querySelector('.fg-show'))?.showModal();
  }

  /** The bytes leave this window's memory with the picture. */
  put_away() {
    if (this.shown) URL.revokeObjectURL(this.shown.url);
    this.shown = null;
  }

  render() {
    const about = this.about;
    const list = this.incident ? about?.requests : about?.requests.filter((each) => !OVER.includes(each.state));
    return html`<div class="blk fg"><div class="sec-h"><h2>${t('footage.title')}</h2>${about && this.incident && !this.asking ? html`<button class="btn sm" data-act="ask" @click=${() => this.open()}>${icon('doc', 16)}${t('footage.ask')}</button>` : ''}</div>
      ${this.note ? html`<p class=${`note${this.note.failed ? ' failed' : ''}`} role="status">${this.note.text}</p>` : ''}
      ${this.asking && about ? this.#form(about) : ''}
      ${!about ? html`<p class="sec2" role="status">${this.note?.failed ? '' : t('footage.loading')}</p>` : list?.length ? html`<ul class="fg-list">${list.map((each) => this.#asked(each))}</ul>` : html`<p class="sec2">${t(this.incident ? 'footage.none' : 'footage.none_open')}</p>`}
      ${this.shown ? this.#show(this.shown) : ''}</div>`;
  }

  /** @param {About} about */
  #form(about) {
    const lenses = about.cameras ?? [];
    if (!lenses.length) return html`<p class="sec2">${t('footage.no_cameras')}</p><button class="btn sm" @click=${() => { this.asking = false; }}>${t('act.back')}</button>`;
    const cities = [...new Map(lenses.map((each) => [each.city, each.city_name]))];
    const bound = { min: field(about.earliest ?? 0), max: field(about.latest ?? 0) };
    const ground = about.bases?.find((each) => each.basis === this.basis);
    return html`<form class="fg-ask" aria-label=${t('footage.ask_for')} @submit=${(/** @type {SubmitEvent} */ event) => void this.ask(event)}>
      <p class="sec2">${t('footage.more')}</p>
      ${cities.length > 1 ? html`<label>${t('footage.city')}<select .value=${this.city} @change=${(/** @type {Event} */ event) => { this.city = /** @type {HTMLSelectElement} */ (event.target).value; }}>${cities.map(([id, name]) => html`<option value=${id} ?selected=${id === this.city}>${name}</option>`)}</select></label>`
        : html`<p class="fg-city">${t('footage.city')} <b>${cities[0][1]}</b></p>`}
      <fieldset class="picks"><legend>${t('footage.cameras', { n: about.cameras_max ?? 1 })}</legend><div class="fg-picks">${lenses.filter((each) => each.city === this.city).map((each, i) => html`<label class="check"><input type="checkbox" name="camera" value=${each.camera} ?checked=${i < PROPOSED}> <span>${each.name}</span></label>`)}</div></fieldset>
      <div class="fg-when"><label>${t('footage.since')}<input type="datetime-local" step="1" name="since" required min=${bound.min} max=${bound.max} value=${field(about.since ?? 0)}></label>
        <label>${t('footage.until')}<input type="datetime-local" step="1" name="until" required min=${bound.min} max=${bound.max} value=${field(about.until ?? 0)}></label></div>
      <p class="sec2 num">${t('footage.within', { from: `${day(about.earliest ?? 0)} ${clock(about.earliest ?? 0)}`, to: `${day(about.latest ?? 0)} ${clock(about.latest ?? 0)}`, n: about.minutes_max ?? 0 })}</p>
      <fieldset class="picks"><legend>${t('footage.basis')}</legend>${(about.bases ?? []).map((each) => html`<label class=${`check fg-base${each.why ? ' off' : ''}`}><input type="radio" name="basis" value=${each.basis} ?disabled=${each.why !== null} .checked=${each.basis === this.basis} @change=${() => { this.basis = each.basis; }}>
        <span>${t(`FootageBasis.${each.basis}`)}<small>${each.why ? t('footage.not_here', { why: t(`Why.${each.why}`) }) : isKorean() ? each.article_ko : each.article_en}</small></span></label>`)}</fieldset>
      ${ground?.document ? html`<label>${t('footage.document')}<input name="document" required minlength="4" maxlength="40" autocomplete="off" placeholder=${t('footage.document_hint')}></label>` : ''}
      <p class="sec2">${t('footage.two')}</p>
      <div class="fg-do"><button class="btn main" ?disabled=${!this.basis}>${t('footage.send')}</button><button class="btn" type="button" @click=${() => { this.asking = false; }}>${t('act.back')}</button></div></form>`;
  }

  /** @param {Asked} each */
  #asked(each) {
    const left_ms = (each.expires_at ?? 0) - now();
    const over = OVER.includes(each.state);
    return html`<li class=${`fg-one ${each.state}`} data-footage=${each.footage}><h3><span class="fg-state">${t(`footage.state.${each.state}`)}</span><span class="num">${each.city_name}${this.incident ? '' : ` · ${each.case_no}`}</span></h3>
      <dl class="kv num"><dt>${t('footage.interval')}</dt><dd>${interval(each.since, each.until)}</dd>
        <dt>${t('footage.basis')}</dt><dd>${t(`FootageBasis.${each.basis}`)}${each.document ? html`<br>${each.document}` : ''}</dd>
        <dt>${t('footage.by')}</dt><dd>${each.by_name} · ${clock(each.at)}</dd>
        ${each.approved_by_name ? html`<dt>${t(each.state === 'declined' ? 'footage.state.declined' : 'footage.approved_by')}</dt><dd>${each.approved_by_name}</dd>` : ''}
        ${each.state === 'pending' && each.answer_by ? html`<dt>${t('footage.answer_by')}</dt><dd>${day(each.answer_by)} ${clock(each.answer_by)}</dd>` : ''}
        ${each.why ? html`<dt>${t('footage.why')}</dt><dd><b>${t(`Why.${each.why}`)}</b></dd>` : ''}
        ${each.expires_at && !over ? html`<dt>${t('footage.expires')}</dt><dd>${day(each.expires_at)} ${clock(each.expires_at)} · ${t('footage.expires_in', { left: left_ms >= DAY_MS ? t('footage.days', { n: Math.floor(left_ms / DAY_MS) }) : lasting(left_ms) })}</dd>` : ''}
        ${each.conditions.length && !over ? html`<dt>${t('footage.conditions')}</dt><dd>${each.conditions.map((one) => t(`Condition.${one}`)).join(' · ')}</dd>` : ''}</dl>
      ${over ? '' : html`<ul class="fg-clips">${each.cameras.map((clip) => this.#clip(each, clip))}</ul>`}
      ${each.cameras.some((clip) => clip.state === 'here') ? html`<p class="sec2">${t('footage.viewed')}</p>` : ''}
      ${each.may.own ? html`<p class="sec2">${t('footage.own')}</p>` : ''}${this.#acts(each)}</li>`;
  }

  /** @param {Asked} each @param {Clip} clip */
  #clip(each, clip) {
    const loading = this.busy === `${each.footage} ${clip.camera}`;
    const said = clip.state === 'here' ? megabytes(clip.size_bytes ?? 0)
      : clip.state === 'lost' ? t(`Why.${clip.why}`)
        : clip.state === 'coming' ? t('footage.file.coming', { n: clip.pieces_here, of: clip.pieces ?? 0 }) : each.state === 'granted' ? t('footage.file.none') : '';
    return html`<li><span>${clip.name}</span><span class="num sec2 fg-r">${said}</span>${clip.state === 'here' ? html`<button class="btn sm" data-view=${clip.camera} ?disabled=${loading} @click=${() => void this.view(each, clip)}>${icon('play', 16)}${t(loading ? 'footage.playing' : 'footage.play')}</button>` : ''}</li>`;
  }

  /** @param {Asked} each */
  #acts(each) {
    const { may } = each;
    if (this.choosing?.footage === each.footage) {
      const { act } = this.choosing;
      const reasons = act === 'extend' ? KEEP : each.reasons;
      const kind = act === 'extend' ? 'KeepReason' : 'Why';
      return html`<fieldset class="fg-why"><legend>${t('footage.reason')}</legend>${reasons.map((word) => html`<button class="btn sm" data-reason=${word} @click=${() => void this.act('do', { footage: each.footage, act, ...(act === 'extend' ? { reason: word } : { why: word }) }, 'footage.done')}>${t(`${kind}.${word}`)}</button>`)}
        <button class="btn sm" @click=${() => { this.choosing = null; }}>${t('act.back')}</button></fieldset>`;
    }
    const choose = (/** @type {string} */ act, /** @type {string} */ key) => html`<button class="btn sm" data-act=${act} @click=${() => { this.choosing = { footage: each.footage, act }; }}>${t(key)}</button>`;
    return html`<div class="fg-do">${may.approve ? html`<button class="btn sm main" data-act="approve" @click=${() => void this.act('do', { footage: each.footage, act: 'approve' }, 'footage.done')}>${icon('check', 16)}${t('footage.approve')}</button>${choose('decline', 'footage.decline')}` : ''}
      ${may.extend ? choose('extend', 'footage.extend') : ''}${may.delete ? choose('delete', each.expires_at ? 'footage.delete' : 'footage.withdraw') : ''}
      ${this.incident ? '' : html`<button class="btn sm" @click=${() => this.tell('sn-incident', { incident: each.incident })}>${t('footage.open_incident')}</button>`}</div>`;
  }

  /** @param {{asked: Asked, clip: Clip, url: string}} shown */
  #show(shown) {
    const { asked, clip, url } = shown;
    return html`<dialog class="dialog fg-show" aria-label=${t('footage.title')} @close=${() => this.put_away()}><div class="p-h"><h2>${clip.name}</h2><span class="num">${interval(clip.since ?? asked.since, clip.until ?? asked.until)}</span></div>
      <div class="fg-screen"><video class="fg-video" controls autoplay muted playsinline disablepictureinpicture disableremoteplayback controlslist="nodownload nofullscreen noremoteplayback noplaybackrate" src=${url} aria-label=${`${clip.name} ${interval(clip.since ?? asked.since, clip.until ?? asked.until)}`} @contextmenu=${(/** @type {Event} */ event) => event.preventDefault()}></video><span class="fg-mark num" aria-hidden="true">${this.viewer} · ${day(now())} ${clock(now())}</span></div>
      <div class="blk"><p class="sec2">${t('footage.viewed')}</p><p class="sec2 num fg-hash">SHA-256 ${clip.sha256 ?? ''}</p></div>
      <form method="dialog" class="two"><button class="btn">${t('footage.close')} <kbd>Esc</kbd></button></form></dialog>`;
  }
}

customElements.define('sn-footage', Footage);
