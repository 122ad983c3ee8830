/** `sn-camera`, `sn-answers`, `sn-reason`: the camera under the hand, who answers requests, and the reason that a no needs. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { icon } from './icons.js';
import './marks.js';
import { saw } from './marks.js';
import { REASONS } from './requests.js';
import { clock, metres, t } from './say.js';

/** @typedef {import('./types.js').Tile} Tile */
/** @typedef {import('./types.js').Sighting} Sighting */
const TURNS = ['left', 'right', 'up', 'down', 'home'];

export class CameraSide extends Light {
  static properties = {
    tile: { attribute: false }, tiles: { attribute: false }, sightings: { attribute: false }, heading: { attribute: false }, travel: { type: String },
    armed: { type: Boolean }, granted: { type: Boolean }, turned_until: { attribute: false },
  };

  constructor() {
    super();
    /** @type {Tile|null} */
    this.tile = null;
    /** @type {Tile[]} */
    this.tiles = [];
    /** @type {Sighting[]} oldest first */
    this.sightings = [];
    /** @type {string|null} */
    this.heading = null;
    this.travel = 'on_foot';
    this.armed = false;
    this.granted = false;
    /** Until when the camera under the hand stays turned. @type {number|null} */
    this.turned_until = null;
  }

  render() {
    const camera = this.tile?.camera ?? null;
    const others = this.tiles.filter((each) => each.camera && each !== this.tile);
    return html`<div class="p-h"><h2>${camera ? t('city.camera_n', { n: this.tile?.slot ?? 0 }) : t('city.no_camera')}</h2><span>${camera?.name ?? ''}</span>${camera ? html`<span class="r"><kbd>${this.tile?.slot}</kbd></span>` : ''}</div>
      <div class="s-body" tabindex="0" role="region" aria-label=${t('city.camera')}>
        <div class="blk"><div class="sec-h"><h2>${t('mark.title')}</h2></div><sn-mark .heading=${this.heading} .travel=${this.travel} .armed=${this.armed} .off=${!this.granted || !camera}></sn-mark></div>
        ${camera?.ptz && this.granted ? html`<div class="blk"><div class="sec-h"><h2>${t('city.turn', { n: this.tile?.slot ?? 0 })}</h2><span class="num">${this.turned_until === null ? t('city.turn_logged') : html`<sn-age mode="until" at=${this.turned_until}></sn-age> ${t('Turn.home')}`}</span></div>
          <div class="ptz">${TURNS.map((turn) => html`<button class="btn sm" data-turn=${turn} @click=${() => this.tell('sn-turn', { turn })}>${t(`Turn.${turn}`)}</button>`)}${(camera.presets ?? []).map((each) => html`<button class="btn sm" data-preset=${each.number} @click=${() => this.tell('sn-turn', { turn: 'preset', preset: each.number })}><b class="num">${each.number}</b> ${each.name}</button>`)}</div></div>` : ''}
        ${camera ? html`<div class="blk"><button class="btn sm" data-act="calibrate" @click=${() => this.tell('sn-act', { act: 'calibrate' })}>${t('calibrate.title')} <kbd>C</kbd></button></div>` : ''}
        <div class="blk"><div class="sec-h"><h2>${t('city.next')}</h2></div>${others.length ? html`<ol class="steps num">${others.map((each) => html`<li><span class="mk">${each.slot}</span><span>${each.camera?.name}<small>${t(`Reason.${each.camera?.reason}`)}</small></span>
          <b>${metres(each.camera?.distance_m ?? 0)}</b></li>`)}</ol>` : html`<p class="sec2">${t('city.next_none')}</p>`}</div>
        <div class="blk last"><div class="sec-h"><h2>${t('city.sent')}</h2></div>${this.sightings.length ? html`<ul class="tl num">${[...this.sightings].reverse().map((each) => html`<li><time>${clock(each.at)}</time><span>${each.name} · ${saw(each)} · ${each.who}</span></li>`)}</ul>`
          : html`<p class="sec2">${t('city.sent_none')}</p>`}</div></div>
      <div class="stop"><button class="btn" data-act="stop" ?disabled=${!this.granted} @click=${() => this.tell('sn-act', { act: 'no' })}>${icon('x')}<span>${t('city.stop')}</span> <kbd>X</kbd></button></div>`;
  }
}

