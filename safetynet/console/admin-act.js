/** `sn-admin-act`: one change in a dialogue. Its fields and the reason, then in words what saving would do, and only then the saving. */
import { html } from 'lit';
import { ask } from './admin-ask.js';
import { difference, effect, refused } from './admin-words.js';
import { Light } from './base.js';
import { local, moment } from './order-parts.js';
import { t } from './say.js';

/** @typedef {{name: string, label: string, hint?: string, optional?: boolean, type?: string, choices?: [string, string][], pattern?: string, max?: number, value?: number|null}} Field `value`: an instant to begin with */
/** @typedef {{act: string, title: string, about?: string, fields: Field[], fixed: Record<string, unknown>, secret?: 'password'|'key'}} Wish */

const WHY_MIN = 4;
const WHY_MAX = 500;

export class AdminAct extends Light {
  static properties = { wish: { attribute: false }, would: { state: true }, no: { state: true }, busy: { state: true }, secret: { state: true } };

  constructor() {
    super();
    /** @type {Wish|null} */
    this.wish = null;
    /** @type {import('./admin-words.js').Change[]|null} */
    this.would = null;
    this.no = '';
    this.busy = false;
    this.secret = '';
    /** What was previewed: only exactly that is saved. @type {Record<string, unknown>|null} */
    this.said = null;
  }

  firstUpdated() {
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('cancel', (event) => {
      event.preventDefault();
      if (!this.secret) this.tell('sn-act-over', { saved: false });
    });
    /** @type {HTMLElement|null} */ (this.querySelector('input, select, textarea'))?.focus();
  }

  #form() {
    const wish = /** @type {Wish} */ (this.wish);
    const form = new FormData(/** @type {HTMLFormElement} */ (this.querySelector('form')));
    /** @type {Record<string, unknown>} */
    const said = { act: wish.act, ...wish.fixed, why: String(form.get('why') ?? '').trim() };
    for (const field of wish.fields) {
      const value = String(form.get(field.name) ?? '').trim();
      if (field.type === 'datetime-local') said[field.name] = moment(value);
      else if (field.type === 'number') said[field.name] = value ? Number(value) : null;
      else said[field.name] = value;
    }
    return said;
  }

  /** @param {SubmitEvent} event */
  async #preview(event) {
    event.preventDefault();
    this.said = this.#form();
    this.busy = true;
    const answer = await ask('try', this.said);
    this.busy = false;
    this.no = answer.no ? refused(answer) : '';
    this.would = answer.no ? null : answer.would;
    await this.updateComplete;
    /** @type {HTMLElement|null} */ (this.querySelector(this.would ? '.act-save' : '[aria-invalid=true], textarea'))?.focus();
  }

  async #save() {
    if (!this.said || this.busy) return;
    this.busy = true;
    const answer = await ask('do', this.said);
    this.busy = false;
    if (answer.no) {
      this.no = refused(answer);
      this.would = null;
      return;
    }
    if (answer.secret) {
      this.secret = answer.secret;
      await this.updateComplete;
      /** @type {HTMLElement|null} */ (this.querySelector('.act-noted'))?.focus();
    } else this.tell('sn-act-over', { saved: true, act: this.wish?.act, wearer: answer.wearer });
  }

  /** An edit after the preview makes it void. */
  #edited() {
    this.would = null;
    this.no = '';
  }

  render() {
    const wish = this.wish;
    if (!wish) return '';
    return html`<dialog class="dialog act" aria-labelledby="act-title"><div class="p-h"><h2 id="act-title">${wish.title}</h2>${wish.about ? html`<span class="sec2">${wish.about}</span>` : ''}</div>
      ${this.secret ? this.#secret(wish) : html`<form class="act-form" @submit=${this.#preview} @input=${() => this.#edited()}>
        ${wish.fields.map((each) => this.#field(each))}
        <label class="act-why"><span>${t('form.why')}</span><textarea name="why" rows="2" required minlength=${WHY_MIN} maxlength=${WHY_MAX} placeholder=${t('form.why_hint')}></textarea></label>
        ${this.no ? html`<p class="note failed" role="alert">${t('form.failed', { why: this.no })}</p>` : ''}
        ${this.would ? html`<div class="would" role="status"><h3>${t('form.would')}</h3><ul>${this.would.map((each) => html`<li>${effect(each)}${each.differences.length ? html`<ul>${each.differences.map((one) => html`<li>${difference(one)}</li>`)}</ul>` : ''}</li>`)}</ul></div>` : ''}
        <div class="two"><button type="button" class="btn" @click=${() => this.tell('sn-act-over', { saved: false })}>${t('act.back')} <kbd>Esc</kbd></button>
          ${this.would ? html`<button type="button" class="btn main act-save" ?disabled=${this.busy} @click=${() => void this.#save()}>${t('do.save')}</button>`
            : html`<button class="btn main" ?disabled=${this.busy}>${t('do.preview')}</button>`}</div></form>`}</dialog>`;
  }

  /** @param {Wish} wish */
  #secret(wish) {
    return html`<div class="blk" role="status"><p><b>${t('form.saved')}</b></p><p class="sec2">${t('form.secret')}</p>
      <dl class="secret"><dt>${t(`form.${wish.secret ?? 'key'}`)}</dt><dd class="num">${this.secret}</dd></dl></div>
      <div class="two"><button class="btn main act-noted" @click=${() => this.tell('sn-act-over', { saved: true, act: wish.act })}>${t('form.noted')}</button></div>`;
  }

  /** @param {Field} field */
  #field(field) {
    const label = html`<span>${t(field.label)}${field.optional ? html` <em>${t('form.optional')}</em>` : ''}</span>`;
    if (field.choices) {
      return html`<label>${label}<select name=${field.name} required><option value="">${t('form.choose')}</option>${field.choices.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></label>`;
    }
    return html`<label>${label}<input name=${field.name} type=${field.type ?? 'text'} value=${field.value ? local(field.value) : ''} ?required=${!field.optional} maxlength=${field.max ?? 60} pattern=${field.pattern ?? '.*'} autocomplete="off">${field.hint ? html`<small>${t(field.hint)}</small>` : ''}</label>`;
  }
}

customElements.define('sn-admin-act', AdminAct);
