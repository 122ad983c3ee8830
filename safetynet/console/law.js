/** The law table: who may be looked for on which ground, line by line as the centre's own table has it. Nothing of it stands here. */
import { html, render } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { byPriority, unanswered } from './header.js';
import { icon } from './icons.js';
import { TEXT } from './messages.js';
import { count, isKorean, metres, speak, spoken, t } from './say.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import './watchdog.js';

/** @typedef {{word: string, article_ko: string, article_en: string}} Route */
/** @typedef {{class: string, kind: string, article_ko: string, article_en: string, police_at_once: boolean, basis: string|null, why?: string, routes?: Route[],
 *   purpose?: string, minutes_max?: number, cameras_max?: number, radius_m_max?: number, conditions?: string[]}} Line */
/** @typedef {{version: number, worded_on: string, reviewed_by: string|null, act_ko: string, act_en: string, lines: Line[],
 *   field: {article_ko: string, article_en: string, conditions: string[]}}} Table */

const state = new State(stateUrl());
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const seen = {
  /** @type {Table|null} */
  table: null,
  failed: false,
  class: '',
  kind: '',
  /** @type {''|'yes'|'no'} */
  answer: '',
};
const me = () => Object.values(state.all.me)[0] ?? null;
/** @param {{article_ko: string, article_en: string}} each */
const article = (each) => (isKorean() ? each.article_ko : each.article_en);

async function load() {
  seen.failed = false;
  draw();
  try {
    const answer = await fetch('/law.json');
    if (answer.status === 401) return location.replace('/');
    if (!answer.ok) throw new Error(String(answer.status));
    seen.table = await answer.json();
  } catch {
    seen.failed = true;
  }
  draw();
}

/** @param {Line} line */
const wanted = (line) => (!seen.class || line.class === seen.class) && (!seen.kind || line.kind === seen.kind) && (!seen.answer || (seen.answer === 'yes') === (line.basis !== null));

