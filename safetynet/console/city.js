/** The smart city centre's page: what is asked, what is provided, what its people see in it. It never says who. */
import { html, render } from 'lit';
import './age.js';
import './cityfootage.js';
import './cityside.js';
import { everySecond } from './clock.js';
import './header.js';
import { CITY, act as keyAct } from './keys.js';
import './map.js';
import { ARROWS } from './marks.js';
import './provisions.js';
import { REASONS, inOrder } from './requests.js';
import { isKorean, speak, spoken, t } from './say.js';
import { Sound } from './sound.js';
import './survey.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import { Views } from './views.js';
import './wall.js';
import './watchdog.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').CityRequest} CityRequest */
/** @typedef {import('./types.js').Tile} Tile */
const LETTERS_KEPT = 'safetynet.letters';
const SLOTS = 6;
const NOTE_MS = 8_000;

const state = new State(stateUrl());
const sound = new Sound();
const views = new Views(loadPlayer, SLOTS);
const page = /** @type {HTMLElement} */ (document.getElementById('page'));

const seen = {
  /** @type {string|null} request under the hand */
  selected: null,
  /** @type {import('./requests.js').RequestTab} */
  tab: 'open',
  /** @type {Set<string>} cameras left out of the selected request */
  without: new Set(),
  /** @type {Set<string>} incidents that this window looks at */
  watched: new Set(),
  /** @type {'reason'|'help'|'calibrate'|null} */
  panel: null,
  recorded: false,
  /** @type {string|null} */
  heading: null,
  travel: 'on_foot',
  armed: false,
  /** @type {{text: string, failed: boolean}|null} */
  note: null,
  noted: 0,
  follow: true,
  twin: false,
  letters: localStorage.getItem(LETTERS_KEPT) !== 'off',
  /** @type {Set<string>} requests that were read out */
  told: new Set(),
  slot: 0,
};

async function loadPlayer() {
  const path = '/console/player/player.js';
  const { Player } = await import(path);
  const player = new Player();
  player.connect(me()?.video_url ?? '');
  return player;
}

const me = () => Object.values(state.all.me)[0] ?? null;
/** @returns {CityRequest[]} */
const requests = () => inOrder(Object.values(state.all.requests));
const asked = () => requests().filter((each) => each.state !== 'prepared');
const request = () => (seen.selected ? state.all.requests[seen.selected] ?? null : null);
/** @returns {Incident|null} */
const incident = () => {
  const at = request();
  return at && at.state !== 'prepared' ? state.all.incidents[at.incident] ?? null : null;
};
const today = () => Object.values(state.all.today)[0] ?? null;
const list = () => /** @type {import('./requests.js').Requests} */ (page.querySelector('sn-requests'));
const footage = () => Object.values(state.all.footage).sort((a, b) => b.at - a.at);
/** Newest first. */
const provisions = () => Object.values(state.all.provisions).sort((a, b) => b.at - a.at);

/** The incident as the wall may open it: closed until this window asked to look, which is recorded. */
function looked() {
  const at = incident();
  if (!at) return null;
  const cameras = seen.watched.has(at.id) ? at.video.cameras : at.video.cameras.map((each) => ({ ...each, state: /** @type {'proposed'} */ ('proposed') }));
  return { ...at, video: { ...at.video, requests: [], cameras } };
}

/** The wall, with the words of this centre where a picture is closed. @returns {Tile[]} */
function tiles() {
  const waits = request()?.state === 'waiting';
  return views.tiles().map((each) => (each.state === 'proposed' ? { ...each, note: waits ? 'tile.when_granted' : 'tile.to_watch' } : each.state === 'empty' ? { ...each, note: undefined } : each));
}

// --- what happens --------------------------------------------------------------------------------------------------

/** @param {string} text @param {boolean} failed */
function note(text, failed) {
  seen.note = { text, failed };
  window.clearTimeout(seen.noted);
  seen.noted = window.setTimeout(() => { seen.note = null; draw(); }, NOTE_MS);
  draw();
}

/** @param {string} act @param {Record<string, unknown>} fields @param {string} [done] what to say when it was done */
async function command(act, fields, done) {
  const answer = await state.do(act, fields);
  if (!answer.ok) note(t('act.failed', { act: t(`act.${act}`), why: t(`Why.${answer.no}`) }), true);
  else if (done) note(done, false);
  return answer.ok;
}

/** @param {string} act @param {Record<string, unknown>} fields */
async function calibrate(act, fields) {
  const answer = await state.do(act, fields);
  return answer.ok ? null : answer.no;
}