/** While nothing is asked: who answers on which basis, and what this centre can do. */
export class Answers extends Light {
  static properties = { approval: { attribute: false }, head: { type: Boolean }, links: { attribute: false }, today: { attribute: false } };

  constructor() {
    super();
    /** @type {import('./types.js').ApprovalRule[]} */
    this.approval = [];
    /** Whether who sits here may change it. */
    this.head = false;
    /** @type {import('./types.js').Link[]} */
    this.links = [];
    /** @type {import('./types.js').Today|null} */
    this.today = null;
  }

  render() {
    return html`<div class="p-h"><h2>${t('city.centre')}</h2></div><div class="s-body" tabindex="0" role="region" aria-label=${t('city.centre')}>
      <div class="blk"><div class="sec-h"><h2>${t('city.who_answers')}</h2></div>${this.approval.map((each) => html`<div class="rule"><span>${each.kinds.map((kind) => t(`AlarmKind.${kind}`)).join(' · ')}<small>${t(`Basis.${each.basis}`)}</small></span>
        ${this.head ? html`<button class="btn sm" aria-pressed=${String(each.approval === 'person')} data-basis=${each.basis}
          @click=${() => this.tell('sn-approval', { basis: each.basis, approval: each.approval === 'auto' ? 'person' : 'auto' })}>${t(`Approval.${each.approval}`)}</button>` : html`<b>${t(`Approval.${each.approval}`)}</b>`}</div>`)}
        <p class="sec2">${t('city.only_narrower')}</p></div>
      <div class="blk"><div class="sec-h"><h2>${t('shift.links')}</h2></div><div class="hl num">${this.links.map((each) => html`<span>${each.name}</span>
        <span class=${each.up ? 'sec2' : 'bad'}>${t(each.up ? 'shift.link_up' : 'shift.link_down')}</span><span class="n">${each.delay_ms === null ? '' : `${Math.round(each.delay_ms)} ms`}</span>`)}</div></div>
      ${this.today ? html`<div class="blk"><div class="sec-h"><h2>${t('shift.ledger')}</h2></div><div class="hl num"><span>${t('shift.entries')}</span><b>${this.today.ledger_size}</b><span class="n"></span>
        <span>${t('city.cameras_own')}</span><b>${this.today.cameras}</b><span class="n"></span></div></div>` : ''}
      <div class="blk last" id="calibrate"><div class="sec-h"><h2>${t('survey.cameras')}</h2></div><p class="sec2">${t('survey.why')}</p><button class="btn sm" data-act="calibrate" @click=${() => this.tell('sn-act', { act: 'calibrate' })}>${t('calibrate.title')} <kbd>C</kbd></button></div></div>`;
  }
}

/** The dialogue is the question that a refusal and a stop ask once: the reason is the answer. */
export class Reason extends Light {
  static properties = { stopping: { type: Boolean } };

  constructor() {
    super();
    this.stopping = false;
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    /** @type {HTMLElement|null} */ (this.querySelector('[data-back]'))?.focus();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.tell('sn-back');
    });
  }

  render() {
    const title = t(this.stopping ? 'reason.stop' : 'reason.refuse');
    return html`<dialog class="dialog" aria-label=${title}><div class="p-h"><h2>${title}</h2></div>
      <div class="blk"><div class="sec-h"><span>${t('reason.title')}</span></div><ol class="steps choice">${REASONS.map((why, i) => html`<li><button data-why=${why} @click=${() => this.tell('sn-reason', { why })}><kbd>${i + 1}</kbd><span>${t(`Why.${why}`)}</span></button></li>`)}</ol></div>
      <div class="blk"><dl class="kv"><dt>${t('reason.then')}</dt><dd>${t(this.stopping ? 'reason.then_stop' : 'reason.then_refuse')}</dd></dl></div>
      <div class="two"><button class="btn" data-back @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-camera', CameraSide);
customElements.define('sn-answers', Answers);
customElements.define('sn-reason', Reason);