function draw() {
  render(layout(), page);
  const title = `${t('lawtable.title')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const waiting = unanswered(state.all.alarms);
  return html`<sn-header .me=${me()} .counts=${byPriority(waiting)} .links=${[]} .loud=${null}></sn-header><sn-watchdog .state=${state}></sn-watchdog>
    ${waiting.length ? html`<div class="strip" role="status" id="waiting">${t('archive.waiting', { n: count(waiting.length) })} <a class="link" href="/operator">${t('archive.back')}</a></div>` : ''}
    <main class="desk law-desk"><section class="pane" aria-label=${t('lawtable.title')}>
      <div class="p-h lw-top"><h1>${t('lawtable.title')}</h1>${seen.table ? html`<span class="num">${standing(seen.table)}</span>` : ''}
        <span class="lw-go"><button class="btn sm" data-print ?disabled=${!seen.table} @click=${() => window.print()}>${icon('doc', 16)} ${t('lawtable.print')}</button><a class="btn sm" href="/operator">${t('lawtable.desk')}</a></span></div>
      ${seen.table ? body(seen.table) : seen.failed ? html`<div class="blk lw-state" role="alert"><p>${t('lawtable.failed')}</p><button class="btn" data-again @click=${() => void load()}>${t('lawtable.again')}</button></div>` : html`<p class="blk lw-state sec2">${t('lawtable.loading')}</p>`}</section></main>`;
}

/** @param {Table} table */
function standing(table) {
  return html`${t('lawtable.version', { n: table.version })} · ${t('lawtable.worded_on', { day: table.worded_on })} · <b class=${table.reviewed_by ? '' : 'lw-un'}>${table.reviewed_by ? t('lawtable.reviewed', { name: table.reviewed_by }) : t('lawtable.unreviewed')}</b>`;
}

/** @param {Table} table */
function body(table) {
  const lines = table.lines.filter(wanted);
  const classes = [...new Set(lines.map((each) => each.class))];
  return html`<div class="lw-find">${choice('class', 'WearerClass', [...new Set(table.lines.map((each) => each.class))])}${choice('kind', 'AlarmKind', [...new Set(table.lines.map((each) => each.kind))])}${choice('answer', 'lawtable', ['yes', 'no'])}
      <span class="num" role="status">${t('lawtable.shown', { n: lines.length })}</span></div>
    <div class="lw-body" tabindex="0" role="region" aria-label=${t('lawtable.title')}>
      <p class="lw-act"><b>${isKorean() ? table.act_ko : table.act_en}</b> ${t('lawtable.about')}</p>
      ${lines.length ? html`<table class="lw-table"><thead><tr>${['kind', 'answer', 'basis', 'who', 'minutes', 'cameras', 'conditions'].map((each) => html`<th scope="col">${t(`lawtable.${each}`)}</th>`)}</tr></thead>
        ${repeat(classes, (each) => each, (each) => html`<tbody><tr class="lw-class"><th scope="rowgroup" colspan="7">${t(`WearerClass.${each}`)}</th></tr>${lines.filter((line) => line.class === each).map(row)}</tbody>`)}</table>` : html`<p class="lw-state">${t('lawtable.none')}</p>`}
      <section class="lw-field"><h2>${t('lawtable.field')}</h2><p>${t('lawtable.field_more')} · ${table.field.conditions.map((each) => t(`Condition.${each}`)).join(' · ')}</p><p class="sec2">${article(table.field)}</p></section></div>`;
}

/** @param {'class'|'kind'|'answer'} name @param {string} words @param {string[]} values */
function choice(name, words, values) {
  return html`<label>${t(`lawtable.${name}`)}<select name=${name} @change=${(/** @type {Event} */ event) => { Object.assign(seen, { [name]: /** @type {HTMLSelectElement} */ (event.target).value }); draw(); }}>
    <option value="">${t('lawtable.all')}</option>${values.map((each) => html`<option value=${each} ?selected=${seen[name] === each}>${t(`${words}.${each}`)}</option>`)}</select></label>`;
}

/** @param {Line} line */
function row(line) {
  const police = line.police_at_once ? html`<span class="lw-police">${t('lawtable.police')}</span>` : '';
  if (line.basis === null) {
    return html`<tr class="lw-no"><th scope="row">${t(`AlarmKind.${line.kind}`)}</th><td><span class="lw-mark">${icon('x', 14)} ${t('lawtable.no')}</span></td><td><b>${t(`Why.${line.why}`)}</b><span>${article(line)}</span></td><td>${t('lawtable.nobody')}</td><td>–</td><td>–</td>
      <td>${police}<ul>${(line.routes ?? []).map((each) => html`<li>${t(`Route.${each.word}`)} <span>${article(each)}</span></li>`)}</ul></td></tr>`;
  }
  return html`<tr><th scope="row">${t(`AlarmKind.${line.kind}`)}</th><td><span class="lw-mark yes">${icon('check', 14)} ${t('lawtable.yes')}</span></td><td><b class="num">${line.basis}</b><span>${article(line)}</span><span>${t(`LegalPurpose.${line.purpose}`)}</span></td><td>${t('lawtable.opens')}</td>
    <td class="num">${t('lawtable.minutes_n', { n: line.minutes_max ?? 0 })}</td><td class="num">${t('lawtable.reach', { n: line.cameras_max ?? 0, m: metres(line.radius_m_max ?? 0) })}</td>
    <td>${police}${(line.conditions ?? []).map((each) => t(`Condition.${each}`)).join(' · ')}</td></tr>`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); theme(); draw(); });
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));
state.addEventListener('change', draw);
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
spoken.addEventListener('language', draw);

void document.fonts.load('400 14px Pretendard');
void load();
state.connect();
/** For the window's own tests: words of the table that have no text. */
Object.assign(window, { safetynet: { state, texts: TEXT } });