/** @param {string} id */
function select(id) {
  if (seen.selected !== id) {
    seen.selected = id;
    seen.without = new Set();
    seen.armed = false;
    seen.slot = 0;
  }
  seen.recorded = false;
  views.show(looked());
  draw();
}

async function watch() {
  const at = incident();
  if (!at || request()?.state !== 'granted') return;
  seen.watched.add(at.id);
  views.expect();
  if (!await command('watch', { incident: at.id })) seen.watched.delete(at.id);
  views.show(looked());
  draw();
}

async function approve() {
  const at = request();
  if (at?.state !== 'waiting') return;
  const done = await command('approve', { request: at.request, without: [...seen.without] }, t('city.approved'));
  if (!done) return;
  // Who says yes looks: that the answer was right is seen in the picture, and the looking is recorded.
  seen.watched.add(at.incident);
  views.expect();
  await command('watch', { incident: at.incident });
}

/** @param {string} why */
async function no(why) {
  const at = request();
  seen.panel = null;
  draw();
  if (!at) return;
  if (at.state === 'waiting') await command('refuse', { request: at.request, why }, t('city.refused_said'));
  else if (at.grant) await command('stop', { grant: at.grant, why }, t('city.stopped_said'));
}

/** @param {{sight: string, heading?: string|null, travel?: string|null}} what */
async function mark(what) {
  const at = request();
  const camera = tiles()[seen.slot]?.camera;
  seen.armed = false;
  if (!at?.grant || !camera) return draw();
  const fields = { grant: at.grant, camera: camera.camera, ...what };
  if (what.sight === 'seen') seen.heading = null;
  await command('mark', fields, t('mark.sent', { what: t(`Sight.${what.sight}`), camera: camera.name }));
}

/** @param {number|null} slot from 0 */
function enlarge(slot) {
  views.enlarged = views.enlarged === slot ? null : slot;
  views.show(looked());
}

/** @param {number} n */
function press(n) {
  if (seen.panel === 'reason') {
    if (REASONS[n - 1]) void no(REASONS[n - 1]);
    return;
  }
  const tile = /** @type {HTMLElement|undefined} */ (page.querySelectorAll('sn-tile')[n - 1]);
  if (!tile) return;
  if (document.activeElement === tile) enlarge(n - 1);
  seen.slot = n - 1;
  tile.focus();
  draw();
}

/** @param {1|-1} by */
function move(by) {
  const all = asked();
  if (!all.length) return;
  const at = all.findIndex((each) => each.request === seen.selected);
  select(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))].request);
  void list().updateComplete.then(() => list().focusRow());
}

function back() {
  if (seen.panel) seen.panel = null;
  else if (seen.armed) seen.armed = false;
  else if (seen.recorded) seen.recorded = false;
  else if (views.enlarged !== null) enlarge(views.enlarged);
  else if (seen.twin) seen.twin = false;
  draw();
  list()?.focusRow();
}

/** F6: from one part of the screen to the next. */
function region() {
  const stops = ['.req.chosen, sn-requests [role=tab]', 'sn-map button, sn-map canvas', 'sn-tile', 'sn-camera .s-body, sn-answers .s-body', 'sn-header button']
    .map((each) => /** @type {HTMLElement|null} */ (page.querySelector(each))).filter((each) => each !== null);
  const at = stops.findIndex((each) => each.closest('sn-requests, sn-map, sn-wall, sn-camera, sn-answers, sn-header')?.contains(document.activeElement));
  stops[(at + 1) % stops.length]?.focus();
}

/** @param {string} travel */
function by(travel) {
  seen.travel = travel;
  draw();
}

/** @type {Record<string, () => void>} */
const DO = {
  down: () => move(1), up: () => move(-1), back, region, approve: () => void approve(), watch: () => void watch(),
  open: () => { const first = asked()[0]; if (!seen.selected && first) select(first.request); else void watch(); },
  no: () => { if (request() && request()?.state !== 'prepared') { seen.panel = 'reason'; draw(); } },
  seen: () => {
    if (seen.armed) void mark({ sight: 'seen', heading: seen.heading, travel: seen.travel });
    else if (request()?.grant) { seen.armed = true; draw(); }
  },
  not_here: () => void mark({ sight: 'not_here' }),
  on_foot: () => by('on_foot'), bicycle: () => by('bicycle'), car: () => by('car'), bus: () => by('bus'),
  calibrate: () => { seen.panel = 'calibrate'; draw(); },
  record: () => { seen.recorded = !seen.recorded; draw(); },
  follow: () => { seen.follow = !seen.follow; draw(); },
  twin: () => { seen.twin = !seen.twin; draw(); },
  equal: () => { views.enlarged = null; views.show(looked()); },
  silence: () => { sound.silence(); draw(); },
  help: () => { seen.panel = 'help'; draw(); },
};

