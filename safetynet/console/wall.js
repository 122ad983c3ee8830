/** `sn-law`, `sn-wall`, `sn-tile`: no picture without the strip that says why; every picture with its age and reason. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { everySecond, now } from './clock.js';
import { icon } from './icons.js';
import { label } from './keys.js';
import { clock, isKorean, metres, span, t, tenths } from './say.js';

/** @typedef {import('./types.js').Tile} Tile */
/** @typedef {'1+3'|'4'|'9'} Layout */
/** @type {Layout[]} */
export const LAYOUTS = ['1+3', '4', '9'];

export class Law extends Light {
  static properties = { incident: { attribute: false }, layout: { type: String }, played: { type: String } };

  constructor() {
    super();
    /** @type {import('./types.js').Incident|null} */
    this.incident = null;
    /** How the wall stands; empty where it cannot be chosen. */
    this.layout = '';
    /** How pictures are played, said when it is not the usual way. */
    this.played = '';
    /** @type {() => void} */
    this.stop = () => undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute('role', 'region');
    this.stop = everySecond(() => this.#shorten());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  #grant() {
    const live = this.incident && this.incident.state !== 'closed' ? this.incident.video.grants.filter((each) => each.state !== 'ended') : [];
    return [...live].sort((a, b) => a.until - b.until)[0] ?? null;
  }

  /** The line grows shorter with the grant: by width, set by script, as the page allows no style in its text. */
  #shorten() {
    const grant = this.#grant();
    const bar = /** @type {HTMLElement|null} */ (this.querySelector('.l-bar i'));
    if (!bar) return;
    const share = grant ? (grant.until - now()) / (grant.until - grant.granted_at) : 0;
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  }

  updated() {
    this.setAttribute('aria-label', t('law.label'));
    this.#shorten();
  }

  render() {
    const incident = this.incident;
    if (!incident) return html``;
    const { law, video } = incident;
    const none = !law.basis || law.why;
    const article = isKorean() ? law.article_ko : law.article_en;
    const grant = this.#grant();
    const conditions = (grant?.conditions ?? []).map((each) => t(`Condition.${each}`)).join(' · ');
    return html`<div class=${`law ${none ? 'no' : video.state}`}><span class="sec" aria-hidden="true">§</span>
      <span class="l-main"><b>${none ? `${t('law.none')}${law.why && law.why !== 'no_basis' ? ` · ${t(`Why.${law.why}`)}` : ''}` : article}</b><span>${none ? `${article ? `${article} · ` : ''}${t('law.other')}` : `${t(`Basis.${law.basis}`)} · ${this.#standing(video)}`}</span></span>
      <span class="l-cond">${conditions}</span>
      ${grant ? html`<span class="l-left"><span>${t('law.left')}</span><b><sn-age mode="until" at=${grant.until}></sn-age></b></span>` : html`<span></span>`}
      ${this.#layouts()}<i class="l-bar"><i></i></i></div>`;
  }

  #layouts() {
    if (!this.layout || this.incident?.state === 'closed') return html`<span></span>`;
    return html`<span class="l-lay" role="group" aria-label=${t('wall.layout')}>${this.played === 'mse' ? html`<span class="l-mse" title=${t('player.mse')}>MSE</span>` : ''}
      ${LAYOUTS.map((each) => html`<button class="num" data-layout=${each} aria-pressed=${String(this.layout === each)} aria-label=${t(`wall.layout_${each}`)} @click=${() => this.tell('sn-layout', { layout: each })}>${each}</button>`)}
      <button id="wall-window" title=${t('wallwindow.open')} aria-label=${t('wallwindow.open')} @click=${() => this.tell('sn-window')}>${icon('out', 14)}</button></span>`;
  }

  /** @param {import('./types.js').Video} video */
  #standing(video) {
    if (this.incident?.state === 'closed') return t('law.over');
    const parts = [
      ...video.grants.filter((each) => each.state !== 'ended').map((each) => t('law.granted', { city: each.city_name, at: clock(each.granted_at) })),
      ...video.requests.filter((each) => each.state === 'refused').map((each) => `${t('law.refused', { city: each.city_name })}: ${t(`Why.${each.why}`)}`),
    ];
    if (video.requests.some((each) => each.answer_by)) parts.push(t('law.asked_person'));
    else if (video.requests.some((each) => each.state === 'requested')) parts.push(t('law.asked'));
    if (parts.length) return parts.join(' · ');
    return video.grants.length ? t('law.ended') : t('law.closed_yet');
  }
}

/** Why this view. What is over has no reason any more: `in view now` above a closed picture would be untrue. @param {Tile} tile */
const why = ({ camera, state }) => (camera && state !== 'ended' ? t(`Reason.${camera.reason}`) : '');

