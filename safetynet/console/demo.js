/** `sn-demo`: starts, follows and stops the stories of the made city. It is on the page only where the server serves `/demo.json`. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { isKorean, span, t } from './say.js';

/** @typedef {import('./types.js').StoryRun} StoryRun */
const LOOK_MS = 1_000;

/** What the demo offers, or nothing on a real installation. @returns {Promise<import('./types.js').Demo|null>} */
export async function demo() {
  const answer = await fetch('/demo.json');
  return answer.ok ? answer.json() : null;
}

/** @param {import('./types.js').Demo} made @param {string} path @returns {Promise<boolean>} */
const post = (made, path) => fetch(`${made.panel_url}/${path}`, { method: 'POST' }).then((answer) => answer.ok, () => false);

/** In a real case the device is taken from who is arrested; here somebody has to tell the made city so. @param {import('./types.js').Demo} made @param {string} wearer */
export const arrested = (made, wearer) => post(made, `wearer/${encodeURIComponent(wearer)}/caught`);

export class DemoDrawer extends Light {
  static properties = { demo: { attribute: false }, open: { type: Boolean }, note: { type: String }, runs: { attribute: false } };

  constructor() {
    super();
    /** @type {import('./types.js').Demo|null} */
    this.demo = null;
    this.open = false;
    this.note = '';
    /** @type {StoryRun[]} what the made city says of its stories */
    this.runs = [];
    this.timer = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.timer = window.setInterval(() => { if (this.open || this.#running().length) void this.#look(); }, LOOK_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('demo') && this.demo?.stories.length) void this.#look();
  }

  async #look() {
    const said = await fetch(`${this.demo?.panel_url}/state`).then((answer) => (answer.ok ? answer.json() : null), () => null);
    this.runs = said?.stories ?? [];
  }

  #running() {
    return this.runs.filter((each) => each.seconds !== null);
  }

  /** @param {import('./types.js').Story} story */
  async #start(story) {
    const started = this.demo !== null && await post(this.demo, `story/${story.name}`);
    this.note = started ? '' : t('demo.failed', { name: name(story) });
    await this.#look();
    if (!started) return;
    // The keyboard goes back to the queue: Enter must open the alarm that comes, not press this button again.
    this.open = false;
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    this.tell('sn-started');
  }

  /** @param {import('./types.js').Story} story */
  async #stop(story) {
    if (this.demo) await post(this.demo, `story/${story.name}/stop`);
    await this.#look();
  }

  /** How far it is, and when it is to ring. @param {StoryRun|undefined} run */
  #standing(run) {
    if (!run) return '';
    const ahead = Math.ceil(run.rings_s - (run.seconds ?? 0));
    const wait = ahead > 0 ? t('demo.rings', { span: span(ahead * 1000) }) : '';
    if (run.seconds === null) return wait;
    const step = run.steps[run.step ?? -1];
    const now = run.caught ? t('demo.caught') : step ? step[isKorean() ? 'ko' : 'en'] : '';
    return [t('demo.running', { span: span(run.seconds * 1000) }), now, wait].filter(Boolean).join(' · ');
  }

  render() {
    if (!this.demo?.stories.length) return html``;
    const { stories } = this.demo;
    const of = (/** @type {string} */ story) => this.runs.find((each) => each.name === story);
    const running = stories.filter((each) => of(each.name)?.seconds !== null && of(each.name));
    return html`<section class="demo" aria-label=${t('demo.title')}><button class="btn sm" aria-expanded=${String(this.open)} @click=${() => { this.open = !this.open; if (this.open) void this.#look(); }}>${icon('play', 16)}${t('demo.title')}</button>
      ${this.open ? html`<div class="demo-list"><h2>${t('demo.stories')}</h2>${stories.map((each) => this.#row(each, of(each.name)))}</div>` : running.map((each) => html`<p class="num demo-run"><b>${name(each)}</b> ${this.#standing(of(each.name))}</p>`)}
      <p role="status">${this.note}</p></section>`;
  }

  /** @param {import('./types.js').Story} story @param {StoryRun|undefined} run */
  #row(story, run) {
    const runs = run !== undefined && run.seconds !== null;
    return html`<div class="demo-row"><b>${name(story)}</b><span class="num">${this.#standing(run)}</span>
      <button class="btn sm" data-story=${story.name} aria-label=${`${name(story)} ${t(runs ? 'demo.again' : 'demo.start')}`} @click=${() => void this.#start(story)}>${t(runs ? 'demo.again' : 'demo.start')}</button>
      ${runs ? html`<button class="btn sm" data-stop=${story.name} aria-label=${`${name(story)} ${t('demo.stop')}`} @click=${() => void this.#stop(story)}>${t('demo.stop')}</button>` : ''}</div>`;
  }
}

/** @param {import('./types.js').Story} story */
const name = (story) => (isKorean() ? story.ko : story.en);

customElements.define('sn-demo', DemoDrawer);
