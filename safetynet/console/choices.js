/** Choices that are opened and answered once: whom to send (`sn-dispatch`), what came of a call, how it ends (`sn-close`), to whom it goes. */
import { html } from 'lit';
import { Light } from './base.js';
import { acts, label } from './keys.js';
import { lasting, t } from './say.js';

/** How an incident may end, in the order of the keys 1 to 7. */
export const CODES = ['genuine_arrest', 'at_large', 'minor', 'drift', 'device', 'charging', 'permitted'];
export const OUTCOMES = ['answered', 'no_answer', 'refused'];

export class Dispatch extends Light {
  static properties = { units: { attribute: false } };

  constructor() {
    super();
    /** @type {import('./types.js').Unit[]} best first */
    this.units = [];
  }

  render() {
    return html`<div class="sec-h"><h2>${t('dispatch.title')}</h2><span><kbd>${label('office')}</kbd></span></div>
      ${this.units.length ? html`<table class="units"><thead><tr><th scope="col">${t('dispatch.unit')}</th><th scope="col">${t('dispatch.state')}</th><th scope="col">${t('dispatch.arrives')}</th></tr></thead>
        <tbody>${this.units.map((each, i) => html`<tr class=${i === 0 ? 'best' : ''}><td><button class="link" @click=${() => this.tell('sn-order', { unit: each.id })}>${each.name}</button></td>
          <td>${t(`UnitState.${each.state}`)}</td><td class="num">${each.eta_s === null ? '–' : lasting(each.eta_s * 1000)}</td></tr>`)}</tbody></table>` : html`<p>${t('dispatch.none')}</p>`}
      <div class="two"><button class="btn main" @click=${() => this.tell('sn-order', { unit: this.units[0]?.id ?? null })}>${this.units[0] ? t('act.send', { name: this.units[0].name }) : t('act.office')} <kbd>${label('office')}</kbd></button>
      <button class="btn" @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div>`;
  }
}

/** A short list with numbers for keys. */
export class Choice extends Light {
  static properties = { head: { type: String }, items: { attribute: false } };

  constructor() {
    super();
    this.head = '';
    /** @type {{value: string, text: string}[]} */
    this.items = [];
  }

  /** The list takes the keyboard, not an answer in it: its numbers act, and Enter does not yet answer. */
  firstUpdated() {
    this.querySelector('ol')?.focus();
  }

  render() {
    return html`<div class="sec-h"><h2>${this.head}</h2></div><ol class="steps choice" tabindex="-1" aria-label=${this.head}>${this.items.map((each, i) => html`<li><button @click=${() => this.tell('sn-chosen', { value: each.value })}>
      <kbd>${i + 1}</kbd><span>${each.text}</span></button></li>`)}</ol><div class="two"><button class="btn" @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div>`;
  }
}

/** The dialogue itself is the question that closing asks once; Enter lies on the way back. */
export class Close extends Light {
  static properties = { incident: { type: String }, still: { attribute: false } };

  constructor() {
    super();
    this.incident = '';
    /** @type {string[]} what the device still says: it will ring again */
    this.still = [];
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
    return html`<dialog class="dialog" aria-label=${t('act.close')}><div class="p-h"><h2>${t('act.close')}</h2><span class="num">${this.incident}</span></div>
      ${this.still.length ? html`<p class="note failed" role="alert" id="still">${this.still.map((kind) => t(`close.still_${kind}`)).join(' ')} ${t('close.still')}</p>` : ''}
      <div class="blk"><div class="sec-h"><span>${t('close.title')}</span></div><ol class="steps choice">${CODES.map((code, i) => html`<li><button data-code=${code} @click=${() => this.tell('sn-closed', { code })}><kbd>${i + 1}</kbd><span>${t(`Disposition.${code}`)}</span></button></li>`)}</ol></div>
      <div class="blk"><div class="sec-h"><span>${t('close.then')}</span></div><dl class="kv"><dt>${t('close.pictures')}</dt><dd>${t('close.pictures_more')}</dd><dt>${t('close.position')}</dt><dd>${t('close.position_more')}</dd>
        <dt>${t('close.duty')}</dt><dd>${t('close.duty_more')}</dd></dl></div>
      <div class="two"><button class="btn" data-back @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

/** The keys of this screen, and the switch that turns single letters off (WCAG 2.1.4). */
export class Keys extends Light {
  static properties = { letters: { type: Boolean }, rows: { attribute: false } };

  constructor() {
    super();
    this.letters = true;
    /** @type {[string, string][]|null} key and word, where a page has keys of its own */
    this.rows = null;
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.tell('sn-back');
    });
  }

  render() {
    const lettered = acts().filter((each) => each.name !== 'down' && each.name !== 'up').map(({ name }) => [label(name), name]);
    const keys = this.rows ?? [[`${label('down')} ${label('up')} ↑ ↓`, 'move'], ['Enter', 'open'], ...lettered, ['1–9', 'tiles'], ['F6', 'region'], ['Alt+T', 'twin'], ['Esc', 'back'], ['?', 'help']];
    return html`<dialog class="dialog" aria-label=${t('keys.title')}><div class="p-h"><h2>${t('keys.title')}</h2></div><div class="blk kbm">${keys.map(([key, word]) => html`<kbd>${key}</kbd><span>${t(`keys.${word}`)}</span>`)}</div>
      <label class="blk check"><input type="checkbox" .checked=${this.letters} @change=${(/** @type {Event} */ event) => this.tell('sn-letters', { on: /** @type {HTMLInputElement} */ (event.target).checked })}> ${t('keys.on')}</label>
      <div class="two">${this.rows ? '' : html`<button class="btn" data-settings @click=${() => this.tell('sn-settings')}>${t('set.change')}</button>`}<button class="btn" @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-dispatch', Dispatch);
customElements.define('sn-choice', Choice);
customElements.define('sn-close', Close);
customElements.define('sn-keys', Keys);
