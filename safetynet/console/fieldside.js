/** What came from officers in the field, on the operator's screen: a call for backup, where they stood, their photographs. */
import { html } from 'lit';
import './age.js';
import { icon } from './icons.js';
import { clock, t } from './say.js';

/** @typedef {import('./types.js').Incident} Incident */
const MARKS_SHOWN_MAX = 5;
const TOLD_CHARS_MAX = 200;
const LISTENING = ['ordered', 'received', 'accepted', 'en_route', 'on_scene'];

/** Calls that nobody has answered, as the sound heeds alarms. @param {Incident[]} incidents */
export const calls = (incidents) => incidents.filter((each) => each.state !== 'closed' && each.backup && each.backup.answered_at === null)
  .map((each) => ({ id: `backup ${each.backup?.action}`, priority: 1, state: 'unacked' }));

/** The bar above an incident whose unit needs backup. @param {Incident} incident @param {() => void} answer */
export function backup(incident, answer) {
  const call = incident.state === 'closed' ? null : incident.backup;
  if (!call) return '';
  return html`<div class=${call.answered_at === null ? 'fs-call' : 'fs-call known'} role=${call.answered_at === null ? 'alert' : 'status'}>${icon('flag')}<span><b>${t('FieldMark.backup')} · ${call.unit_name}</b>
    <span class="num">${call.by_name} · <sn-age at=${call.at}></sn-age>${call.answered_at === null ? '' : ` · ${t('fieldside.answered', { name: call.answered_name ?? '', at: clock(call.answered_at) })}`}</span></span>
    ${call.answered_at === null ? html`<button class="btn sm" data-act="backup" @click=${answer}>${icon('check', 16)}<span>${t('act.backup')}</span></button>` : ''}</div>`;
}

/** A line to every unit that was sent, while one of them listens. @param {Incident} incident @param {(text: string) => void} send */
export function tell(incident, send) {
  if (incident.state === 'closed' || !incident.dispatches.some((each) => LISTENING.includes(each.state))) return '';
  return html`<form class="blk fs-tell" @submit=${(/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('text'));
    if (!field.value.trim()) return;
    send(field.value);
    form.reset();
  }}><label><span>${t('fieldside.tell')}</span><input name="text" maxlength=${TOLD_CHARS_MAX} autocomplete="off" placeholder=${t('fieldside.tell_hint')}></label><button class="btn sm" data-act="tell">${icon('nav', 16)}<span>${t('act.tell')}</span></button></form>`;
}

/** Their words and photographs, newest first. @param {Incident} incident */
export function block(incident) {
  const [marks, photos, told] = [incident.marks ?? [], incident.photos ?? [], incident.told ?? []];
  if (!marks.length && !photos.length && !told.length) return '';
  return html`<div class="blk"><div class="sec-h"><h2>${t('fieldside.title')}</h2></div>
    ${told.length ? html`<ul class="sent">${told.slice(-MARKS_SHOWN_MAX).reverse().map((each) => html`<li><b>${t('act.tell')}</b><span>“${each.text}” · ${each.by_name}</span><span class="t num">${clock(each.at)}</span></li>`)}</ul>` : ''}
    <ul class="sent">${marks.slice(-MARKS_SHOWN_MAX).reverse().map((each) => html`<li class=${each.mark === 'backup' ? 'late' : ''}><b>${t(`FieldMark.${each.mark}`)}</b><span>${each.unit_name} · ${each.by_name}</span><span class="t num">${clock(each.at)}</span></li>`)}</ul>
    ${photos.length ? html`<div class="fs-photos">${[...photos].reverse().map((each) => html`<a href=${`/photo/${incident.id}/${each.photo}`} target="_blank" rel="noopener"><img loading="lazy" src=${`/photo/${incident.id}/${each.photo}`}
      alt=${t('fieldside.photo', { unit: each.unit_name, at: clock(each.at) })}><span class="num">${each.unit_name} · ${clock(each.at)}</span></a>`)}</div>` : ''}</div>`;
}

/** Where officers stood when they said so; the person is near there, not there. @param {Incident|null} incident */
export function marks(incident) {
  if (!incident || incident.state === 'closed') return [];
  return (incident.marks ?? []).slice(-MARKS_SHOWN_MAX).flatMap((each) => (each.spot ? [{
    id: `field ${each.action}`, lat: each.spot.lat, lon: each.spot.lon, look: 'mk-field',
    text: `${each.unit_name}: ${t(`FieldMark.${each.mark}`)} ${clock(each.at)}`,
    what: html`<span class=${`m-field ${each.mark}`}><i></i><span class="m-tag"><b>${t(`FieldMark.${each.mark}`)}</b><span class="num">${each.unit_name} · ${clock(each.at)}</span></span></span>`,
  }] : []));
}