/** How the words of each state read; `live` and `stale` show the picture itself. @param {Tile} tile */
function message(tile) {
  const why = tile.why ? t(`Why.${tile.why}`) : '';
  const running = tile.since ? html`<sn-age mode="since" at=${tile.since}></sn-age>` : '';
  switch (tile.state) {
    case 'empty':
      return { sign: 'eyeoff', title: t(tile.note ?? 'tile.empty'), more: t(`${tile.note ?? 'tile.empty'}_more`, { key: label('video') }) };
    case 'proposed':
      return { sign: 'lock', title: t(tile.note ?? 'tile.proposed'), more: t(`${tile.note ?? 'tile.proposed'}_more`, { key: label('video') }) };
    case 'asked':
      return { sign: 'lock', title: t(tile.answer_by ? 'tile.asked_person' : 'tile.asked', { city: tile.city_name }), more: tile.answer_by ? html`<sn-age mode="within" at=${tile.answer_by}></sn-age>` : running };
    case 'refused':
      return { sign: 'lock', title: tile.city_name ? t('tile.refused', { city: tile.city_name }) : t('tile.refused_here'), more: why };
    case 'waiting':
      return { sign: 'video', title: t('tile.waiting'), more: running };
    case 'lost':
      return { sign: 'x', title: t('tile.lost'), more: html`${why}${why && tile.since ? ' · ' : ''}${tile.since ? t('tile.lost_since', { at: clock(tile.since) }) : ''}` };
    case 'ended':
      return { sign: 'lock', title: why || t('tile.ended'), more: tile.since ? t('tile.ended_at', { at: clock(tile.since) }) : '' };
    default:
      return null;
  }
}

export class TileView extends Light {
  static properties = { tile: { attribute: false }, viewer: { type: String }, best: { type: Boolean } };

  constructor() {
    super();
    /** @type {Tile|null} */
    this.tile = null;
    this.viewer = '';
    this.best = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.tabIndex = 0;
    this.setAttribute('role', 'group');
  }

  updated() {
    const tile = this.tile;
    if (!tile) return;
    const reason = why(tile);
    const said = message(tile)?.title ?? '';
    this.className = `tile ${tile.state}${this.best && (tile.state === 'live' || tile.state === 'stale') ? ' best' : ''}`;
    this.setAttribute('aria-label', t('tile.group', { slot: tile.slot, what: [reason, tile.camera?.name, said].filter(Boolean).join(', ') }));
    const holder = this.querySelector('.t-cv');
    const canvas = message(tile) ? null : tile.canvas;
    if (holder && holder.firstElementChild !== canvas) holder.replaceChildren(...(canvas ? [canvas] : []));
  }

  render() {
    const tile = this.tile;
    if (!tile) return html``;
    const { camera } = tile;
    const said = message(tile);
    return html`<div class="t-top"><kbd class="key">${tile.slot}</kbd><b class="t-why">${why(tile)}</b>${camera && tile.state !== 'ended' ? html`<span class="t-far num">${metres(camera.distance_m)}</span>` : ''}</div>
      <div class="t-pic"><div class="t-cv"></div>
        ${said ? html`<div class="t-msg">${icon(said.sign, 22)}<b>${said.title}</b><span class="num">${said.more}</span></div>` : html`
          <span class="t-wm num">${this.viewer} · <sn-age mode="clock" at="0"></sn-age></span>
          ${tile.state === 'stale' ? html`<div class="t-badge">${icon('clock', 14)}${t('tile.stale')} <b class="num">${tenths(now() - (tile.frame_at ?? now()))}</b></div>`
            : html`<span class="t-age num"><i></i>${tile.frame_at === null ? '–' : tenths(now() - tile.frame_at)}</span>`}`}</div>
      <div class="t-foot"><span class="t-cam">${camera?.name ?? ''}</span><span class="t-use">${camera?.purpose ? t(`Purpose.${camera.purpose}`) : ''}${camera?.ptz ? ' · PTZ' : ''}</span>
        <span class="t-seal num">${tile.until ? html`§ ${span(tile.until - now())}` : '§ —'}</span></div>`;
  }
}

export class Wall extends Light {
  static properties = { tiles: { attribute: false }, layout: { type: String }, enlarged: { attribute: false }, viewer: { type: String } };

  constructor() {
    super();
    /** @type {Tile[]} */
    this.tiles = [];
    /** @type {Layout} */
    this.layout = '1+3';
    /** @type {number|null} from 0 */
    this.enlarged = null;
    this.viewer = '';
    /** @type {() => void} */
    this.stop = () => undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.setAttribute('role', 'region');
    this.stop = everySecond(() => this.querySelectorAll('sn-tile').forEach((each) => /** @type {TileView} */ (each).requestUpdate()));
    this.addEventListener('focusin', (event) => this.tell('sn-focus', { slot: this.#slot(event) }));
    this.addEventListener('focusout', () => this.tell('sn-focus', { slot: null }));
    this.addEventListener('dblclick', (event) => this.tell('sn-enlarge', { slot: this.#slot(event) }));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  /** @param {Event} event */
  #slot(event) {
    const tile = /** @type {HTMLElement} */ (event.target).closest('sn-tile');
    return tile ? [...this.querySelectorAll('sn-tile')].indexOf(tile) : null;
  }

  updated() {
    this.setAttribute('aria-label', t('wall.label'));
    const over = this.tiles.some((each) => each.state === 'ended' && each.why === 'incident_closed');
    if (over) this.className = 'wall over';
    else this.className = this.enlarged === null ? `wall ${{ '1+3': 'one-three', 4: 'four', 6: 'six', 9: 'nine' }[this.layout]}` : `wall single of-${this.enlarged + 1}`;
  }

  render() {
    return html`${this.tiles.map((tile, i) => html`<sn-tile .tile=${tile} .viewer=${this.viewer} .best=${i === 0}></sn-tile>`)}`;
  }
}

customElements.define('sn-law', Law);
customElements.define('sn-tile', TileView);
customElements.define('sn-wall', Wall);
