/**
 * `sn-survey`: a city's staff find one of their cameras and say how it stands (`sn-calibrate`). First in the list are those of
 * which nobody knows where they look. Who set it last and why stands beside it; somebody else who was faster is not overwritten.
 */
import { html } from 'lit';
import { Light } from './base.js';
import './calibrate.js';
import { t } from './say.js';

/** @typedef {import('./types.js').Calibrated} Calibrated */
/** @typedef {import('./types.js').Setting} Setting */
/** @typedef {{camera: string, name: string, known: boolean, set: boolean, ptz: boolean}} Row */
const TYPED_MS = 200;

export class Survey extends Light {
  static properties = { start: { attribute: false }, act: { attribute: false }, found: { state: true }, camera: { state: true }, busy: { state: true }, said: { state: true }, undone: { state: true } };

  constructor() {
    super();
    /** The camera that was under the hand. @type {string|null} */
    this.start = null;
    /** Tells the city; answers whether it was done, else why not. @type {(act: string, fields: Record<string, unknown>) => Promise<string|null>} */
    this.act = async () => 'disconnected';
    /** @type {{total: number, unknown: number, rows: Row[]}|null} */
    this.found = null;
    /** @type {Calibrated|null} */
    this.camera = null;
    this.busy = false;
    /** @type {{text: string, failed: boolean}|null} */
    this.said = null;
    /** What was just taken back, so that it can be set again. @type {{setting: Setting|null, reason: string}|null} */
    this.undone = null;
    this.typed = 0;
    this.word = '';
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    this.querySelector('input')?.focus();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.tell('sn-back');
    });
    void this.#find();
    if (this.start) void this.#pick(this.start);
  }

  /** @param {string} path @returns {Promise<any>} null when the city could not be asked: the page then says so */
  async #fetched(path) {
    try {
      const answer = await fetch(path);
      if (answer.ok) return await answer.json();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the browser's word for a line that broke
    }
    this.said = { text: t('survey.unreached'), failed: true };
    return null;
  }

  async #find() {
    const word = this.word;
    const found = await this.#fetched(`/cameras?find=${encodeURIComponent(word)}`);
    if (found && word === this.word) this.found = found;
  }

  /** @param {Event} event */
  #typed(event) {
    this.word = /** @type {HTMLInputElement} */ (event.target).value;
    window.clearTimeout(this.typed);
    this.typed = window.setTimeout(() => void this.#find(), TYPED_MS);
  }

  /** @param {string} id */
  async #pick(id) {
    if (this.camera?.camera !== id) this.undone = null;
    this.camera = await this.#fetched(`/cameras/${encodeURIComponent(id)}`) ?? this.camera;
  }

  /** @param {string} act @param {Record<string, unknown>} fields @param {string} done */
  async #tell(act, fields, done) {
    this.busy = true;
    const no = await this.act(act, fields);
    this.said = no ? { text: t('act.failed', { act: t(`act.${act}`), why: t(`Why.${no}`) }), failed: true } : { text: t(done, { name: this.camera?.name ?? '' }), failed: false };
    await Promise.all([this.#pick(String(fields.camera)), this.#find()]);
    this.busy = false;
    await this.updateComplete;
    // The button that was pressed may have gone dead under the hand: the keyboard goes on beside it.
    if (!this.querySelector('.sv')?.contains(document.activeElement)) window.setTimeout(() => /** @type {HTMLElement|null} */ (this.querySelector('.cal-act .btn:not(:disabled)'))?.focus());
    return !no;
  }

  /** @param {CustomEvent} event */
  async #save({ detail }) {
    const { reason, ...wish } = detail;
    if (await this.#tell('calibrate', { ...wish, because: reason }, 'survey.saved')) this.undone = null;
  }

  /** @param {CustomEvent} event */
  async #undo({ detail }) {
    const was = /** @type {Calibrated} */ (this.camera);
    const undone = was.reason && was.reason !== 'undone' ? { setting: was.setting, reason: was.reason } : null;
    if (await this.#tell('uncalibrate', detail, 'survey.undone')) this.undone = undone;
  }

  #redo() {
    const [camera, again] = [/** @type {Calibrated} */ (this.camera), this.undone];
    if (again) void this.#tell('calibrate', { camera: camera.camera, setting: again.setting, over: camera.setting, because: again.reason }, 'survey.saved').then((done) => { if (done) this.undone = null; });
  }

  /** @param {Row} row */
  #row(row) {
    const here = row.camera === this.camera?.camera;
    return html`<li><button class=${here ? 'sv-row here' : 'sv-row'} aria-current=${here ? 'true' : 'false'} data-camera=${row.camera} @click=${() => void this.#pick(row.camera)}>
      <span>${row.name}<small>${row.camera}</small></span><span class=${row.known ? 'sec2' : 'warn'}>${row.set ? t('survey.by_staff') : row.known ? t('survey.by_list') : t('calibrate.unknown')}</span></button></li>`;
  }

  #rows() {
    if (!this.found) return html`<p class="sec2 sv-none">${t('survey.loading')}</p>`;
    if (!this.found.rows.length) return html`<p class="sec2 sv-none">${t('survey.none')}</p>`;
    const more = this.found.total - this.found.rows.length;
    return html`<ul>${this.found.rows.map((each) => this.#row(each))}</ul>${more ? html`<p class="sec2 sv-none num">${t('survey.more', { n: more })}</p>` : ''}`;
  }

  render() {
    const title = t('calibrate.title');
    return html`<dialog class="dialog survey" aria-label=${title}><div class="p-h"><h2>${title}</h2><span class="num">${this.found ? t('survey.unknown', { n: this.found.unknown }) : ''}</span>
        <span class="r"><button class="btn sm" data-back @click=${() => this.tell('sn-back')}>${t('survey.close')} <kbd>Esc</kbd></button></span></div>
      <div class="sv"><div class="sv-list"><label class="sv-find"><span class="vh">${t('survey.find')}</span><input type="search" maxlength="60" placeholder=${t('survey.find')} @input=${this.#typed}></label>
          <div class="sv-rows" tabindex="0" role="region" aria-label=${t('survey.cameras')}>${this.#rows()}</div></div>
        <div class="sv-one">${this.said ? html`<p class=${this.said.failed ? 'note failed' : 'note'} role="status">${this.said.text}
            ${this.undone ? html`<button class="btn sm" data-redo ?disabled=${this.busy} @click=${this.#redo}>${t('survey.redo')}</button>` : ''}</p>` : ''}
          ${this.camera ? html`<sn-calibrate .camera=${this.camera} .busy=${this.busy} @calibrate-save=${(/** @type {CustomEvent} */ event) => void this.#save(event)} @calibrate-undo=${(/** @type {CustomEvent} */ event) => void this.#undo(event)}></sn-calibrate>`
            : html`<p class="sec2 sv-none">${t('survey.pick')}</p>`}</div></div></dialog>`;
  }
}
customElements.define('sn-survey', Survey);
