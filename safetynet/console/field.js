/**
 * The officer's phone: one order, where to go, one picture, what he says from there. What he does without a connection
 * is kept with his own time of it; everything is wiped when the order ends, or when the centre was silent for too long.
 */
import { html, render } from 'lit';
import './age.js';
import { everySecond, now } from './clock.js';
import { icon, mark } from './icons.js';
import { apart } from './map-shapes.js';
import * as keeper from './keeper.js';
import { HELD_MS_MAX, Outbox, drawn } from './outbox.js';
import { PHOTO_BYTES_MAX, smaller } from './photo.js';
import { Picture } from './picture.js';
import { turn, way } from './route.js';
import { clock, isKorean, lasting, metres, speak, spoken, t } from './say.js';
import { net } from './sketch.js';
import { State, stateUrl } from './state.js';
import './theme.js';
import './wall.js';

/** @typedef {import('./types.js').Order} Order */
/** @typedef {import('./outbox.js').Action} Action */
const OLD_MS = 3_000;
const STALE_FIX_S = 20;
const RETRY_MS = 3_000;
const WAY_MS_MIN = 3_000;
const SWIPE_PX = 48;
const OVER = ['released', 'declined'];
const UNDER_WAY = ['accepted', 'en_route', 'on_scene'];
const UNABLE = ['elsewhere', 'too_far', 'vehicle', 'unsafe'];

