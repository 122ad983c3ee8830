/** `sn-provisions`: the city's own provision record, with the eight items that PIPA Decree 15 asks for. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { clock, count, day, span, t } from './say.js';

/** @typedef {import('./types.js').Provision} Provision */

export class Provisions extends Light {
  static properties = { rows: { attribute: false }, ledger: { type: Number } };

  constructor() {
    super();
    /** @type {Provision[]} newest first */
    this.rows = [];
    this.ledger = 0;
  }

  render() {
    const heads = ['when', 'receiver', 'purpose', 'basis', 'items', 'period', 'form', 'conditions', 'by', 'end'];
    return html`<div class="p-h"><h2>${t('record.title')}</h2><span class="num">${t('record.rows', { n: count(this.rows.length) })} · ${t('record.ledger', { n: count(this.ledger) })}</span>
        <button class="btn sm r" @click=${() => this.tell('sn-back')}>${icon('x', 16)}${t('act.back')} <kbd>Esc</kbd></button></div>
      <div class="sheet-scroll" tabindex="0" role="region" aria-label=${t('record.title')}><p class="file">${t('record.file')}</p>
        ${this.rows.length ? html`<table class="num"><thead><tr>${heads.map((each) => html`<th scope="col">${t(`record.${each}`)}</th>`)}</tr></thead>
        <tbody>${this.rows.map((each) => this.#row(each))}</tbody></table>` : html`<div class="calm"><b>${t('record.empty')}</b></div>`}</div>`;
  }

  /** @param {Provision} row */
  #row(row) {
    const refused = row.state === 'refused';
    const who = row.by_name ?? (refused ? '–' : t('city.by_policy'));
    const review = row.unreviewed ? t('record.unreviewed') : row.reviewed_by_name ? t('record.reviewed', { name: row.reviewed_by_name }) : '';
    const ended = row.ended_at ? `${clock(row.ended_at)} · ${t(`Why.${row.why}`)}${row.ended_by_name ? ` · ${row.ended_by_name}` : ''}` : t('record.running');
    return html`<tr class=${refused ? 'refused' : ''} data-state=${row.state}><td class="nb">${day(row.at)} ${clock(row.at)}<br><span class="sec2 nb">${row.incident}</span></td><td>${row.receiver_name}</td>
      <td>${t('record.purpose_swift')}</td><td>${row.basis ? t(`Basis.${row.basis}`) : '–'}</td>
      <td>${refused ? '–' : html`${t('record.cameras', { n: row.cameras.length })}<br><span class="sec2">${row.cameras.slice(0, 3).join(', ')}${row.cameras.length > 3 ? ' …' : ''}</span>`}</td>
      <td class="nb">${refused || !row.until ? '–' : span((row.ended_at ?? row.until) - row.at)}</td><td>${refused ? '–' : t('record.live')}</td>
      <td>${row.conditions.map((each) => t(`Condition.${each}`)).join(' · ') || '–'}</td>
      <td>${who}${review ? html`<br><span class="sec2">${review}</span>` : ''}${row.watched ? html`<br><span class="sec2">${t('record.watched')}</span>` : ''}</td>
      <td>${refused ? html`<b>${t('city.refused')}</b> · ${t(`Why.${row.why}`)}` : ended}</td></tr>`;
  }
}

customElements.define('sn-provisions', Provisions);
