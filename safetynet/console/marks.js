/** `sn-mark`: seen here or not here, which way and by what. What a person saw; a machine's finding never looks like it. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { t } from './say.js';

/** As they lie on the pad, north at the top. */
export const HEADINGS = ['nw', 'n', 'ne', 'w', 'still', 'e', 'sw', 's', 'se'];
export const TRAVELS = ['on_foot', 'bicycle', 'car', 'bus'];
/** @type {Record<string, string>} */
const TRAVEL_KEYS = { on_foot: 'W', bicycle: 'B', car: 'R', bus: 'U' };
/** @type {Record<string, string>} */
export const ARROWS = { ArrowUp: 'n', ArrowRight: 'e', ArrowDown: 's', ArrowLeft: 'w' };
/** Degrees clockwise from the arrow that points up. @type {Record<string, number>} */
const TURN = { n: 0, ne: 45, e: 90, se: 135, s: 180, sw: 225, w: 270, nw: 315 };

/** @param {string} heading */
const arrow = (heading) => (heading === 'still' ? html`<svg class="ic" width="18" height="18" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="5" fill="currentColor"></circle></svg>`
  : html`<svg class="ic" width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path
    transform=${`rotate(${TURN[heading]} 12 12)`} d="M12 19V5M6.5 10.5L12 5l5.5 5.5"></path></svg>`);

/** One line on a sighting: `북쪽으로 · 도보`. @param {{sight: string, heading: string|null, travel: string|null}} seen */
export function saw(seen) {
  if (seen.sight === 'not_here') return t('Sight.not_here');
  const heading = seen.heading ? t(`Heading.${seen.heading}`) : '';
  const travel = seen.travel ? t(`Travel.${seen.travel}`) : '';
  return [t('Sight.seen'), heading, travel].filter(Boolean).join(' · ');
}

/** Events: `sn-seen` {sight, heading, travel}, `sn-heading` {heading}, `sn-travel` {travel}. */
export class MarkPad extends Light {
  static properties = { heading: { attribute: false }, travel: { type: String }, armed: { type: Boolean }, off: { type: Boolean } };

  constructor() {
    super();
    /** @type {string|null} */
    this.heading = null;
    this.travel = 'on_foot';
    /** E was pressed: the next arrow key says which way. */
    this.armed = false;
    this.off = false;
  }

  render() {
    const heading = this.heading;
    return html`<div class="marking"><div class="pad" role="group" aria-label=${t('mark.heading')}>${HEADINGS.map((each) => html`<button
        class=${each === heading ? 'on' : ''} ?disabled=${this.off} aria-pressed=${String(each === heading)} aria-label=${t(`Heading.${each}`)} data-heading=${each}
        @click=${() => this.tell('sn-heading', { heading: each === heading ? null : each })}>${arrow(each)}</button>`)}</div>
      <div class="mark-do"><button class="btn main" ?disabled=${this.off} data-act="seen" @click=${() => this.tell('sn-seen', { sight: 'seen', heading, travel: this.travel })}>${icon('eye')}<span>${t('Sight.seen')}</span> <kbd>E</kbd></button>
        <button class="btn" ?disabled=${this.off} data-act="not_here" @click=${() => this.tell('sn-seen', { sight: 'not_here' })}>${icon('eyeoff')}<span>${t('Sight.not_here')}</span> <kbd>N</kbd></button>
        ${this.armed ? html`<p class="armed" role="status">${t('mark.armed')}</p>` : ''}</div></div>
      <div class="travel" role="group" aria-label=${t('mark.travel')}>${TRAVELS.map((each) => html`<button class=${each === this.travel ? 'btn sm on' : 'btn sm'} ?disabled=${this.off} aria-pressed=${String(each === this.travel)} data-travel=${each}
        @click=${() => this.tell('sn-travel', { travel: each })}>${t(`Travel.${each}`)} <kbd>${TRAVEL_KEYS[each]}</kbd></button>`)}</div>`;
  }
}

customElements.define('sn-mark', MarkPad);
