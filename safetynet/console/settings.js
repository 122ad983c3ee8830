/** `sn-settings`: a person's keys (WCAG 2.1.4) and a seat's loudness. What is changed acts at once and is kept on this machine. */
import { html } from 'lit';
import { Light } from './base.js';
import { acts, bound, label, letters, move, restore, switchLetters } from './keys.js';
import { t } from './say.js';
import { FLOOR, SOUNDS } from './sound.js';

export class Settings extends Light {
  static properties = { sound: { attribute: false }, player: { type: String }, waits: { type: String }, note: { type: String } };

  constructor() {
    super();
    /** @type {import('./sound.js').Sound|null} */
    this.sound = null;
    /** How pictures are played here, or nothing before the first. */
    this.player = '';
    /** The act whose new key is awaited. */
    this.waits = '';
    this.note = '';
  }

  connectedCallback() {
    super.connectedCallback();
    bound.addEventListener('change', this.redraw);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    bound.removeEventListener('change', this.redraw);
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      if (!this.waits) this.tell('sn-back');
    });
    dialog?.addEventListener('keydown', (event) => this.#pressed(event), { capture: true });
  }

  /** While a new key is awaited, every key is the answer. @param {KeyboardEvent} event */
  #pressed(event) {
    if (!this.waits || ['Tab', 'ShiftLeft', 'ShiftRight', 'AltLeft', 'AltRight', 'ControlLeft', 'ControlRight'].includes(event.code)) return;
    event.preventDefault();
    event.stopPropagation();
    const name = this.waits;
    if (event.code === 'Escape') {
      this.#say(name, t('set.kept'));
      return;
    }
    const no = move(name, event.code);
    if (no === 'reserved') this.note = t('set.reserved');
    else if (no) this.note = t('set.taken', { key: label(no), act: t(`keys.${no}`) });
    else this.#say(name, t('set.moved', { act: t(`keys.${name}`), key: label(name) }));
  }

  /** @param {string} name @param {string} said */
  #say(name, said) {
    this.waits = '';
    this.note = said;
    void this.updateComplete.then(() => /** @type {HTMLElement|null} */ (this.querySelector(`[data-move=${name}]`))?.focus());
  }

  /** @param {string} name @param {Event} event */
  #level(name, event) {
    this.sound?.level(name, Number(/** @type {HTMLInputElement} */ (event.target).value));
    this.requestUpdate();
  }

  render() {
    return html`<dialog class="dialog wide" aria-label=${t('set.title')}><div class="p-h"><h2>${t('set.title')}</h2></div><div class="set-body">
      <section class="blk" aria-label=${t('set.keys')}><div class="sec-h"><h2>${t('set.keys')}</h2><span>${t('set.where')}</span></div>
        <ul class="moves">${acts().map(({ name, moved }) => html`<li><span>${t(`keys.${name}`)}</span><kbd class=${moved ? 'moved' : ''}>${this.waits === name ? '…' : label(name)}</kbd>
          <button class="btn sm" data-move=${name} aria-label=${t('set.move_of', { act: t(`keys.${name}`) })} @click=${() => { this.waits = name; this.note = t('set.press', { act: t(`keys.${name}`) }); }}>${t('set.move')}</button></li>`)}</ul>
        <p class="set-note" role="status">${this.note}</p>
        <div class="set-row"><label class="check"><input type="checkbox" .checked=${letters()} @change=${(/** @type {Event} */ event) => switchLetters(/** @type {HTMLInputElement} */ (event.target).checked)}> ${t('keys.on')}</label>
          <button class="btn sm" data-restore @click=${() => { restore(); this.note = t('set.restored'); }}>${t('set.restore')}</button></div></section>
      <section class="blk" aria-label=${t('set.sound')}><div class="sec-h"><h2>${t('set.sound')}</h2><span>${t('set.floor', { n: FLOOR['1'] })}</span></div>
        <ul class="levels">${SOUNDS.map((name) => html`<li><label for=${`level-${name}`}>${t(`set.tone_${name}`)}</label>
          <input type="range" id=${`level-${name}`} min=${FLOOR[name]} max="100" step="5" .value=${String(this.sound?.levels[name] ?? 100)} @input=${(/** @type {Event} */ event) => this.#level(name, event)}>
          <span class="num">${this.sound?.levels[name] ?? 100} %</span><button class="btn sm" aria-label=${t('set.try_of', { tone: t(`set.tone_${name}`) })} @click=${() => this.sound?.once(name)}>${t('set.try')}</button></li>`)}</ul></section>
      <section class="blk last" aria-label=${t('set.player')}><div class="sec-h"><h2>${t('set.player')}</h2></div><p id="player-kind">${this.player ? t(`player.${this.player}`) : t('player.unknown')}</p></section></div>
      <div class="two"><button class="btn" data-back @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-settings', Settings);
