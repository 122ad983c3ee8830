/** The officer's phone: one order, where to go, three answers. Everything is wiped when the order ends. */
import { html, render } from 'lit';
import './age.js';
import { everySecond } from './clock.js';
import { icon, mark } from './icons.js';
import './sketch.js';
import { apart } from './map-shapes.js';
import { isKorean, lasting, metres, speak, spoken, t } from './say.js';
import { State, stateUrl } from './state.js';
import './theme.js';

/** @typedef {import('./types.js').Order} Order */
const OLD_MS = 3_000;
const STALE_FIX_S = 20;
const page = /** @type {HTMLElement} */ (document.getElementById('page'));
const state = new State(stateUrl());
/** Whether an order was here and is gone: the page then says so and holds nothing else. */
let had = false;
let failed = '';
/** @type {GeolocationCoordinates|null} */
let here = null;

const order = () => Object.values(state.all.orders).find((each) => each.state !== 'released' && each.state !== 'declined') ?? null;

/** Where this unit is: by this telephone, else as the centre last heard it. @returns {{lat: number, lon: number}|null} */
function mine() {
  if (here) return { lat: here.latitude, lon: here.longitude };
  const unit = Object.values(state.all.units)[0];
  return unit ? { lat: unit.lat, lon: unit.lon } : null;
}

/** What may be answered next. @type {Record<string, {state: string, text: string, sign: string}[]>} */
const NEXT = {
  ordered: [{ state: 'accepted', text: 'field.accept', sign: 'check' }, { state: 'declined', text: 'field.decline', sign: 'x' }],
  received: [{ state: 'accepted', text: 'field.accept', sign: 'check' }, { state: 'declined', text: 'field.decline', sign: 'x' }],
  accepted: [{ state: 'en_route', text: 'field.en_route', sign: 'nav' }],
  en_route: [{ state: 'on_scene', text: 'field.on_scene', sign: 'check' }],
};

/** @param {Order} at @param {string} to */
async function report(at, to) {
  const answer = await state.do('unit', { dispatch: at.dispatch, state: to });
  failed = answer.ok ? '' : t('act.failed', { act: t(`UnitState.${to}`), why: t(`Why.${answer.no}`) });
  draw();
}

/** @param {Order} at */
function card(at) {
  const answers = NEXT[at.state] ?? [];
  const own = mine();
  const far = at.place && own ? metres(apart(own, at.place)) : t('field.unknown');
  const eta_s = Object.values(state.all.units)[0]?.eta_s ?? null;
  const asked = at.state === 'ordered' || at.state === 'received';
  return html`<header class="f-top"><div><h1>${t(`AlarmKind.${at.kind_word}`)}</h1><p><b>${t(asked ? 'field.order' : `UnitState.${at.state}`)}</b> · ${at.office}</p></div>
      <div class="f-st"><sn-age mode="clock" at="0"></sn-age><span class=${old() ? 'bad' : ''}>${t(old() ? 'field.bad' : 'field.good')}</span></div></header>
    <dl class="facts num"><div><dt>${t('field.arrives')}</dt><dd>${at.state === 'on_scene' ? t('UnitState.on_scene') : eta_s === null ? t('field.unknown') : lasting(eta_s * 1000)}</dd></div><div><dt>${t('field.distance')}</dt><dd>${far}</dd></div>
      <div><dt>${t('field.seen')}${at.place ? ` · ±${metres(at.place.radius_m)}` : ''}</dt><dd>${at.place ? html`<sn-age at=${at.place.observed_at} limit-s=${STALE_FIX_S}></sn-age>` : t('field.unknown')}</dd></div></dl>
    <sn-sketch class="mapbox" .place=${at.place} .here=${own} .mine=${t('field.me')} label=${t('field.map')}></sn-sketch>
    <div class="go">${failed ? html`<p class="note failed" role="alert">${failed}</p>` : ''}
      ${answers.map((each, i) => html`<button class=${i ? 'btn' : 'btn main'} data-state=${each.state} @click=${() => void report(at, each.state)}>${icon(each.sign, 22)}${t(each.text)}</button>`)}
      ${at.answer_by && asked ? html`<p class="num">${t('dispatch.answer')} <b><sn-age mode="until" at=${at.answer_by}></sn-age></b></p>` : ''}
      <p class="lawm">§ ${t('field.rules')}</p></div>`;
}

const old = () => !state.up || state.silence_ms() > OLD_MS;

function draw() {
  const at = order();
  if (at) had = true;
  render(html`<main class="phone" data-old=${String(old())}>${at ? card(at) : html`<div class="f-none"><span class="mark">${mark}</span>
      <h1>${t(had ? 'field.over' : 'field.none')}</h1><p>${had ? t('field.over_more') : ''}</p><p class=${old() ? 'bad' : ''}>${t(old() ? 'field.bad' : 'field.good')}</p>
      <button class="link" @click=${() => speak(isKorean() ? 'en' : 'ko')}>${t('head.language')}</button>
      <button class="link" @click=${() => void fetch('/sign-out', { method: 'POST' }).then(() => location.assign('/'))}>${t('sign.out')}</button></div>`}</main>`, page);
  document.title = `${t(at ? 'field.order' : 'field.title')} — ${t('product')}`;
}

state.addEventListener('change', draw);
state.addEventListener('link', draw);
state.addEventListener('signed-out', () => location.replace('/'));
spoken.addEventListener('language', draw);
everySecond(draw);
navigator.geolocation?.watchPosition((found) => { here = found.coords; }, () => { here = null; }, { enableHighAccuracy: true });
draw();
state.connect();