window.addEventListener('keydown', (event) => {
  if (seen.armed && event.code in ARROWS) {
    event.preventDefault();
    void mark({ sight: 'seen', heading: ARROWS[event.code], travel: seen.travel });
    return;
  }
  const name = keyAct(event, seen.letters, CITY);
  if (!name) return;
  event.preventDefault();
  if (name.startsWith('digit:')) press(Number(name.slice(6)));
  else DO[name]?.();
});

// --- what is seen --------------------------------------------------------------------------------------------------

function draw() {
  const open = asked();
  // Nothing moves under the hand: what is selected stays until it is over.
  if (!open.some((each) => each.request === seen.selected)) {
    seen.selected = open[0]?.request ?? null;
    seen.without = new Set();
    seen.armed = false;
  }
  for (const id of seen.watched) if (!state.all.incidents[id]) seen.watched.delete(id);
  render(layout(), page);
  const waiting = open.filter((each) => each.state === 'waiting').length;
  const title = `${waiting ? `(${waiting}) ` : ''}${t('city.requests')} — ${t('product')}`;
  if (document.title !== title) document.title = title;
}

function layout() {
  const user = me();
  const at = incident();
  const links = Object.values(state.all.links);
  const viewer = [user?.centre_name ?? '', user?.name ?? ''].filter(Boolean).join(' ');
  const open = Object.keys(state.all.incidents).length;
  const counts = t('city.head', { incidents: open, given: today()?.streams_given ?? 0, own: today()?.streams_own ?? 0 });
  const wall = at ? tiles() : [];
  return html`<sn-header .me=${user} .note=${counts} .links=${links} .loud=${sound.loud}></sn-header>
    <sn-watchdog .state=${state}></sn-watchdog>
    ${sound.blocked() ? html`<div class="strip">${t('sound.blocked')}</div>` : ''}
    <main class="desk city-desk"><h1 class="vh">${t('city.title')}</h1>
      <section class="pane" aria-label=${t('city.requests')}><sn-requests .requests=${requests()} .provisions=${provisions()} .today=${today()} .selected=${seen.selected} .tab=${seen.tab} .without=${seen.without} .ready=${state.ready()} .recorded=${seen.recorded}></sn-requests><sn-city-footage .rows=${footage()}></sn-city-footage></section>
      <section class=${seen.recorded ? 'mid record' : 'mid'} aria-label=${t(seen.recorded ? 'record.title' : at ? 'map.incident' : 'map.area')}>${seen.recorded ? html`<sn-provisions .rows=${provisions()} .footage=${footage()} .ledger=${today()?.ledger_size ?? 0}></sn-provisions>` : html`<sn-map class="mapbox" .nameless=${true} .incident=${at}
          .tiles=${wall} .follow=${seen.follow} .twin=${seen.twin} .theme=${theme()}></sn-map>
        ${at ? html`<sn-law .incident=${at}></sn-law><sn-wall .tiles=${wall} .layout=${'6'} .enlarged=${views.enlarged} .viewer=${viewer}></sn-wall>` : ''}`}</section>
      <aside class="pane" aria-label=${t(at && !seen.recorded ? 'city.camera' : 'city.centre')}>${seen.note ? html`<p class=${seen.note.failed ? 'note failed' : 'note'} role="status">${seen.note.text}</p>` : ''}${at && !seen.recorded
        ? html`<sn-camera .tile=${wall[seen.slot] ?? null} .tiles=${wall} .sightings=${at.sightings ?? []} .heading=${seen.heading} .travel=${seen.travel} .armed=${seen.armed} .granted=${request()?.state === 'granted'} .turned_until=${state.all.turned[wall[seen.slot]?.camera?.camera ?? '']?.until ?? null}></sn-camera>`
        : html`<sn-answers .approval=${Object.values(state.all.approval)} .head=${user?.role === 'city_head'} .links=${links} .today=${today()}></sn-answers>`}</aside></main>
    ${seen.panel === 'reason' ? html`<sn-reason .stopping=${request()?.state === 'granted'}></sn-reason>` : ''}
    ${seen.panel === 'help' ? html`<sn-keys .letters=${seen.letters} .rows=${KEYS}></sn-keys>` : ''}
    ${seen.panel === 'calibrate' ? html`<sn-survey .start=${wall[seen.slot]?.camera?.camera ?? null} .act=${calibrate}></sn-survey>` : ''}`;
}

