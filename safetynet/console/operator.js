/** The operator's page: what is selected and open, what keys and buttons do, and how the parts are laid out. */
import { html, render } from 'lit';
import './age.js';
import { CODES, OUTCOMES } from './choices.js';
import { everySecond } from './clock.js';
import { arrested, demo } from './demo.js';
import { calls } from './fieldside.js';
import { SHELVE_REASONS, minutes, ringing, shelvable, spans } from './floods.js';
import { done, isOpen, running } from './handover.js';
import './header.js';
import { act as keyAct, bound, keysOf, label, letters, switchLetters } from './keys.js';
import './map.js';
import { ARROWS } from './marks.js';
import { overtakes, reading, rows } from './queue.js';
import { clock, isKorean, lasting, speak, spoken, t } from './say.js';
import './settings.js';
import { next } from './sheet.js';
import './shift.js';
import { Sound } from './sound.js';
import { State, stateUrl } from './state.js';
import { theme, toggle } from './theme.js';
import { SLOTS, SLOTS_MAX, Views } from './views.js';
import { CHANNEL, openWall } from './wall-place.js';
import './wall.js';
import './watchdog.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./queue.js').Row} Row */
/** @typedef {'dispatch'|'call'|'close'|'hand_over'|'take_over'|'shelve'|'shelve_for'|'help'|'settings'} Panel */
const READ_KEPT = 'safetynet.read';
const SAID_MS_MIN = 2_000;
const NOTE_MS = 8_000;
const BACK_MS = 10_000;
/** A break shorter than this was not on the screen: nothing is said of it. */
const AWAY_SAID_MS = 1_000;

const state = new State(stateUrl());
const sound = new Sound();
const PEOPLE_MAX = 5;
/** Among the colleagues to whom an incident is handed: rather the whole seat. */
const SHIFT = 'shift';
/** What keys do while the page of the change of shift has the keyboard: an alarm is answered in the queue, not from here. */
const ON_PAPER = new Set(['back', 'silence', 'hand_over', 'help', 'region']);
/** How long after V the map waits with what it would draw anew. */
const PICTURES_FIRST_MS = 700;
const views = new Views(loadPlayer);
/** What each open picture measures of itself; for `make smoke`. */
export const pictures = () => views.player?.report() ?? Promise.resolve([]);
/** Tells the wall's own window, where there is one, what is in hand. */
const wall = new BroadcastChannel(CHANNEL);
const page = /** @type {HTMLElement} */ (document.getElementById('page'));

const seen = {
  /** @type {string|null} row under the keyboard */
  selected: null,
  /** A person put the keyboard there; else it is on the top of the queue. */
  chosen: false,
  /** @type {string|null} incident that is open */
  open: null,
  /** @type {import('./queue.js').Tab} */
  tab: 'waiting',
  /** @type {Panel|null} */
  panel: null,
  /** @type {{text: string, failed: boolean}|null} */
  note: null,
  follow: true,
  /** Why what is in hand is being put aside, while it is asked for how long. */
  shelving: '',
  twin: false,
  /** E was pressed: the next arrow says which way. */
  armed: false,
  /** @type {import('./wall.js').Layout} */
  layout: '1+3',
  /** What the line that came back has to say, for a while. */
  back: '',
  backed: 0,
  /** @type {Record<string, string>} what was read of each row, in this window and after a reload */
  read: JSON.parse(sessionStorage.getItem(READ_KEPT) ?? '{}'),
  /** @type {Map<string, string>} who held each incident, when last looked */
  owners: new Map(),
  /** @type {Map<string, number>} how far each alarm was escalated, when last looked */
  levels: new Map(),
  /** @type {import('./types.js').Demo|null} */
  demo: null,
  /** @type {Set<string>} alarms that were read out */
  told: new Set(),
  told_at: 0,
  noted: 0,
  /** The change of shift is on the screen. */
  shift: location.hash === '#shift',
  /** @type {string|null} an ended one that is looked at again */
  earlier: null,
  /** @type {Set<string>} hand-overs that were said */
  offered: new Set(),
};

