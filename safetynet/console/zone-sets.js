/** Shared sets of forbidden places: which edition is in force, for how many it counts, and what waits for a second person. */
import { html } from 'lit';
import { instant } from './admin-words.js';
import { count, t } from './say.js';

/**
 * @typedef {{set: string, name: string, edition: number, count: number, at: number|null, by_name: string|null, wearers: number,
 *   draft: {draft: string, edition: number, name: string, count: number, by_name: string, why: string, at: number, apart: boolean}|null}} ZoneSet
 */

/** @param {ZoneSet[]} all @param {string[]} holidays @param {(text: string) => boolean} fits @param {(wish: import('./admin-act.js').Wish) => void} ask */
export function zoneSets(all, holidays, fits, ask) {
  const rows = all.filter((each) => fits(`${each.set} ${each.name}`));
  const wish = (/** @type {ZoneSet} */ each, /** @type {string} */ act) => ask({ act, title: t(`do.${act}`), about: `${each.name} · ${t('order.version', { n: each.draft?.edition ?? '' })}`, fields: [], fixed: { set: each.set, draft: each.draft?.draft } });
  const waits = (/** @type {ZoneSet} */ each) => (each.draft ? html`<span class="due">${t('zones.waits', { n: each.draft.edition, count: count(each.draft.count), by: each.draft.by_name })}</span><small>${instant(each.draft.at)} · ${each.draft.why}</small>` : '–');
  return html`<div class="ad-scroll" tabindex="0" role="group" aria-label=${t('tab.sets')}>${rows.length ? html`<table><thead><tr>${['zones.set', 'zones.edition', 'zones.count', 'zones.orders', 'zones.draft', 'col.acts'].map((each) => html`<th scope="col">${t(each)}</th>`)}</tr></thead>
    <tbody>${rows.map((each) => html`<tr data-set=${each.set}><th scope="row">${each.name}<small class="num">${each.set}</small></th><td>${each.edition ? html`${t('order.version', { n: each.edition })}<small>${each.at === null ? '' : `${instant(each.at)} · ${each.by_name ?? ''}`}</small>` : t('zones.not_yet')}</td>
      <td class="num">${count(each.count)}</td><td class="num">${count(each.wearers)}</td><td>${waits(each)}</td>
      <td class="ad-acts">${each.draft ? html`${each.draft.apart ? html`<button class="btn sm" data-act="enter_zones" @click=${() => wish(each, 'enter_zones')}>${t('do.enter_zones')}</button>` : html`<span class="sec2">${t('No.same_hand')}</span> `}
        <button class="btn sm" @click=${() => wish(each, 'withdraw_zones')}>${t('do.withdraw_zones')}</button>` : ''}</td></tr>`)}</tbody></table>` : html`<p class="ad-empty">${t('zones.none')}</p>`}
    <section class="ad-days"><h3>${t('holidays.title', { n: holidays.length })}</h3><p class="sec2">${t(holidays.length ? 'holidays.said' : 'holidays.none')}</p>
      ${holidays.length ? html`<ul>${holidays.map((each) => html`<li class="num">${each}</li>`)}</ul>` : ''}</section></div>`;
}
