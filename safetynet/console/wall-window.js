/** The wall in a window of its own: the law strip and up to nine pictures of an incident that one leads, a tab for each. */
import { html, render } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import './age.js';
import { everySecond } from './clock.js';
import './header.js';
import { shape } from './icons.js';
import { act as keyAct, bound, keysOf } from './keys.js';
import { isKorean, speak, spoken, t } from './say.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import { SLOTS, SLOTS_MAX, Views } from './views.js';
import './wall.js';
import { CHANNEL, keepPlace } from './wall-place.js';
import './watchdog.js';

/** @typedef {import('./types.js').Incident} Incident */

const state = new State(stateUrl());
const views = new Views(loadPlayer, SLOTS);
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
/** The desk says here which incident it has in hand. */
const desk = new BroadcastChannel(CHANNEL);
const seen = {
  /** @type {string|null} */
  open: null,
  failed: '',
};
const me = () => Object.values(state.all.me)[0] ?? null;

async function loadPlayer() {
  const path = '/console/player/player.js';
  const { Player } = await import(path);
  const player = new Player();
  player.connect(me()?.video_url ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${Number(location.port) + 2}/video`);
  return player;
}

/** Open incidents that this person leads, the most urgent first. */
const led = () => Object.values(state.all.incidents).filter((each) => each.state === 'claimed' && each.owner === me()?.person)
  .sort((a, b) => a.priority - b.priority || a.opened_at - b.opened_at);
const incident = () => led().find((each) => each.id === seen.open) ?? null;

/** @param {string|null} id */
function open(id) {
  seen.open = id;
  seen.failed = '';
  look();
}

/** What is in hand and no longer led is left at once: its pictures are the next person's. */
function look() {
  if (!incident()) seen.open = led()[0]?.id ?? null;
  const at = incident();
  views.resize((at?.video.cameras.length ?? 0) > SLOTS ? SLOTS_MAX : SLOTS);
  views.show(at);
  draw();
}

async function ask() {
  const at = incident();
  if (!at) return;
  views.expect();
  const answer = await state.do('video', { incident: at.id });
  seen.failed = answer.ok ? '' : t('act.failed', { act: t('act.video'), why: t(`Why.${answer.no}`) });
  draw();
}

/** @param {number} slot */
function enlarge(slot) {
  views.enlarged = views.enlarged === slot ? null : slot;
  look();
}

/** @param {number} n from 1; the same again makes it large */
function press(n) {
  const tile = /** @type {HTMLElement|undefined} */ (page.querySelectorAll('sn-tile')[n - 1]);
  if (!tile) return;
  if (document.activeElement === tile || (views.enlarged !== null && views.enlarged !== n - 1)) enlarge(n - 1);
  tile.focus();
}

/** From one tab to the next. @param {1|-1} by */
function step(by) {
  const all = led();
  const at = all.findIndex((each) => each.id === seen.open);
  const next = all[(at + by + all.length) % all.length];
  if (!next) return;
  const tabbed = document.activeElement?.matches('.ww-tab');
  open(next.id);
  if (tabbed) /** @type {HTMLElement|null} */ (page.querySelector(`.ww-tab[data-incident="${next.id}"]`))?.focus();
}

window.addEventListener('keydown', (event) => {
  const onTab = /** @type {HTMLElement} */ (event.target).closest?.('.ww-tab');
  if (onTab && (event.code === 'ArrowRight' || event.code === 'ArrowLeft')) {
    event.preventDefault();
    return step(event.code === 'ArrowRight' ? 1 : -1);
  }
  const name = keyAct(event);
  /** @type {Record<string, () => void>} */
  const does = { video: () => void ask(), equal: back, back, down: () => step(1), up: () => step(-1) };
  if (!name || !(name.startsWith('digit:') || name in does)) return;
  event.preventDefault();
  if (name.startsWith('digit:')) press(Number(name.slice('digit:'.length)));
  else does[name]();
});

function back() {
  if (views.enlarged !== null) enlarge(views.enlarged);
}

// --- what is seen --------------------------------------------------------------------------------------------------

function draw() {
  render(layout(), page);
  const at = incident();
  const title = `${at ? `${t(`AlarmKind.${at.kind}`)} · ` : ''}${t('wallwindow.title')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const user = me();
  const at = incident();
  const all = led();
  const viewer = [user?.seat ? t('seat', { seat: user.seat }) : '', user?.name ?? ''].filter(Boolean).join(' ');
  return html`<sn-header .me=${user} .note=${t('wallwindow.title')} .links=${Object.values(state.all.links)} .loud=${null}></sn-header><sn-watchdog .state=${state}></sn-watchdog>
    <main class="desk wall-desk"><h1 class="vh">${t('wallwindow.title')}</h1><section class="mid" aria-label=${t('wallwindow.title')}>
      ${at ? html`<div class="ww-tabs" role="tablist" aria-label=${t('wallwindow.tabs')}>${repeat(all, (each) => each.id, (each) => tab(each, each.id === at.id))}</div>
        ${seen.failed ? html`<p class="note failed" role="status">${seen.failed}</p>` : ''}
        <div class="ww-panel" id="panel" role="tabpanel" aria-label=${t(`AlarmKind.${at.kind}`)}><sn-law .incident=${at} .played=${views.player?.kind ?? ''}></sn-law>
        <sn-wall .tiles=${views.tiles()} .layout=${views.slots.length > SLOTS ? '9' : '4'} .enlarged=${views.enlarged} .viewer=${viewer}></sn-wall></div>`
        : html`<div class="ww-none"><p><b>${t(state.ready() ? 'wallwindow.none' : 'wallwindow.loading')}</b></p><p class="sec2">${state.ready() ? t('wallwindow.none_more') : ''}</p></div>`}</section></main>`;
}

/** @param {Incident} each @param {boolean} chosen */
function tab(each, chosen) {
  return html`<button class="ww-tab" role="tab" aria-selected=${String(chosen)} aria-controls="panel" tabindex=${chosen ? '0' : '-1'} data-incident=${each.id} @click=${() => open(each.id)}>
    ${shape(each.priority, 18, !chosen)}<b>${t(`AlarmKind.${each.kind}`)}</b><span>${each.who.name}</span><span class="ww-clock num"><sn-age mode="since" at=${each.opened_at}></sn-age></span></button>`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-focus', ({ slot }) => { views.focused = slot; });
on('sn-enlarge', ({ slot }) => { if (slot !== null) enlarge(slot); });
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); theme(); draw(); });
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));
desk.onmessage = (/** @type {MessageEvent} */ { data }) => { if (led().some((each) => each.id === data?.incident)) open(data.incident); };
state.addEventListener('change', () => {
  if (!views.loading && me()) void views.prepare();
  keysOf(me()?.person ?? '');
  look();
});
state.addEventListener('link', draw);
state.addEventListener('back', () => views.again());
state.addEventListener('signed-out', () => location.replace('/'));
state.addEventListener('admit', (event) => {
  const { grant, token } = /** @type {CustomEvent} */ (event).detail;
  void views.admit(grant, token);
});
views.addEventListener('change', draw);
views.addEventListener('need', (event) => { if (incident()) void state.do('admit', { grant: /** @type {CustomEvent} */ (event).detail.grant }); });
bound.addEventListener('change', draw);
spoken.addEventListener('language', draw);
everySecond(() => { views.show(incident()); keepPlace(); });

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();
/** For the window's own tests: what cannot be read from the page. */
Object.assign(window, { safetynet: { state, views } });
