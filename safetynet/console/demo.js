/** `sn-demo`: starts the stories of the made city. It is on the page only where the server serves `/demo.json`. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { isKorean, t } from './say.js';

/** What the demo offers, or nothing on a real installation. @returns {Promise<import('./types.js').Demo|null>} */
export async function demo() {
  const answer = await fetch('/demo.json');
  return answer.ok ? answer.json() : null;
}

export class DemoDrawer extends Light {
  static properties = { demo: { attribute: false }, open: { type: Boolean }, note: { type: String } };

  constructor() {
    super();
    /** @type {import('./types.js').Demo|null} */
    this.demo = null;
    this.open = false;
    this.note = '';
  }

  /** @param {import('./types.js').Story} story */
  async #start(story) {
    const name = isKorean() ? story.ko : story.en;
    const started = await fetch(`${this.demo?.panel_url}/story/${story.name}`, { method: 'POST' }).then((answer) => answer.ok, () => false);
    this.note = t(started ? 'demo.started' : 'demo.failed', { name });
    if (!started) return;
    // The keyboard goes back to the queue: Enter must open the alarm that comes, not press this button again.
    this.open = false;
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    this.tell('sn-started');
  }

  render() {
    if (!this.demo?.stories.length) return html``;
    return html`<section class="demo" aria-label=${t('demo.title')}><button class="btn sm" aria-expanded=${String(this.open)} @click=${() => { this.open = !this.open; }}>${icon('play', 16)}${t('demo.title')}</button>
      ${this.open ? html`<div class="demo-list"><h2>${t('demo.stories')}</h2>${this.demo.stories.map((each) => html`<button class="btn sm" data-story=${each.name} @click=${() => void this.#start(each)}>${isKorean() ? each.ko : each.en}</button>`)}</div>` : ''}
      <p role="status">${this.note}</p></section>`;
  }
}

customElements.define('sn-demo', DemoDrawer);
