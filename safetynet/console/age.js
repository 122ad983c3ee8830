/**
 * `sn-age`: the only place that counts time on a page. All of them share one timer.
 * Modes: `ago` (6초 전), `since` (0:54), `until` (0:39, then counting the time over),
 * `within` (0:06 안에), `lasting` (6초), `clock` (now, in Korean time).
 * Past its limit it carries the class `stale`, past a deadline `late`, and says so once by `sn-stale`.
 */
import { everySecond, now } from './clock.js';
import { ago, clock, lasting, span, spoken, t } from './say.js';

export class Age extends HTMLElement {
  static observedAttributes = ['at', 'mode', 'limit-s'];

  constructor() {
    super();
    /** @type {() => void} */
    this.stop = () => undefined;
    this.count = () => this.#count();
  }

  connectedCallback() {
    this.classList.add('num');
    this.stop = everySecond(this.count);
    spoken.addEventListener('language', this.count);
    this.#count();
  }

  disconnectedCallback() {
    this.stop();
    spoken.removeEventListener('language', this.count);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#count();
  }

  #count() {
    const at = Number(this.getAttribute('at'));
    if (!this.hasAttribute('at') || Number.isNaN(at)) return;
    const mode = this.getAttribute('mode') ?? 'ago';
    const age_ms = now() - at;
    const limit_s = Number(this.getAttribute('limit-s') ?? 'Infinity');
    const deadline = mode === 'until' || mode === 'within';
    const over = deadline ? age_ms > 0 : age_ms > limit_s * 1000;
    const text = words(mode, age_ms, at);
    if (this.textContent !== text) this.textContent = text;
    const kind = deadline ? 'late' : 'stale';
    if (over !== this.classList.contains(kind)) {
      this.classList.toggle(kind, over);
      if (over) this.dispatchEvent(new CustomEvent('sn-stale', { bubbles: true, detail: { at } }));
    }
  }
}

/** @param {string} mode @param {number} age_ms @param {number} at */
function words(mode, age_ms, at) {
  switch (mode) {
    case 'since':
      return span(age_ms);
    case 'lasting':
      return lasting(age_ms);
    case 'until':
      // A second begun counts as left, so that 0:00 is shown only when nothing is left.
      return age_ms > 0 ? `+${span(age_ms)}` : span(-age_ms + 999);
    case 'within':
      return age_ms > 0 ? `${t('step.late')} ${span(age_ms)}` : `${span(-age_ms + 999)} ${t('step.within')}`;
    case 'clock':
      return clock(now());
    default:
      return ago(age_ms);
  }
}

customElements.define('sn-age', Age);
