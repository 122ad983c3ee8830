/** How much rings and why the rest does not: the day's alarm load on the supervisor's page, after ISA-18.2. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { shape } from './icons.js';
import { clock, count, day, lasting, t } from './say.js';

/** @typedef {import('./types.js').LoadRow} LoadRow */
const PRIORITIES = [1, 2, 3, 4];

/** A list of sources, each with how often. @param {string} head @param {LoadRow[]} rows @param {number|null} total @param {string} [more] */
function sources(head, rows, total, more = '') {
  return html`<h3 class="ld-h"><span>${head}</span>${total === null ? '' : html`<b class="num">${count(total)}</b>`}</h3>
    ${rows.length ? html`<table class="units ld-t num"><caption class="vh">${head}</caption><thead class="vh"><tr><th scope="col">${t('load.who')}</th><th scope="col">${t('load.kind')}</th><th scope="col">${t('load.count')}</th></tr></thead>
      <tbody>${rows.map((each) => html`<tr><th scope="row">${each.who}</th><td>${t(`AlarmKind.${each.kind}`)}</td><td>${t('load.times', { n: count(each.count) })}</td></tr>`)}</tbody></table>` : ''}
    ${more ? html`<p class="sec2 num ld-more">${more}</p>` : ''}`;
}

/** @param {number} part @param {number} of */
const percent = (part, of) => t('load.share', { n: of ? Math.round((100 * part) / of) : 0 });

/** @param {import('./types.js').Load} found @param {{acceptable: number, manageable: number, flood: number}} limits */
export function load(found, limits) {
  const mean = found.per_person_mean;
  const level = mean > limits.flood ? 'flood' : mean > limits.manageable ? 'over' : mean > limits.acceptable ? 'many' : 'good';
  const held = Object.entries(found.held);
  return html`<section class="blk" id="load" aria-label=${t('load.title')}><div class="sec-h"><h2>${t('load.title')}</h2><span>${t('load.of_day')}</span></div>
    <dl class="sp-figures num"><dt>${t('load.per_person')}</dt><dd><b class="sp-big ${level}">${mean.toFixed(1)}</b> <b class=${level === 'over' || level === 'flood' ? 'sp-warn' : ''}>${t(`super.level_${level}`)}</b>
        <span>${t('load.mean_peak', { peak: found.per_person_peak.toFixed(1) })}</span></dd>
      <dt>${t('load.raw')}</dt><dd><b>${count(found.raised)}</b><span>${t('super.operators', { n: found.operators })}</span></dd>
      <dt>${t('load.shown')}</dt><dd><b>${count(found.rung)}</b><span>${percent(found.rung, found.raised)}</span></dd>
      <dt>${t('load.held')}</dt><dd><b>${count(held.reduce((sum, [, n]) => sum + n, 0))}</b>${held.map(([why, n]) => html`<span>${t(`Suppression.${why}`)} ${count(n)}</span>`)}</dd>
      <dt>${t('load.unexplained')}</dt><dd><b class=${found.unexplained ? 'sp-warn' : ''}>${count(found.unexplained)}</b>${found.unexplained ? html`<span>${t('load.unexplained_more')}</span>` : ''}</dd>
      <dt>${t('load.floods')}</dt><dd><b class=${found.floods ? 'sp-warn' : ''}>${count(found.floods)}</b><span>${t('load.windows', { all: found.windows })}</span></dd>
      <dt>${t('load.answer')}</dt><dd>${found.answer_ms_p50 === null ? html`<span>${t('super.time_none')}</span>` : html`<b>${lasting(found.answer_ms_p50)}</b><span>${t('load.p50_p95', { p95: lasting(found.answer_ms_p95 ?? 0) })}</span>`}</dd>
      <dt>${t('load.priorities')}</dt><dd class="ld-p">${PRIORITIES.map((each) => html`<span>${shape(each, 14, false)} <b>${count(found.priorities[each] ?? 0)}</b></span>`)}</dd>
    </dl>
    ${sources(t('load.top'), found.top, null, found.top.length ? t('load.top_share', { n: Math.round(100 * found.top_share) }) : '')}
    ${sources(t('load.chattering'), found.chattering_list, found.chattering)}
    ${sources(t('load.stale'), found.stale_list, found.stale)}
    <p class="ld-go"><a class="btn sm" href="/alarms/load.csv" download>${t('load.csv')}</a> <button class="btn sm" id="suppressed" @click=${(/** @type {Event} */ event) => event.target?.dispatchEvent(new CustomEvent('sn-suppressed', { bubbles: true }))}>${t('load.suppressed')}</button></p></section>`;
}

/** @typedef {{alarm: string, kind: string, raised_at: number, why: string, count: number, became: string, rung_at: number|null}} Held */
/** So many rows are drawn; the table to download has them all. */
const ROWS_MAX = 300;

/** What became of it. @param {Held} each */
const became = ({ became: word }) => (word === 'held' || word === 'normal' ? t(`load.became_${word}`) : t('load.became_rung', { why: t(`Surfacing.${word}`) }));

/** `sn-suppressed`: every alarm that was held back, with its reason and what became of it. No person is named. */
export class Suppressed extends Light {
  static properties = { found: { attribute: false } };

  constructor() {
    super();
    /** @type {{rows: Held[], total: number, reasons: Record<string, number>}|null} */
    this.found = null;
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
    const found = this.found;
    const more = found ? found.total - Math.min(found.rows.length, ROWS_MAX) : 0;
    return html`<dialog class="dialog ld-dialog" aria-label=${t('load.suppressed')}><div class="p-h"><h2>${t('load.suppressed')}</h2><span class="num">${found ? count(found.total) : ''}</span></div>
      ${found?.rows.length ? html`<p class="blk num">${Object.entries(found.reasons).map(([why, n]) => html`<span class="grp">${t(`Suppression.${why}`)} ${count(n)}</span> `)}</p>
      <div class="ld-list" tabindex="0" role="region" aria-label=${t('load.suppressed')}><table class="units num"><thead><tr>${['at', 'kind', 'why', 'count', 'became'].map((each) => html`<th scope="col">${t(`load.${each}`)}</th>`)}</tr></thead>
        <tbody>${found.rows.slice(0, ROWS_MAX).map((each) => html`<tr><td>${day(each.raised_at)} ${clock(each.raised_at)}</td><td>${t(`AlarmKind.${each.kind}`)}</td><td>${t(`Suppression.${each.why}`)}</td><td>${count(each.count)}</td><td>${became(each)}</td></tr>`)}</tbody></table></div>
      ${more > 0 ? html`<p class="blk sec2 num">${t('load.more', { n: count(more) })}</p>` : ''}` : html`<p class="blk">${t(found ? 'load.list_none' : 'load.failed')}</p>`}
      <div class="two"><button class="btn" data-back @click=${() => this.tell('sn-back')}>${t('act.back')} <kbd>Esc</kbd></button></div></dialog>`;
  }
}

customElements.define('sn-suppressed', Suppressed);
