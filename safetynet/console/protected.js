/**
 * The protected person's phone: how near, from which side when the law allows it, where to go, who is coming, and help.
 * It never holds a position of the other person: a ring, a rounded distance and a wide sector are all that comes here.
 * Discreet mode shows a neutral page, makes no sound and trembles in a pattern; a touch opens it for a while.
 */
import { html, render, svg } from 'lit';
import './age.js';
import { everySecond } from './clock.js';
import { icon } from './icons.js';
import { isKorean, metres, speak, spoken, t } from './say.js';
import { Sound } from './sound.js';
import { State, stateUrl } from './state.js';

/** @typedef {import('./types.js').Shield} Shield */
/** @typedef {import('./types.js').Warned} Warned */
const OLD_MS = 5_000;
const OPEN_MS = 30_000;
const STALE_S = 90;
const KEPT = 'safetynet.discreet';
const TREMBLE = [120, 80, 120, 80, 400];
/** @type {Record<string, string>} */
const RINGS = { approach_2k: '2k', approach_1k: '1k', approach_100: '100' };
/** @type {Record<string, number>} */
const PRIORITY = { approach_2k: 3, approach_1k: 2, approach_100: 1 };
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const loud = /** @type {HTMLElement} */ (document.getElementById('loud'));
const state = new State(stateUrl());
const sound = new Sound();
let discreet = localStorage.getItem(KEPT) === 'on';
/** Until when a discreet page is open. */
let open_until = 0;
let failed = false;
/** What was last told by sound and voice: `incident ring`. */
let told = '';

/** @returns {Shield|null} */
const shield = () => state.all.shield.shield ?? null;
const old = () => !state.up || state.silence_ms() > OLD_MS;
const hidden = () => discreet && performance.now() > open_until;

async function help() {
  const answer = await state.do('sos');
  failed = !answer.ok;
  draw();
}

/** @param {Warned} warning @param {'seen'|'safe_place'} word */
async function reply(warning, word) {
  failed = !(await state.do('answer', { incident: warning.incident, answer: word })).ok;
  draw();
}

/** @param {number} deg */
const wind = (deg) => t(`wind.${Math.round(deg / 45) % 8}`);

// --- the drawing --------------------------------------------------------------------------------------------------

const X = 170;
const Y = 158;

/** @param {number} deg clockwise from north @param {number} r */
const at = (deg, r) => [X + r * Math.sin((deg * Math.PI) / 180), Y - r * Math.cos((deg * Math.PI) / 180)].map((v) => v.toFixed(1));

/** @param {{towards_deg: number, width_deg: number, away_deg: number}} sector */
function drawing(sector) {
  const { towards_deg: side, width_deg: width, away_deg: away } = sector;
  const [from, to] = [at(side - width / 2, 137), at(side + width / 2, 137)];
  const head = [at(away, 148), at(away - 9, 122), at(away + 9, 122)].map((each) => each.join(',')).join(' ');
  const [sx, sy] = at(side, 96);
  const [wx, wy] = at(away + 24, 92);
  const [ax, ay] = at(away, 118);
  const label = t('shield.drawing', { side: wind(side), away: wind(away) });
  return html`<svg viewBox="0 0 340 316" role="img" aria-label=${label}>${svg`<circle class="sh-ring" cx=${X} cy=${Y} r="52"></circle><circle class="sh-ring" cx=${X} cy=${Y} r="122"></circle>
    <path class="sh-side" d=${`M${X} ${Y}L${from.join(' ')}A137 137 0 0 1 ${to.join(' ')}Z`}></path>
    <path class="sh-line" d=${`M${X} ${Y}L${ax} ${ay}`}></path><polygon class="sh-way" points=${head}></polygon>
    <circle class="sh-me" cx=${X} cy=${Y} r="24"></circle><text class="me" x=${X} y=${Y + 6}>${t('shield.me')}</text>
    <text x=${X} y="16">${t('wind.0')}</text><text class="side" x=${sx} y=${Number(sy) + 5}>${t('shield.side')}</text>
    <text class="way" x=${wx} y=${Number(wy) + 5}>${t('shield.way')}</text>`}</svg>`;
}

// --- the page -----------------------------------------------------------------------------------------------------

/** @param {{state: string, read: boolean}|null} police */
const police = (police) => (police ? html`<span>${t(police.read ? 'shield.police_read' : 'shield.police_told')}</span>` : '');

/** @param {Shield} all */
const blind = (all) => Boolean(all.lost) || old();

/** Why there is no direction. Of two people so near that their circles of doubt touch, none can be told. @param {Warned} warning @param {string} ring */
function undirected({ near_m, give_m }, ring) {
  if (ring === '2k') return 'shield.direction_far';
  return give_m !== null && give_m * 2 > near_m ? 'shield.direction_near' : 'shield.direction_unknown';
}