async function loadPlayer() {
  const path = '/console/player/player.js';
  const { Player } = await import(path);
  const player = new Player();
  player.connect(me()?.video_url ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${Number(location.port) + 2}/video`);
  return player;
}

const me = () => Object.values(state.all.me)[0] ?? null;
const incident = () => (seen.open ? state.all.incidents[seen.open] ?? null : null);
/** @returns {Row[]} */
const list = () => rows(Object.values(state.all.alarms), state.all.incidents, me()?.person ?? '', state.all.shelves);
const queue = () => /** @type {import('./queue.js').Queue} */ (page.querySelector('sn-queue'));

/** The alarms of the incident in hand. */
const inHand = () => (incident()?.alarms ?? []).flatMap((each) => state.all.alarms[each] ?? []);
/** What Z does with them: whatever lies on the shelf comes back first. */
const shelf = () => (inHand().some((each) => each.state === 'shelved') ? 'unshelve' : shelvable(inHand(), state.all.shelves).length ? 'shelve' : '');

/** Units that may be sent, the one that is there first at the head. */
function free() {
  return Object.values(state.all.units).filter((each) => each.kind !== 'police' && !each.dispatch)
    .sort((a, b) => (a.eta_s ?? Infinity) - (b.eta_s ?? Infinity));
}

// --- what happens --------------------------------------------------------------------------------------------------

/** The change of shift that concerns whoever sits here. */
const handover = () => running(Object.values(state.all.handovers), me()?.person ?? '');

/** What the page of the change of shift shows: the one under way, the one that was looked up, or the one that just ended here. */
const onPaper = () => handover() ?? (seen.earlier ? state.all.handovers[seen.earlier] ?? null : null);

/** Its page takes the place of the map and the sheet; the queue stays, and rings. */
function openShift() {
  seen.panel = null;
  seen.open = null;
  seen.note = null;
  views.show(null);
  seen.shift = true;
  seen.earlier = handover()?.id ?? null;
  draw();
}

/** Says to whoever is to take over that somebody waits. */
function watchShift() {
  const held = handover();
  if (!held || seen.offered.has(held.id)) return;
  seen.offered.add(held.id);
  if (seen.shift) seen.earlier = held.id;
  if (held.taker === me()?.person) tellOf(t('handover.offered', { name: held.giver_name }));
}

/** @param {string} text @param {boolean} failed */
function note(text, failed) {
  seen.note = { text, failed };
  window.clearTimeout(seen.noted);
  seen.noted = window.setTimeout(() => { seen.note = null; draw(); }, NOTE_MS);
  draw();
}

/** Sends a command; a refusal is said in place, with its reason. @param {string} act @param {Record<string, unknown>} fields */
async function command(act, fields) {
  const answer = await state.do(act, fields);
  if (!answer.ok) note(t('act.failed', { act: t(`act.${act}`), why: because(act, fields, answer.no) }), true);
  return answer.ok;
}

/** Why not, by what the screen knows now: usually a colleague was faster. @param {string} act @param {Record<string, unknown>} fields @param {string} no */
function because(act, fields, no) {
  const holder = state.all.incidents[String(fields.incident)];
  const colleague = holder?.owner && holder.owner !== me()?.person ? holder.owner_name ?? '' : '';
  if (no === 'not_allowed_now' && act === 'ack') return t('no.acked');
  if (act === 'claim' && no === 'not_allowed_now' && colleague) return t('no.claimed', { name: colleague });
  if (act === 'take_over' && no === 'stale' && colleague) return t('no.moved', { name: colleague });
  if (no === 'not_owner' && colleague) return t('no.held', { name: colleague });
  return t(`Why.${no}`);
}

/** Says what colleagues did to what was in this hand: taken over, or handed to it. */
function watchColleagues() {
  const mine = me()?.person ?? '';
  for (const each of Object.values(state.all.incidents)) {
    const before = seen.owners.get(each.id);
    seen.owners.set(each.id, each.owner ?? '');
    if (before === undefined || before === (each.owner ?? '') || each.state === 'closed') continue;
    const what = { name: each.owner_name ?? '', kind: t(`AlarmKind.${each.kind}`), who: each.who.name };
    if (before === mine) {
      if (seen.open === each.id && seen.panel !== 'help' && seen.panel !== 'settings') seen.panel = null;
      tellOf(t('other.took', what));
    } else if (each.owner === mine && before && each.id !== seen.open) tellOf(t('other.gave', what));
  }
}

/** @param {string} text */
function tellOf(text) {
  note(text, true);
  const place = document.getElementById('loud');
  if (place) place.textContent = text;
}

/** Opens a row, and takes the incident when nobody has. @param {string} id */
function open(id) {
  seen.shift = false;
  seen.selected = id;
  seen.chosen = true;
  markRead(id);
  const found = state.all.incidents[id];
  if (found) {
    if (seen.open !== id) { seen.panel = null; seen.note = null; seen.follow = true; }
    seen.open = id;
    wall.postMessage({ incident: id });
    views.show(found);
    if (found.state === 'open') void command('claim', { incident: id });
    else if (found.state === 'claimed' && found.owner !== me()?.person) seen.panel = 'take_over';
  }
  draw();
}

/** @param {string|null} id */
function markRead(id) {
  const row = list().find((each) => each.id === id);
  if (!row || seen.read[row.id] === reading(row)) return;
  seen.read[row.id] = reading(row);
  sessionStorage.setItem(READ_KEPT, JSON.stringify(seen.read));
}

/** Rows that ask for a look. @param {Row[]} all */
const unread = (all) => new Set(all.filter((row) => (row.tab === 'waiting' || (row.mine && row.tab !== 'closed')) && seen.read[row.id] !== reading(row)).map((row) => row.id));

async function acknowledge() {
  const id = seen.open ?? seen.selected;
  const alarms = Object.values(state.all.alarms).filter((each) => (each.incident ?? each.id) === id && (each.state === 'unacked' || each.state === 'returned_unacked'));
  for (const each of alarms) await command('ack', { alarm: each.id });
}

/** @param {string|null} unit */
async function order(unit) {
  const at = seen.open;
  seen.panel = null;
  if (at && await command('office', unit ? { incident: at, unit } : { incident: at })) note(t('act.done', { act: t('act.office') }), false);
  draw();
}

/** Puts everything of the incident aside that may be; or brings back what lies there. */
async function reshelve() {
  if (shelf() === 'shelve') return show('shelve');
  const shelved = inHand().filter((each) => each.state === 'shelved');
  if (!shelved.length) return note(t('shelve.none'), true);
  for (const each of shelved) await command('unshelve', { alarm: each.id });
}

/** @param {number} ms */
async function shelve(ms) {
  const why = seen.shelving;
  let done = false;
  for (const each of shelvable(inHand(), state.all.shelves)) done = await command('shelve', { alarm: each.id, shelve: why, for_ms: ms }) || done;
  if (done) note(t('shelve.done', { until: clock(Date.now() + ms).slice(0, 5), why: t(`ShelveReason.${why}`) }), false);
}

/** @param {string} at */
async function locate(at) {
  if (await command('locate', { incident: at })) note(t('act.done', { act: t('act.locate') }), false);
}

/** @param {string} name */
function perform(name) {
  const at = incident();
  if (!at || at.state === 'closed') return;
  switch (name) {
    case 'claim':
      void command('claim', { incident: at.id });
      return;
    case 'ack':
      void acknowledge();
      return;
    case 'video':
      views.expect();
      void command('video', { incident: at.id });
      return;
    case 'backup':
      void command('backup', { incident: at.id });
      return;
    case 'shelve':
      void reshelve();
      return;
    case 'police':
      void command('police', { incident: at.id });
      return;
    case 'locate':
      void locate(at.id);
      return;
    case 'office':
      if (seen.panel === 'dispatch') void order(free()[0]?.id ?? null);
      else show('dispatch');
      return;
    case 'call':
    case 'close':
    case 'hand_over':
    case 'take_over':
      show(name);
  }
}

/** @param {Panel|null} panel */
function show(panel) {
  seen.panel = panel;
  draw();
}

/** An answer to the panel that is open. @param {string} value */
function choose(value) {
  const at = seen.open;
  const panel = seen.panel;
  show(null);
  if (panel === 'hand_over' && value === SHIFT) return openShift();
  if (!at) return;
  if (panel === 'shelve') {
    seen.shelving = value;
    show('shelve_for');
  } else if (panel === 'shelve_for') void shelve(Number(value));
  else if (panel === 'call') void command('call', { incident: at, outcome: value });
  else if (panel === 'hand_over') void command('hand_over', { incident: at, to: value });
  else if (panel === 'take_over') void command('take_over', { incident: at, held_by: incident()?.owner });
  else if (panel === 'close') {
    if (seen.demo && value === 'genuine_arrest') void arrested(seen.demo, incident()?.wearer ?? '');
    void command('close', { incident: at, code: value });
  }
}

/** What a digit means now: an answer to the open panel, else a picture. @param {number} n */
function press(n) {
  const choice = { call: OUTCOMES, close: CODES, hand_over: [...colleagues().map((each) => each.person), SHIFT], take_over: ['yes'], shelve: SHELVE_REASONS, shelve_for: spansNow() };
  if (seen.panel && seen.panel in choice) {
    const value = choice[/** @type {keyof typeof choice} */ (seen.panel)][n - 1];
    if (value) choose(value);
    return;
  }
  if (seen.panel === 'help' || seen.panel === 'settings') return;
  if (seen.shift) return void /** @type {HTMLElement|undefined} */ (page.querySelectorAll('sn-handover [data-to]')[n - 1])?.click();
  const tile = /** @type {HTMLElement|undefined} */ (page.querySelectorAll('sn-tile')[n - 1]);
  if (!tile) return;
  if (document.activeElement === tile) enlarge(n - 1);
  else if (views.enlarged !== null && views.enlarged !== n - 1) enlarge(n - 1);
  tile.focus();
}

/** @param {number|null} slot from 0; the same again makes it small */
function enlarge(slot) {
  views.enlarged = views.enlarged === slot ? null : slot;
  views.show(incident());
}

/** What the operator saw in the picture under the hand, else in the best one. @param {{sight: string, heading?: string}} what */
async function mark(what) {
  seen.armed = false;
  const camera = views.tiles()[views.focused ?? 0]?.camera;
  if (!seen.open || !camera) return;
  const done = await command('mark', { incident: seen.open, city: camera.city, camera: camera.camera, ...what });
  if (done) note(t('mark.sent', { what: t(`Sight.${what.sight}`), camera: camera.name }), false);
}

/** For how long everything that would be put aside may be. */
const spansNow = () => spans(shelvable(inHand(), state.all.shelves), state.all.shelves).map(String);

const colleagues = () => Object.values(state.all.seats).filter((each) => each.here && each.person !== me()?.person && each.role !== 'officer');

/** @param {1|-1} by */
function move(by) {
  const shown = queue()?.shown() ?? [];
  if (!shown.length) return;
  const at = shown.findIndex((row) => row.id === seen.selected);
  seen.chosen = true;
  seen.selected = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))].id;
  draw();
  void queue().updateComplete.then(() => queue().focusRow());
}

function back() {
  seen.armed = false;
  if (seen.panel) show(null);
  else if (seen.shift) { seen.shift = false; seen.note = null; draw(); }
  else if (views.enlarged !== null) enlarge(views.enlarged);
  else if (seen.twin) { seen.twin = false; draw(); }
  else if (seen.open) {
    seen.open = null;
    seen.chosen = false;
    views.show(null);
    draw();
  }
  queue()?.focusRow();
}

/** @param {import('./wall.js').Layout} layout */
function lay(layout) {
  seen.layout = layout;
  views.enlarged = null;
  draw();
  views.show(incident());
}

/** F6: from one part of the screen to the next. */
function region() {
  const stops = ['sn-flood button', 'sn-queue [aria-selected=true], sn-queue [role=tab]', 'sn-map button, sn-map canvas', 'sn-tile', '.s-body', '.ho-item, sn-handover button', 'sn-header button']
    .map((each) => /** @type {HTMLElement|null} */ (page.querySelector(each))).filter((each) => each !== null);
  const at = stops.findIndex((each) => each.closest('sn-flood, sn-queue, sn-map, sn-wall, sn-sheet, sn-handover, sn-header')?.contains(document.activeElement));
  stops[(at + 1) % stops.length]?.focus();
}

/** @type {Record<string, () => void>} */
const DO = {
  down: () => move(1), up: () => move(-1), silence: () => { sound.silence(); draw(); }, ack: () => void acknowledge(), back, region,
  open: () => {
    // Taking over is asked once, and Enter is not the answer: two quick ones must not take a colleague's incident away.
    if (incident()?.state === 'closed' && seen.open === seen.selected) back();
    else if (seen.panel !== 'take_over' && seen.selected) open(seen.selected);
  },
  follow: () => { seen.follow = !seen.follow; draw(); },
  twin: () => { seen.twin = !seen.twin; draw(); },
  equal: () => { views.enlarged = null; lay(seen.layout === '1+3' ? '4' : '1+3'); },
  chase: () => { if (incident()) lay(seen.layout === '9' ? '1+3' : '9'); },
  help: () => show('help'),
  // Once for the incident in hand, once more for the whole seat.
  hand_over: () => { if (incident() && seen.panel !== 'hand_over') perform('hand_over'); else if (!seen.shift) openShift(); },
  seen: () => {
    if (seen.armed) void mark({ sight: 'seen' });
    else if (incident()) { seen.armed = true; note(t('mark.armed'), false); }
  },
  not_here: () => void mark({ sight: 'not_here' }),
};

window.addEventListener('keydown', (event) => {
  if (seen.armed && event.code in ARROWS) {
    event.preventDefault();
    void mark({ sight: 'seen', heading: ARROWS[event.code] });
    return;
  }
  const name = keyAct(event);
  if (!name) return;
  const onPaper = /** @type {HTMLElement} */ (event.target).closest?.('sn-handover');
  if (onPaper && !name.startsWith('digit:') && !ON_PAPER.has(name)) return;
  event.preventDefault();
  if (name.startsWith('digit:')) press(Number(name.slice(6)));
  else if (name in DO) DO[name]();
  else perform(name);
});

// --- what is seen --------------------------------------------------------------------------------------------------

function draw() {
  const all = list();
  const at = incident();
  const held = all.find((row) => row.id === seen.selected);
  // A closed incident leaves the hand: Enter then opens what waits, not what is over.
  const over = held?.tab === 'closed' && queue()?.tab !== 'closed' && held.id !== seen.open;
  if (!held || over) seen.chosen = false;
  // Without a choice of a person's own the keyboard follows the top: Enter opens what is most urgent, not what was first.
  if (!seen.chosen) seen.selected = all.find((row) => row.tab === 'waiting')?.id ?? (over ? null : held?.id) ?? null;
  views.resize(at && at.state !== 'closed' && seen.layout === '9' ? SLOTS_MAX : SLOTS);
  markRead(seen.open);
  render(layout(all, at), page);
  const waits = unread(all).size;
  const title = (waits ? `(${waits}) ` : '') + (at ? `${t(`AlarmKind.${at.kind}`)} — ${t('product')}` : t('product'));
  if (document.title !== title) document.title = title;
  const sheet = /** @type {import('./handover.js').HandoverPage|null} */ (page.querySelector('sn-handover'));
  if (document.activeElement !== document.body) return;
  if (sheet) void sheet.updateComplete.then(() => sheet.focusNext());
  else void queue().updateComplete.then(() => queue().focusRow());
}

/** @param {Row[]} all @param {Incident|null} at */
function layout(all, at) {
  const user = me();
  const calm = Object.values(state.all.calm)[0] ?? null;
  const links = Object.values(state.all.links);
  const chase = at !== null && at.state !== 'closed' && seen.layout === '9';
  const viewer = [user?.seat ? t('seat', { seat: user.seat }) : '', user?.name ?? ''].filter(Boolean).join(' ');
  return html`<sn-header .me=${user} .counts=${counts(all)} .links=${links} .disk=${calm?.disk ?? 'ample'} .loud=${sound.loud}></sn-header>
    ${calm && (calm.disk ?? 'ample') !== 'ample' ? html`<div class="strip" role="status" id="disk-strip">${t(`disk.${calm.disk}`)}</div>` : ''}
    <sn-watchdog .state=${state}></sn-watchdog>
    ${sound.blocked() ? html`<div class="strip">${t('sound.blocked')}</div>` : sound.silenced ? html`<div class="strip">${t('sound.silenced')}</div>` : ''}
    ${handover() && !seen.shift ? strip() : ''}
    ${seen.back ? html`<div class="strip" role="status" id="back">${seen.back}</div>` : ''}
    <main class=${`desk ${seen.shift ? 'shift-desk' : !at ? 'calm-desk' : chase ? 'alarm-desk chase-desk' : 'alarm-desk'}`}><h1 class="vh">${t('product')}</h1>
      <section class="pane" aria-label=${t('queue.label')}><sn-queue .rows=${all} .selected=${seen.selected} .above=${overtakes(all, seen.selected)} .tab=${seen.tab} .calm=${calm} .ready=${state.ready()} .unread=${unread(all)} .outages=${outages()}></sn-queue>
        ${!at && !seen.shift && seen.note ? html`<p class="note failed" role="status">${seen.note.text}</p>` : ''}<sn-demo .demo=${seen.demo}></sn-demo></section>
      ${seen.shift ? paper() : html`<section class="mid" aria-label=${t(at ? 'map.incident' : 'map.area')}><sn-map .hold=${views.expected_at + PICTURES_FIRST_MS} class="mapbox" .incident=${at} .track=${at ? state.all.tracks[at.wearer]?.points ?? [] : []}
          .units=${Object.values(state.all.units)} .waiting=${all.filter((row) => row.tab !== 'closed' && row.id !== at?.id)} .zones=${at ? Object.values(state.all.zones) : []} .tiles=${at ? views.tiles() : []} .calm=${calm}
          .follow=${seen.follow} .twin=${seen.twin} .theme=${theme()}></sn-map>
        ${at ? html`<sn-law .incident=${at} .layout=${seen.layout} .played=${views.player?.kind ?? ''}></sn-law><sn-wall .tiles=${views.tiles()} .layout=${seen.layout} .enlarged=${views.enlarged} .viewer=${viewer}></sn-wall>${chase ? people() : ''}` : ''}</section>
      <aside class="pane" aria-label=${t(at ? 'sheet.label' : 'shift.label')}>${at
        ? html`<sn-sheet .incident=${at} .me=${user?.person ?? ''} .inner=${inner(at)} .note=${seen.note} .best=${free()[0]?.name ?? null} .shelf=${shelf()}></sn-sheet>`
        : html`<sn-shift .calm=${calm} .seats=${Object.values(state.all.seats)} .links=${links} .me=${user?.person ?? ''} .player=${views.player?.kind ?? ''}></sn-shift>`}</aside>`}</main>
    ${seen.panel === 'close' && at ? html`<sn-close .incident=${at.id} .still=${at.still ?? []}></sn-close>` : ''}
    ${seen.panel === 'help' ? html`<sn-keys .letters=${letters()}></sn-keys>` : ''}
    ${seen.panel === 'settings' ? html`<sn-settings .sound=${sound} .player=${views.player?.kind ?? ''}></sn-settings>` : ''}`;
}

/** Networks that are out, or were and nobody has said to have seen it; the newest first. */
const outages = () => Object.values(state.all.outages).sort((a, b) => b.since - a.since);

/** The page of the change of shift. */
function paper() {
  const past = Object.values(state.all.handovers).filter((each) => !isOpen(each)).sort((a, b) => b.offered_at - a.offered_at);
  return html`<sn-handover .held=${onPaper()} .earlier=${past} .seats=${Object.values(state.all.seats)} .me=${me()?.person ?? ''} .incidents=${state.all.incidents} .note=${seen.note}></sn-handover>`;
}

/** While a change of shift is under way and something else is on the screen. */
function strip() {
  const held = handover();
  if (!held) return '';
  return html`<div class="strip ho-strip" role="status" id="handover-strip"><span class="num">${t('handover.running', { from: held.giver_name, to: held.taker_name, done: done(held), all: held.items.length })}</span>
    <button class="btn sm" @click=${openShift}>${t('handover.see')} <kbd>${label('hand_over')}</kbd></button></div>`;
}

/** Under nine pictures: who is on the way, and who could be, the first there at the head. */
function people() {
  const all = Object.values(state.all.units).sort((a, b) => (a.eta_s ?? Infinity) - (b.eta_s ?? Infinity)).slice(0, PEOPLE_MAX);
  return html`<section class="people" tabindex="0" aria-label=${t('chase.people')}><table class="units"><thead><tr><th scope="col">${t('chase.people')}</th><th scope="col">${t('chase.kind')}</th><th scope="col">${t('dispatch.state')}</th><th scope="col">${t('dispatch.arrives')}</th></tr></thead>
    <tbody>${all.map((each) => html`<tr><td>${each.name}</td><td>${t(`Kind.${each.kind}`)}</td><td>${t(`UnitState.${each.state}`)}</td><td class="num">${each.eta_s === null ? '–' : lasting(each.eta_s * 1000)}</td></tr>`)}</tbody></table></section>`;
}

/** @param {Incident} at */
function inner(at) {
  switch (seen.panel) {
    case 'dispatch':
      return html`<sn-dispatch .units=${free()}></sn-dispatch>`;
    case 'call':
      return html`<sn-choice .head=${t('call.title')} .items=${OUTCOMES.map((value) => ({ value, text: t(`CallOutcome.${value}`) }))}></sn-choice>`;
    case 'hand_over':
      return html`<sn-choice .head=${t('handover.title')} .items=${[...colleagues().map((each) => ({ value: each.person, text: each.name })), { value: SHIFT, text: `${t('handover.open')} (${label('hand_over')})` }]}></sn-choice>`;
    case 'shelve':
      return html`<sn-choice .head=${t('shelve.why')} .items=${SHELVE_REASONS.map((value) => ({ value, text: t(`ShelveReason.${value}`) }))}></sn-choice>`;
    case 'shelve_for':
      return html`<sn-choice .head=${t('shelve.how_long')} .items=${spansNow().map((value) => ({ value, text: minutes(Number(value)) }))}></sn-choice>`;
    case 'take_over':
      return html`<sn-choice .head=${t('act.take_over_ask', { name: at.owner_name ?? '' })} .items=${[{ value: 'yes', text: t('act.take_over') }]}></sn-choice>`;
    default:
      return null;
  }
}

/** Unacknowledged alarms of priority 1 to 4. @param {Row[]} all */
function counts(all) {
  const open = all.filter((row) => row.tab !== 'closed' && (row.alarm.state === 'unacked' || row.alarm.state === 'returned_unacked'));
  return [1, 2, 3, 4].map((p) => open.filter((row) => row.alarm.priority === p).length + ringing(outages()).filter((each) => each.priority === p && each.state === 'unacked').length);
}

/** Reads a new alarm out to assistive technology: at once for an emergency, else when there is a pause. */
function announce() {
  for (const each of Object.values(state.all.alarms)) {
    const before = seen.levels.get(each.id) ?? 0;
    seen.levels.set(each.id, each.level);
    if (each.level <= before || each.state === 'acked' || each.state === 'closed' || !seen.told.has(each.id)) continue;
    const loud = document.getElementById('loud');
    if (loud) loud.textContent = t('live.escalated', { n: each.level, kind: t(`AlarmKind.${each.kind}`), who: each.who });
  }
  const fresh = Object.values(state.all.alarms).filter((each) => each.state === 'unacked' && !seen.told.has(each.id)).sort((a, b) => a.priority - b.priority)[0];
  if (!fresh || Date.now() - seen.told_at < SAID_MS_MIN) return;
  seen.told.add(fresh.id);
  seen.told_at = Date.now();
  const place = document.getElementById(fresh.priority === 1 ? 'loud' : 'soft');
  if (place) place.textContent = t('live.new', { priority: t(`Priority.${fresh.priority}`), kind: t(`AlarmKind.${fresh.kind}`), who: fresh.who });
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** @param {string} name @param {(detail: any) => void} heed */
const on = (name, heed) => page.addEventListener(name, (event) => heed(/** @type {CustomEvent} */ (event).detail));
on('sn-open', ({ id }) => open(id));
on('sn-top', () => { seen.tab = 'waiting'; seen.chosen = false; draw(); void queue().updateComplete.then(() => queue().focusRow()); });
on('sn-tab', ({ tab }) => { seen.tab = tab; draw(); });
on('sn-act', ({ act, text }) => (act === 'tell' ? void command('tell', { incident: seen.open, text }) : perform(act)));
on('sn-order', ({ unit }) => void order(unit));
on('sn-chosen', ({ value }) => choose(value));
on('sn-closed', ({ code }) => choose(code));
on('sn-back', back);
on('sn-follow', (detail) => { seen.follow = detail.on; draw(); });
on('sn-started', draw);
on('sn-focus', ({ slot }) => { views.focused = slot; });
on('sn-enlarge', ({ slot }) => { if (slot !== null) enlarge(slot); });
on('sn-handover', openShift);
on('sn-outage', ({ outage }) => void command('ack_outage', { outage }));
on('sn-offer', ({ to }) => void command('handover_offer', { to }));
on('sn-note', (fields) => void command('handover_note', fields));
on('sn-confirm', (fields) => void command('handover_confirm', fields));
on('sn-take', (fields) => void command('handover_take', fields));
on('sn-withdraw', (fields) => void command('handover_withdraw', fields));
on('sn-earlier', (detail) => { seen.earlier = detail.handover; draw(); });
on('sn-letters', (detail) => switchLetters(detail.on));
on('sn-settings', () => show('settings'));
on('sn-window', openWall);
on('sn-layout', (detail) => lay(detail.layout));
on('sn-lang', () => speak(isKorean() ? 'en' : 'ko'));
on('sn-theme', () => { toggle(); draw(); });
on('sn-mute', () => { sound.loud = !sound.loud; draw(); });
on('sn-old', ({ old }) => sound.heedAge(old));
on('sn-sign-out', () => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/')));

state.addEventListener('change', () => {
  if (!views.loading && me()) void views.prepare();
  if (me()?.role === 'officer') return location.replace('/field');
  keysOf(me()?.person ?? '');
  sound.sitAt(me()?.seat ?? '');
  watchColleagues();
  watchShift();
  sound.heed([...Object.values(state.all.alarms), ...calls(Object.values(state.all.incidents)), ...ringing(outages())]);
  views.show(incident());
  draw();
  announce();
});
state.addEventListener('link', draw);
state.addEventListener('back', (event) => {
  const { resumed, away_ms } = /** @type {CustomEvent} */ (event).detail;
  views.again();
  if (resumed && away_ms < AWAY_SAID_MS) return;
  seen.back = t(resumed ? 'back.resumed' : 'back.reloaded', { span: lasting(away_ms) });
  window.clearTimeout(seen.backed);
  seen.backed = window.setTimeout(() => { seen.back = ''; draw(); }, BACK_MS);
});
bound.addEventListener('change', draw);
state.addEventListener('signed-out', () => location.replace('/'));
state.addEventListener('admit', (event) => {
  const { grant, token } = /** @type {CustomEvent} */ (event).detail;
  void views.admit(grant, token);
});
views.addEventListener('change', draw);
views.addEventListener('need', (event) => {
  const at = incident();
  if (at?.owner === me()?.person) void state.do('admit', { grant: /** @type {CustomEvent} */ (event).detail.grant });
});
sound.addEventListener('blocked', draw);
spoken.addEventListener('language', () => {
  // What was read out was said in the language of that moment; it does not stand there in the old one.
  for (const id of ['loud', 'soft']) document.getElementById(id)?.replaceChildren();
  draw();
});
everySecond(() => { views.show(incident()); announce(); });

void document.fonts.load('400 14px Pretendard');
draw();
state.connect();
void demo().then((found) => { seen.demo = found; draw(); });

/** For the window's own tests: what cannot be read from the page. */
Object.assign(window, { safetynet: { state, sound, views, next } });
