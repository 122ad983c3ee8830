/** `sn-provisions`: the city's own provision record, with the eight items that PIPA Decree 15 asks for. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { clock, count, day, megabytes, span, t } from './say.js';

/** @typedef {import('./types.js').Provision} Provision */

export class Provisions extends Light {
  static properties = { rows: { attribute: false }, footage: { attribute: false }, ledger: { type: Number } };

  constructor() {
    super();
    /** @type {Provision[]} newest first */
    this.rows = [];
    /** Past footage that was answered, newest first. @type {import('./types.js').CityFootage[]} */
    this.footage = [];
    this.ledger = 0;
  }

  render() {
    const files = this.footage.filter((each) => each.state !== 'waiting');
    /** @type {[number, unknown][]} */
    const lines = [...this.rows.map((row) => /** @type {[number, unknown]} */ ([row.at, this.#row(row)])), ...files.map((row) => /** @type {[number, unknown]} */ ([row.answered_at ?? row.at, this.#file(row)]))];
    const all = lines.sort((a, b) => b[0] - a[0]).map((each) => each[1]);
    const heads = ['when', 'receiver', 'purpose', 'basis', 'items', 'period', 'form', 'conditions', 'by', 'end'];
    return html`<div class="p-h"><h2>${t('record.title')}</h2><span class="num">${t('record.rows', { n: count(all.length) })} · ${t('record.ledger', { n: count(this.ledger) })}</span>
        <button class="btn sm r" @click=${() => this.tell('sn-back')}>${icon('x', 16)}${t('act.back')} <kbd>Esc</kbd></button></div>
      <div class="sheet-scroll" tabindex="0" role="region" aria-label=${t('record.title')}><p class="file">${t('record.file')}</p>
        ${all.length ? html`<table class="num"><thead><tr>${heads.map((each) => html`<th scope="col">${t(`record.${each}`)}</th>`)}</tr></thead>
        <tbody>${all}</tbody></table>` : html`<div class="calm"><b>${t('record.empty')}</b></div>`}</div>`;
  }

  /** @param {import('./types.js').CityFootage} row */
  #file(row) {
    const refused = row.state === 'denied';
    const at = row.answered_at ?? row.at;
    return html`<tr class=${refused ? 'refused' : ''} data-state=${row.state} data-footage=${row.footage}><td class="nb">${day(at)} ${clock(at)}<br><span class="sec2 nb">${row.incident}</span></td><td>${row.sender_name}</td>
      <td>${t(`footage.city.purpose.${row.basis}`)}</td><td>${t(`FootageBasis.${row.basis}`)}${row.document ? html`<br><span class="sec2">${row.document}</span>` : ''}</td>
      <td>${refused ? '–' : html`${t('record.cameras', { n: row.cameras.length })}<br><span class="sec2">${row.cameras.map((each) => each.camera).join(', ')}</span>`}</td>
      <td class="nb">${day(row.since)}<br>${clock(row.since)} – ${clock(row.until)}</td><td>${refused ? '–' : html`${t('footage.city.form')}${row.files ? html`<br><span class="sec2">${t('footage.city.fetched', { n: row.files, size: megabytes(row.bytes) })}</span>` : ''}`}</td>
      <td>${row.conditions.map((each) => t(`Condition.${each}`)).join(' · ') || '–'}</td><td>${row.by_name ?? '–'}</td>
      <td>${refused ? html`<b>${t('city.refused')}</b> · ${t(`Why.${row.why}`)}` : t(`footage.city.state.${row.state}`)}</td></tr>`;
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