/** @type {[string, string][]} */
const KEYS = [['J K ↑ ↓', 'move'], ['G', 'approve'], ['X', 'no'], ['V', 'watch'], ['1–6', 'tiles'], ['E ↑→↓←', 'seen'], ['N', 'not_here'], ['W B R U', 'travel'], ['L', 'record'], ['C', 'calibrate'],
  ['0', 'equal'], ['M', 'follow'], ['F6', 'region'], ['Alt+T', 'twin'], ['Esc', 'back'], ['?', 'help']];

/** A request that waits rings as its incident's priority would, and is read out once. */
function announce() {
  const fresh = requests().find((each) => each.state === 'waiting' && !seen.told.has(each.request));
  if (!fresh) return;
  seen.told.add(fresh.request);
  const place = document.getElementById(fresh.priority === 1 ? 'loud' : 'soft');
  if (place) place.textContent = t('city.live_new', { kind: t(`AlarmKind.${fresh.kind}`), who: fresh.sender_name });
}

/** Waiting requests in the form in which the sound knows alarms. */
const ringing = () => requests().filter((each) => each.state === 'waiting')
  .map((each) => /** @type {import('./types.js').Alarm} */ (/** @type {unknown} */ ({ id: each.request, priority: each.priority, state: 'unacked' })));

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-open', ({ id }) => select(id));
on('sn-tab', ({ tab }) => { seen.tab = tab; draw(); });
on('sn-leave-out', ({ camera }) => {
  if (!seen.without.delete(camera)) seen.without.add(camera);
  seen.without = new Set(seen.without);
  draw();
});
on('sn-act', ({ act, id }) => {
  if (id && id !== seen.selected) select(id);
  const at = request();
  if (act === 'review' && at?.grant) void command('review', { grant: at.grant }, t('city.reviewed_said'));
  else DO[act]?.();
});
on('sn-reason', ({ why }) => void no(why));
on('sn-footage-answer', ({ footage: id, act, without, why }) => void command(act, { footage: id, ...(act === 'approve' ? { without } : { why }) }, t('footage.city.answered')));
on('sn-seen', (what) => void mark(what));
on('sn-heading', ({ heading }) => { seen.heading = heading; draw(); });
on('sn-turn', ({ turn, preset }) => {
  const at = request();
  const camera = tiles()[seen.slot]?.camera;
  if (at?.grant && camera) void command('turn', { grant: at.grant, camera: camera.camera, turn, ...(preset === undefined ? {} : { preset }) });
});
on('sn-travel', ({ travel }) => by(travel));
on('sn-approval', ({ basis, approval }) => void command('set_approval', { basis, approval }));
on('sn-back', back);
on('sn-follow', (detail) => { seen.follow = detail.on; draw(); });
on('sn-focus', ({ slot }) => {
  views.focused = slot;
  if (slot === null || slot === seen.slot) return;
  seen.slot = slot;
  draw();
});
on('sn-enlarge', ({ slot }) => { if (slot !== null) enlarge(slot); });
on('sn-letters', (detail) => { seen.letters = detail.on; localStorage.setItem(LETTERS_KEPT, detail.on ? 'on' : 'off'); });
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); draw(); });
on('sn-mute', () => { sound.loud = !sound.loud; draw(); });
on('sn-old', ({ old }) => sound.heedAge(old));
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));

state.addEventListener('change', () => {
  if (!views.loading && me()) void views.prepare();
  sound.heed(ringing());
  draw();
  views.show(looked());
  announce();
});
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
state.addEventListener('admit', (event) => {
  const { grant, token } = /** @type {CustomEvent} */ (event).detail;
  void views.admit(grant, token);
});
views.addEventListener('change', draw);
views.addEventListener('need', (event) => {
  const at = incident();
  if (at && seen.watched.has(at.id)) void state.do('admit', { grant: /** @type {CustomEvent} */ (event).detail.grant });
});
sound.addEventListener('blocked', draw);
spoken.addEventListener('language', draw);
everySecond(() => { views.show(looked()); announce(); });

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();

/** For the window's own tests: what cannot be read from the page. */
Object.assign(window, { safetynet: { state, sound, views } });
