/** `sn-watchdog`: says in full width that this window's data is old. Silence is measured on the page's steady clock. */
import { html } from 'lit';
import { Light } from './base.js';
import { everySecond, now } from './clock.js';
import { icon } from './icons.js';
import { clock, lasting, t } from './say.js';

export const OLD_MS = 3_000;

export class Watchdog extends Light {
  static properties = { state: { attribute: false } };

  constructor() {
    super();
    /** @type {import('./state.js').State|null} */
    this.state = null;
    this.old = false;
    /** @type {() => void} */
    this.stop = () => undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.stop = everySecond(() => this.look());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  look() {
    const old = (this.state?.silence_ms() ?? 0) > OLD_MS;
    if (old !== this.old) {
      this.old = old;
      this.tell('sn-old', { old });
    }
    if (old || this.querySelector('.wd')) this.requestUpdate();
  }

  render() {
    const silence_ms = this.state?.silence_ms() ?? 0;
    if (!this.state || silence_ms <= OLD_MS) return html``;
    const n = Math.max(1, this.state.tries);
    if (!this.state.ready()) return html`<div class="wd" role="alert">${icon('x', 20)}<span>${t('dog.never', { n })}</span></div>`;
    return html`<div class="wd" role="alert">${icon('x', 20)}<span>${t('dog.old')} <b class="num" id="old-for">${lasting(silence_ms)}</b> ${t('dog.old_end', { n })}</span>
      <span class="num wd-last">${t('dog.last', { at: clock(now() - silence_ms) })}</span></div>`;
  }
}

customElements.define('sn-watchdog', Watchdog);