const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const state = new State(stateUrl());
const outbox = new Outbox(send);
const picture = new Picture(async () => {
  const path = '/console/player/player.js';
  const { Player } = await import(path);
  const player = new Player();
  player.connect(Object.values(state.all.me)[0]?.video_url ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${Number(location.port) + 2}/video`);
  return player;
});

const seen = {
  /** An order was here and is gone: the page then says so and holds nothing else. @type {''|'over'|'silent'} */
  gone: '',
  failed: '',
  /** Whether the reasons why not, or the question before the end, are open. @type {''|'unable'|'release'} */
  asking: '',
  /** The last thing that was said from here. @type {{text: string, at: number, action: string}|null} */
  said: null,
  /** @type {GeolocationCoordinates|null} */
  here: null,
  /** @type {import('./route.js').Way|null} */
  way: null,
  way_at: 0,
  /** The order as it was last told; without a connection it stays. @type {string|null} */
  held: null,
};

const live = (/** @type {Order} */ each) => !OVER.includes(each.state);
const order = () => (seen.gone ? null : Object.values(state.all.orders).find(live) ?? null);
const old = () => !state.up || state.silence_ms() > OLD_MS;

/** Where this unit is: by this telephone, else as the centre last heard it. @returns {{lat: number, lon: number}|null} */
function mine() {
  if (seen.here) return { lat: seen.here.latitude, lon: seen.here.longitude };
  const unit = Object.values(state.all.units)[0];
  return unit ? { lat: unit.lat, lon: unit.lon } : null;
}

/** How far the order is by what was pressed here, also when the centre does not know yet. @param {Order} at */
function progress(at) {
  const waiting = outbox.held.filter((each) => each.kind === 'unit' && each.dispatch === at.dispatch).at(-1);
  return waiting ? String(waiting.fields.state) : at.state;
}

// --- what the officer does -----------------------------------------------------------------------------------------

/** @param {Action} action @returns {Promise<string|null>} */
async function send(action) {
  if (!state.up) return 'disconnected';
  const { dispatch, acted_at } = action;
  if (action.kind === 'photo') return sendPhoto(action);
  const answer = await state.do(action.kind, { dispatch, action: action.action, acted_at, ...action.fields });
  return answer.ok ? null : answer.no;
}

/** @param {Action} action @returns {Promise<string|null>} */
async function sendPhoto(action) {
  const spot = /** @type {number[]|undefined} */ (action.fields.spot);
  const said = new URLSearchParams({ dispatch: action.dispatch, action: action.action, acted_at: String(action.acted_at) });
  if (spot) ['lat', 'lon', 'radius_m'].forEach((name, i) => said.set(name, String(spot[i])));
  let answer;
  try {
    answer = await fetch(`/field/photo?${said}`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: action.picture });
  } catch (error) {
    if (error instanceof TypeError) return 'disconnected'; // the browser's word for a line that broke
    throw error;
  }
  if (answer.ok) return null;
  return answer.status >= 500 ? 'no_answer' : String((await answer.json()).reason);
}

/** @param {Order} at @param {Action['kind']} kind @param {Record<string, unknown>} fields @param {string} text @param {Blob} [jpeg] */
async function act(at, kind, fields, text, jpeg) {
  const one = { action: drawn(), dispatch: at.dispatch, kind, acted_at: Math.round(now()), fields, ...(jpeg ? { picture: jpeg } : {}) };
  seen.failed = '';
  seen.said = { text, at: one.acted_at, action: one.action };
  if (!(await outbox.add(one))) seen.failed = t('field.too_many');
  draw();
}

/** @param {Order} at @param {string} to @param {string} [unable] */
function report(at, to, unable) {
  seen.asking = '';
  void act(at, 'unit', unable ? { state: to, unable } : { state: to }, t(`UnitState.${to}`));
}

/** @returns {{spot?: [number, number, number]}} */
const spot = () => (seen.here ? { spot: [seen.here.latitude, seen.here.longitude, Math.max(1, seen.here.accuracy)] } : {});

/** @param {Order} at @param {'seen'|'not_seen'|'backup'} word */
const say = (at, word) => void act(at, 'field', { mark: word, ...spot() }, t(`FieldMark.${word}`));

/** @param {Order} at @param {Event} event */
async function photograph(at, event) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const file = input.files?.[0];
  if (!file) return;
  const jpeg = await smaller(file);
  input.value = '';
  if (jpeg && jpeg.size <= PHOTO_BYTES_MAX) await act(at, 'photo', spot(), t('field.photo'), jpeg);
  else seen.failed = t('act.failed', { act: t('field.photo'), why: t(jpeg ? 'Why.too_large' : 'Why.not_a_photo') });
  draw();
}

/** The end: nothing of the order stays on this telephone. @param {'over'|'silent'} why */
function wipe(why) {
  seen.gone = why;
  Object.assign(seen, { failed: '', asking: '', said: null, way: null, held: null });
  picture.end();
  void outbox.wipe();
  void keeper.drop();
}

// --- what is shown -------------------------------------------------------------------------------------------------

/** The way to the person, reckoned anew every few seconds. @param {Order} at */
async function reckon(at) {
  const own = mine();
  if (!at.place || !own || now() - seen.way_at < WAY_MS_MIN) return;
  seen.way_at = now();
  seen.way = way(await net(), own, at.place);
}

/** @param {Order} at */
function facts(at) {
  const own = mine();
  const far = seen.way ? seen.way.m : at.place && own ? apart(own, at.place) : null;
  const eta_s = Object.values(state.all.units)[0]?.eta_s ?? null;
  const last = at.sighting;
  return html`<dl class="facts num"><div><dt>${t('field.arrives')}</dt><dd>${progress(at) === 'on_scene' ? t('UnitState.on_scene') : eta_s === null ? t('field.unknown') : lasting(eta_s * 1000)}</dd></div>
      <div><dt>${t(seen.way ? 'field.by_road' : 'field.distance')}</dt><dd>${far === null ? t('field.unknown') : metres(far)}</dd></div>
      ${last ? html`<div><dt>${t('field.last_seen')}</dt><dd><sn-age at=${last.at}></sn-age></dd></div>`
        : html`<div><dt>${t('field.seen')}${at.place ? ` · ±${metres(at.place.radius_m)}` : ''}</dt><dd>${at.place ? html`<sn-age at=${at.place.observed_at} limit-s=${STALE_FIX_S}></sn-age>` : t('field.unknown')}</dd></div>`}</dl>`;
}

/** @param {Order} at */
function map(at) {
  const corner = seen.way ? turn(seen.way) : null;
  return html`<div class="f-map"><sn-sketch class="mapbox" .place=${at.place} .here=${mine()} .mine=${t('field.me')} .way=${seen.way} .camera=${picture.camera()} .seen=${at.sighting} label=${t('field.map')}></sn-sketch>
    ${corner ? html`<p class="f-turn num">${icon('nav', 18)}<b>${t(`field.turn_${corner.side}`, { m: metres(corner.m) })}</b> ${corner.name}</p>` : ''}
    ${at.lead_name ? lead(at.lead_name, at.lead_phone ?? null) : ''}</div>`;
}

/** Who leads at the centre; with a number of that seat a button that calls it. @param {string} name @param {string|null} phone */
const lead = (name, phone) => (phone ? html`<a class="f-lead f-call" href=${`tel:${phone}`} aria-label=${t('field.call', { name })}>${icon('phone', 18)}${t('field.lead', { name })}</a>` : html`<p class="f-lead">${t('field.lead', { name })}</p>`);

/** One picture, or why there is none. @param {Order} at */
function view(at) {
  if (!UNDER_WAY.includes(at.state)) return '';
  const tile = picture.tile();
  if (!tile) return html`<p class="f-dark">${icon('lock', 18)}${t(at.law ? 'field.no_picture' : 'field.no_ground')}</p>`;
  const { n, of } = picture.place();
  return html`<section class="f-pic" aria-label=${t('field.picture')} @touchstart=${grip} @touchend=${swipe}><sn-tile .tile=${tile} .viewer=${Object.values(state.all.me)[0]?.name ?? ''} .best=${n === 1}></sn-tile>
    ${of > 1 ? html`<button class="f-next num" data-act="next" aria-label=${t('field.next')} @click=${() => picture.next(1)}>${n}/${of} ›</button>` : ''}</section>`;
}

/** What an action was, as its button says it. @param {Action} action */
const named = (action) => (action.kind === 'photo' ? t('field.photo') : action.kind === 'field' ? t(`FieldMark.${action.fields.mark}`) : t(`UnitState.${action.fields.state}`));

let gripped = 0;
const grip = (/** @type {TouchEvent} */ event) => { gripped = event.changedTouches[0].clientX; };
function swipe(/** @type {TouchEvent} */ event) {
  const by = event.changedTouches[0].clientX - gripped;
  if (Math.abs(by) >= SWIPE_PX) picture.next(by < 0 ? 1 : -1);
}

/** @param {Order} at */
function answers(at) {
  const stands = progress(at);
  const button = (/** @type {string} */ to, /** @type {string} */ text, /** @type {string} */ sign, /** @type {string} */ look) =>
    html`<button class=${`btn ${look}`} data-state=${to} @click=${() => report(at, to)}>${icon(sign, 22)}${t(text)}</button>`;
  if (seen.asking === 'unable') {
    return html`<p class="f-ask">${t('field.why_not')}</p>${UNABLE.map((why) => html`<button class="btn" data-unable=${why} @click=${() => report(at, 'declined', why)}>${t(`Unable.${why}`)}</button>`)}
      <button class="btn whole" @click=${() => { seen.asking = ''; draw(); }}>${t('act.back')}</button>`;
  }
  if (stands === 'ordered' || stands === 'received') {
    return html`${button('accepted', 'field.accept', 'check', 'main')}<button class="btn" data-act="unable" @click=${() => { seen.asking = 'unable'; draw(); }}>${icon('x', 22)}${t('field.decline')}</button>
      ${at.answer_by ? html`<p class="num">${t('dispatch.answer')} <b><sn-age mode="until" at=${at.answer_by}></sn-age></b></p>` : ''}`;
  }
  const go = stands === 'accepted' ? button('en_route', 'field.en_route', 'nav', 'main whole') : stands === 'en_route' ? button('on_scene', 'field.on_scene', 'check', 'main whole') : '';
  return html`${go}<button class=${go ? 'btn' : 'btn main'} data-mark="seen" @click=${() => say(at, 'seen')}>${icon('eye', 22)}${t('FieldMark.seen')}</button>
    <button class="btn" data-mark="not_seen" @click=${() => say(at, 'not_seen')}>${icon('eyeoff', 22)}${t('FieldMark.not_seen')}</button>
    <button class="btn help" data-mark="backup" @click=${() => say(at, 'backup')}>${icon('flag', 22)}${t('FieldMark.backup')}</button>
    <label class="btn photo">${icon('camera', 22)}${t('field.photo')}<input class="vh" type="file" accept="image/*" capture="environment" @change=${(/** @type {Event} */ event) => void photograph(at, event)}></label>`;
}

/** The newest line that who leads wrote to all units. @param {Order} at */
function told(at) {
  const last = at.told?.at(-1);
  return last ? html`<p class="f-told" role="status"><b>${t('field.told')}</b> <span class="num">${last.by_name} ${clock(last.at)}</span><span>${last.text}</span></p>` : '';
}

/** What became of the last word, and whether the centre has taken notice of a call. @param {Order} at */
function standing(at) {
  const waits = outbox.held.some((each) => each.action === seen.said?.action);
  if (seen.failed) return html`<p class="note failed" role="alert">${seen.failed}</p>`;
  if (at.backup) return html`<p class="f-said help num" role="status">${t(at.backup.answered_at ? 'field.backup_answered' : 'field.backup_waits', { at: clock(at.backup.answered_at ?? at.backup.at) })}</p>`;
  return seen.said ? html`<p class="f-said num" role="status">${seen.said.text} ${clock(seen.said.at)} · ${t(waits ? 'field.kept' : 'field.sent')}</p>` : '';
}

/** @param {Order} at */
function card(at) {
  const stands = progress(at);
  const asked = stands === 'ordered' || stands === 'received';
  const until = at.grants.reduce((least, each) => Math.min(least, each.until), Infinity);
  const others = at.others.filter((each) => live(/** @type {Order} */ (/** @type {unknown} */ (each))));
  return html`<header class="f-top"><div><h1>${t(`AlarmKind.${at.kind_word}`)}</h1><p><b>${t(asked ? 'field.order' : `UnitState.${stands}`)}</b> · ${at.office}${others.map((each) => ` · ${each.unit_name} ${t(`UnitState.${each.state}`)}`)}</p></div>
      <div class="f-st"><sn-age mode="clock" at="0"></sn-age><span class=${old() ? 'bad' : ''}>${t(old() ? 'field.bad' : 'field.good')}</span></div></header>
    ${facts(at)}${map(at)}${view(at)}
    <div class="go">${told(at)}${standing(at)}${answers(at)}
      <p class="lawm num"><span>§ ${at.law ? `${isKorean() ? at.law.article_ko : at.law.article_en} · ${at.law.conditions.map((each) => t(`Condition.${each}`)).join(' · ')}` : t('field.rules')}</span>
        <span>${until < Infinity ? t('field.ends', { at: clock(until).slice(0, 5) }) : ''}${stands === 'on_scene' ? done(at) : ''}</span></p></div>`;
}

/** His part is over: asked once. @param {Order} at */
function done(at) {
  return seen.asking === 'release' ? html`<button class="link" data-state="released" @click=${() => report(at, 'released')}>${t('field.done_sure')}</button>`
    : html`<button class="link" data-act="done" @click=${() => { seen.asking = 'release'; draw(); }}>${t('field.done')}</button>`;
}

/** Opened without a network: what is here, and what is not. */
const unreached = () => html`<div class="f-none"><span class="mark">${mark}</span><h1>${t('field.unreached')}</h1><p>${t('field.unreached_more')}</p>
    ${outbox.held.length ? html`<section class="f-kept" aria-labelledby="f-kept"><h2 id="f-kept" role="status">${t('field.offline', { n: outbox.held.length })}</h2>
      <ul class="num">${outbox.held.map((each) => html`<li><span>${clock(each.acted_at)}</span> ${named(each)}</li>`)}</ul></section>` : html`<p role="status">${t('field.nothing_kept')}</p>`}
    <button class="link" @click=${() => speak(isKorean() ? 'en' : 'ko')}>${t('head.language')}</button></div>`;

function nothing() {
  if (!seen.gone && !state.ready() && old()) return unreached();
  return html`<div class="f-none"><span class="mark">${mark}</span><h1>${t(seen.gone === 'silent' ? 'field.silent' : seen.gone ? 'field.over' : 'field.none')}</h1><p>${seen.gone ? t('field.over_more') : ''}</p>
    <p class=${old() ? 'bad' : ''}>${t(old() ? 'field.bad' : 'field.good')}</p>
    ${keeper.mayAsk() ? html`<button class="btn" data-act="notify" @click=${() => void keeper.ask().then(draw)}>${t('field.notify')}</button>` : ''}
    <button class="link" @click=${() => speak(isKorean() ? 'en' : 'ko')}>${t('head.language')}</button>
    <button class="link" @click=${() => void leave()}>${t('sign.out')}</button></div>`;
}

async function leave() {
  wipe('over');
  await fetch('/sign-out', { method: 'POST' });
  location.assign('/');
}

function draw() {
  const at = order();
  const kept = outbox.held.length;
  render(html`<main class="phone" data-old=${String(old())}>${at && (old() || kept) ? html`<p class=${old() ? 'f-strip off' : 'f-strip'} role="status">${old() ? (kept ? t('field.offline', { n: kept }) : t('field.bad')) : t('field.sending', { n: kept })}</p>` : ''}
    ${at ? card(at) : nothing()}</main>`, page);
  document.title = `${t(at ? 'field.order' : 'field.title')} — ${t('product')}`;
}

// --- wiring --------------------------------------------------------------------------------------------------------

/** The newest word of the centre: a new order begins, or the one that was here is over. */
function heed() {
  const at = Object.values(state.all.orders).find(live) ?? null;
  if (at && at.dispatch !== seen.held) {
    seen.gone = '';
    seen.held = at.dispatch;
    seen.said = null;
    void keeper.keep();
    void keeper.notice(Object.values(state.all.orders).filter(live).length);
  } else if (!at && seen.held) wipe('over');
  if (state.ready() && state.up) void outbox.keepOnly((dispatch) => dispatch === at?.dispatch).then(() => outbox.flush());
  if (at) void reckon(at).then(draw);
  picture.show(at && UNDER_WAY.includes(at.state) ? at : null);
  draw();
}

state.addEventListener('change', heed);
state.addEventListener('link', () => { draw(); if (state.up) void outbox.flush(); });
state.addEventListener('signed-out', () => { wipe('over'); location.replace('/'); });
state.addEventListener('admit', (event) => {
  const { grant, token } = /** @type {CustomEvent} */ (event).detail;
  void picture.admit(grant, token);
});
picture.addEventListener('need', (event) => void state.do('admit', /** @type {CustomEvent} */ (event).detail));
picture.addEventListener('change', draw);
outbox.addEventListener('change', draw);
outbox.addEventListener('refused', (event) => {
  const { action, why } = /** @type {CustomEvent} */ (event).detail;
  seen.failed = t('act.failed', { act: named(action), why: t(`Why.${why}`) });
  draw();
});
spoken.addEventListener('language', draw);
everySecond(() => {
  if (seen.held && state.silence_ms() > HELD_MS_MAX) {
    wipe('silent');
    state.all.orders = {};
  }
  if (!state.up && outbox.held.length) void outbox.expire(now());
  const at = order();
  if (at) void reckon(at);
  picture.show(at && UNDER_WAY.includes(at.state) ? at : null);
  draw();
});
window.setInterval(() => { if (outbox.held.length) void outbox.flush(); }, RETRY_MS);
navigator.geolocation?.watchPosition((found) => { seen.here = found.coords; }, () => { seen.here = null; }, { enableHighAccuracy: true });
draw();
state.connect();
