/** `sn-provisions`: the city's own provision record, with the eight items that PIPA Decree 15 asks for. */
import { html } from 'lit';
import { Light } from './base.js';
import { icon } from './icons.js';
import { clock, count, day, megabytes, span, t } from './say.js';

/** @typedef {import('./types.js').Provision} Provision */

/** How many cameras, and how many at one time where the set moved. @param {Provision} row */
export const scope = ({ cameras, at_once }) => (cameras.length > at_once && at_once ? t('record.at_once', { n: cameras.length, most: at_once }) : t('record.cameras', { n: cameras.length }));

/** What stands in each column, as text. @param {Provision} row @returns {string[]} */
function cells(row) {
  const refused = row.state === 'refused';
  const until = row.ended_at ?? row.until;
  return [
    `${day(row.at)} ${clock(row.at)}`, row.incident, row.receiver_name, t('record.purpose_swift'), row.basis ? t(`Basis.${row.basis}`) : '',
    refused ? '' : scope(row), refused ? '' : row.cameras.join('; '), refused || !until ? '' : `${clock(row.at)} – ${clock(until)}`, refused ? '' : t('record.live'),
    row.conditions.map((each) => t(`Condition.${each}`)).join(' · '), row.by_name ?? (refused ? '' : t('city.by_policy')), ending(row),
  ];
}

/** @param {Provision} row */
function ending(row) {
  if (row.state === 'refused') return `${t('city.refused')} · ${t(`Why.${row.why}`)}`;
  return row.ended_at ? `${clock(row.ended_at)} · ${t(`Why.${row.why}`)}${row.ended_by_name ? ` · ${row.ended_by_name}` : ''}` : t('record.running');
}

/** A field that a spreadsheet neither splits nor takes for a formula. @param {string} text */
const quoted = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/** The record as a file for a spreadsheet, in the language of the screen. @param {Provision[]} rows */
export function csv(rows) {
  const heads = ['when', 'incident', 'receiver', 'purpose', 'basis', 'items', 'names', 'period', 'form', 'conditions', 'by', 'end'].map((each) => t(`record.${each}`));
  return `\ufeff${[heads, ...rows.map(cells)].map((line) => line.map(quoted).join(',')).join('\r\n')}\r\n`;
}

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
        <button class="btn sm r" data-csv ?disabled=${!this.rows.length} @click=${() => this.#save()}>${icon('doc', 16)}${t('record.csv')}</button>
        <button class="btn sm" @click=${() => this.tell('sn-back')}>${icon('x', 16)}${t('act.back')} <kbd>Esc</kbd></button></div>
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

  #save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csv(this.rows)], { type: 'text/csv;charset=utf-8' }));
    link.download = `${t('record.file_name')}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** @param {Provision} row */
  #row(row) {
    const refused = row.state === 'refused';
    const who = row.by_name ?? (refused ? '–' : t('city.by_policy'));
    const review = row.unreviewed ? t('record.unreviewed') : row.reviewed_by_name ? t('record.reviewed', { name: row.reviewed_by_name }) : '';
    const until = row.ended_at ?? row.until;
    return html`<tr class=${refused ? 'refused' : ''} data-state=${row.state}><td class="nb">${day(row.at)} ${clock(row.at)}<br><span class="sec2 nb">${row.incident}</span></td><td>${row.receiver_name}</td>
      <td>${t('record.purpose_swift')}</td><td>${row.basis ? t(`Basis.${row.basis}`) : '–'}</td>
      <td>${refused ? '–' : html`<details><summary>${scope(row)}</summary><ul>${row.cameras.map((each) => html`<li>${each}</li>`)}</ul></details>`}</td>
      <td class="nb">${refused || !until ? '–' : html`${clock(row.at)} –<br>${clock(until)}${row.ended_at ? '' : html` <span class="sec2">${t('record.at_most')}</span>`}`}</td><td>${refused ? '–' : t('record.live')}</td>
      <td>${row.conditions.map((each) => t(`Condition.${each}`)).join(' · ') || '–'}</td>
      <td>${who}${review ? html`<br><span class="sec2">${review}</span>` : ''}${row.watched ? html`<br><span class="sec2">${t('record.watched')}</span>` : ''}</td>
      <td>${ending(row)}</td></tr>`;
  }
}

customElements.define('sn-provisions', Provisions);