/** @param {Shield} all @param {Warned} warning */
function near(all, warning) {
  const ring = RINGS[warning.kind] ?? '1k';
  const away = warning.sector ? wind(warning.sector.away_deg) : '';
  const trend = warning.closing === null ? '' : `, ${t(warning.closing ? 'shield.closing' : 'shield.leaving')}`;
  const where = warning.sector ? `${t('shield.from', { wind: wind(warning.sector.towards_deg) })} ` : '';
  return html`<header class="sh-top"><h1>${t(`shield.ring.${ring}`)}</h1>
      <p class="num">${where}${t('shield.about', { m: metres(warning.near_m) })}${trend}. ${isKorean() ? '' : t('shield.fix')} <sn-age at=${warning.observed_at} limit-s=${STALE_S}></sn-age>${isKorean() ? ` ${t('shield.fix')}` : ''}.</p></header>
    ${strips(all)}
    <div class="sh-dir">${warning.sector ? drawing(warning.sector) : html`<p>${t(undirected(warning, ring))}</p>`}</div>
    <div class="sh-say"><b>${away ? t('shield.go', { wind: away }) : t(ring === '2k' ? 'shield.go_watch' : 'shield.go_people')}</b>
      ${all.called ? '' : police(warning.police)}${all.going ? html`<span>${t(`shield.going.${all.going}`)}</span>` : ''}</div>
    ${warning.give_m ? html`<p class="sh-more num">${t('shield.accuracy', { m: metres(warning.give_m) })}</p>` : ''}`;
}

/** @param {Shield} all */
function strips(all) {
  return html`${all.called ? html`<div class="sh-strip called" role="status"><b>${t('shield.called')}</b> ${police(all.called.police)}</div>` : ''}
    ${all.lost ? html`<div class="sh-strip" role="status"><b>${t('shield.lost')}</b> ${all.lost.police ? t('shield.lost_told') : ''} ${t('shield.lost_do')}</div>` : ''}
    ${old() ? html`<div class="sh-strip" role="status">${t('shield.link')} <a href="tel:112">${t('shield.call')}</a></div>` : ''}
    ${failed ? html`<div class="sh-strip" role="alert">${t('shield.not_sent')} <a href="tel:112">${t('shield.call')}</a></div>` : ''}`;
}

/** Never "no warning" while none could come. @param {Shield} all */
const calm = (all) => html`${strips(all)}<div class="sh-calm">${icon(blind(all) ? 'eyeoff' : 'shield', 44)}<h1>${t(blind(all) ? 'shield.blind' : 'shield.none')}</h1>
  <p class="num">${all.known_at ? html`${t('shield.checked')} <sn-age at=${all.known_at} limit-s=${STALE_S}></sn-age>` : t('shield.never')}</p>${blind(all) ? '' : html`<p>${t('shield.calm')}</p>`}</div>`;

/** @param {Warned|null} warning */
const buttons = (warning) => html`<div class="sh-go"><button class="btn sos" @click=${() => void help()}>${icon('phone', 26)}${t('shield.sos')}</button>
  ${warning ? html`<button class=${warning.answer === 'seen' ? 'btn done' : 'btn'} data-answer="seen" @click=${() => void reply(warning, 'seen')}>${t('shield.seen')}</button>
    <button class=${warning.answer === 'safe_place' ? 'btn done' : 'btn'} data-answer="safe_place" @click=${() => void reply(warning, 'safe_place')}>${t('shield.safe_place')}</button>` : ''}<a class="btn call" href="tel:112">${t('shield.call')}</a></div>`;

const settings = () => html`<div class="sh-set"><button class="link" aria-pressed=${String(discreet)} @click=${quiet}>${t(discreet ? 'shield.discreet_off' : 'shield.discreet_on')}</button>
  <button class="link" @click=${() => speak(isKorean() ? 'en' : 'ko')}>${t('head.language')}</button>
  <button class="link" @click=${() => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/'))}>${t('sign.out')}</button></div>`;

function quiet() {
  discreet = !discreet;
  open_until = 0;
  localStorage.setItem(KEPT, discreet ? 'on' : 'off');
  draw();
}

function draw() {
  const all = shield();
  const warning = all?.warning ?? null;
  tell(warning);
  document.title = t(hidden() ? 'shield.neutral' : 'shield.title');
  if (hidden()) {
    loud.textContent = '';
    render(html`<main class="sh"><div class="sh-note"><h1>${t('shield.neutral')}</h1><p>${t(warning ? 'shield.neutral_new' : 'shield.neutral_none')}</p>
      <button class="btn" data-open @click=${() => { open_until = performance.now() + OPEN_MS; draw(); }}>${t('shield.neutral_open')}</button><a class="btn" data-phone href="tel:112">${t('shield.neutral_phone')}</a></div></main>`, page);
    return;
  }
  render(html`<main class="sh" data-ring=${warning ? RINGS[warning.kind] ?? '1k' : ''}>${!all ? html`<div class="sh-calm"><p>${t('shield.loading')}</p></div>` : warning ? near(all, warning) : calm(all)}
    ${buttons(warning)}${settings()}</main>`, page);
}

/** Says a warning once by voice for those who do not see, and by sound or trembling. @param {Warned|null} warning */
function tell(warning) {
  const priority = warning ? PRIORITY[warning.kind] ?? 2 : 0;
  sound.heed(warning && !discreet ? [{ id: `${warning.incident} ${warning.kind}`, priority, state: warning.answer ? 'acked' : 'unacked' }] : []);
  const what = warning ? `${warning.incident} ${warning.kind}` : '';
  if (what === told) return;
  told = what;
  if (!warning) return;
  if (navigator.userActivation.hasBeenActive) navigator.vibrate?.(TREMBLE);
  loud.textContent = discreet ? '' : `${t(`shield.ring.${RINGS[warning.kind] ?? '1k'}`)} ${t('shield.about', { m: metres(warning.near_m) })}`;
}

state.addEventListener('change', draw);
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
spoken.addEventListener('language', draw);
everySecond(draw);
draw();
state.connect();
