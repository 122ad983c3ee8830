/** `sn-sheet`: the incident from top to bottom; `sn-steps`, `sn-record` within it. The one filled button is the next right act. */
import { html } from 'lit';
import './age.js';
import { Light } from './base.js';
import { backup, block, tell } from './fieldside.js';
import { icon, shape } from './icons.js';
import { label } from './keys.js';
import { certainty, clock, count, day, metres, span, speed, t } from './say.js';

/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Step} Step */

/** @type {Record<string, {act: string, key: string, sign: string}>} */
export const ACTS = {
  claim: { act: 'claim', key: 'Enter', sign: 'user' },
  take_over: { act: 'take_over', key: 'Enter', sign: 'user' },
  ack: { act: 'ack', key: 'A', sign: 'check' },
  video: { act: 'video', key: 'V', sign: 'video' },
  police: { act: 'police', key: 'P', sign: 'shield' },
  office: { act: 'office', key: 'D', sign: 'send' },
  call: { act: 'call', key: 'C', sign: 'phone' },
  locate: { act: 'locate', key: 'L', sign: 'follow' },
  close: { act: 'close', key: 'X', sign: 'doc' },
  hand_over: { act: 'hand_over', key: 'H', sign: 'user' },
  shelve: { act: 'shelve', key: 'Z', sign: 'clock' },
};
const LISTED = ['video', 'office', 'police', 'call', 'locate', 'shelve', 'close', 'hand_over'];

/** What to do next: whose incident it is first, then the catalogue's steps. @param {Incident} incident @param {string} me */
export function next(incident, me) {
  if (incident.state === 'open') return 'claim';
  if (incident.owner !== me) return 'take_over';
  if (incident.steps.some((each) => each.step === 'ack' && each.state !== 'done')) return 'ack';
  const due = incident.steps.find((each) => each.state === 'late') ?? incident.steps.find((each) => each.state === 'now');
  return due?.step ?? 'close';
}

export class Steps extends Light {
  static properties = { items: { attribute: false } };

  constructor() {
    super();
    /** @type {Step[]} */
    this.items = [];
  }

  render() {
    const done = this.items.filter((each) => each.state === 'done').length;
    return html`<div class="sec-h"><h2>${t('sheet.steps')}</h2><span class="num">${t('sheet.steps_done', { n: this.items.length, done })}</span></div>
      <ol class="steps num">${this.items.map((each, i) => html`<li class=${each.state} aria-current=${each.state === 'now' || each.state === 'late' ? 'step' : 'false'}>
        <span class="mk">${each.state === 'done' ? icon('check', 12) : each.state === 'skipped' || each.state === 'not_applicable' ? '–' : i + 1}</span><span>${t(`step.${each.step}`)}<span class="vh"> ${t(`StepState.${each.state}`)}</span></span>${this.#time(each)}</li>`)}</ol>`;
  }

  /** @param {Step} step */
  #time(step) {
    if (step.state === 'done') return html`<span class="t">${step.at ? clock(step.at) : ''}</span>`;
    if (step.state === 'skipped') return html`<span class="t">${t('StepState.skipped')}</span>`;
    if (step.state === 'not_applicable') return html`<span class="t">${t(`Why.${step.why}`)}</span>`;
    if (step.state === 'sent' && step.due_at) return html`<span class="t">${t('step.sent')} <sn-age mode="until" at=${step.due_at}></sn-age></span>`;
    if (step.due_at) return html`<span class="t"><sn-age mode="within" at=${step.due_at}></sn-age></span>`;
    return step.step === 'close' ? html`<span class="t">${t('step.never')}</span>` : html`<kbd>${label(ACTS[step.step]?.act ?? '', ACTS[step.step]?.key)}</kbd>`;
  }
}

/** After the end nothing is due: what was not done was not done. @param {Step[]} steps @returns {Step[]} */
const over = (steps) => steps.map((each) => (each.state === 'done' || each.state === 'not_applicable' ? each : { ...each, state: 'skipped', due_at: null }));

/** Words of the details of a record line. @type {Record<string, string>} */
const DETAILS = { kind: 'AlarmKind', why: 'Why', code: 'Disposition', outcome: 'CallOutcome', certainty: 'Certainty', sight: 'Sight', heading: 'Heading', travel: 'Travel', standing: 'Standing', answer: 'WarningAnswer', purpose: 'Purpose', mark: 'FieldMark', unable: 'Unable', reason: 'Reassign', shelved: 'ShelveReason', surfaced: 'Surfacing', suppression: 'Suppression', change: 'Change' };
const STATES = { unit_reported: 'UnitState', police_notice_answered: 'NoticeState' };

/** @param {import('./types.js').Entry} entry */
export function details(entry) {
  return Object.entries(entry.with ?? {}).flatMap(([key, value]) => {
    if (value === null || value === undefined || value === '') return [];
    if (key === 'cameras') return [t('record.cameras', { n: Array.isArray(value) ? value.length : Number(value) })];
    if (key === 'state') return [t(`${STATES[/** @type {keyof typeof STATES} */ (entry.what)] ?? 'UnitState'}.${value}`)];
    if (key === 'acted_at') return [t('fieldside.acted', { at: clock(Number(value)) })];
    if (key === 'text') return [`“${value}”`];
    if (key in DETAILS) return [t(`${DETAILS[key]}.${value}`)];
    return key.endsWith('name') ? [String(value)] : [];
  });
}

/** Who is competent, or who comes into question and why nobody is for certain. @param {import('./types.js').Competent} answer */
function competent({ kind, finding, names }) {
  if (finding === 'competent') return names.join(' / ');
  const why = `${t(`OfficeKind.${kind}`)}: ${t(`Finding.${finding}`)}`;
  return names.length ? `${why} (${names.join(' / ')})` : why;
}

/** Why a team is not the competent office's: nothing when it is, or when nobody can say. @param {string|null|undefined} standing */
function elsewhere(standing) {
  return standing && standing !== 'competent' && standing !== 'unknown' ? t(`Standing.${standing}`) : '';
}

/** What machines say over and over; a run of it must not push what people did out of sight. */
const CHATTER = ['cameras_proposed', 'cameras_changed', 'position_followed'];

/** Runs of chatter as one line, with the newest time and everything that was said in it once. @param {import('./types.js').Entry[]} entries newest first */
function folded(entries) {
  /** @type {{entry: import('./types.js').Entry, n: number, said: string[]}[]} */
  const lines = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    if (last && last.entry.what === entry.what && CHATTER.includes(entry.what)) {
      last.n += 1;
      last.said = [...new Set([...last.said, ...details(entry)])];
    } else lines.push({ entry, n: 1, said: details(entry) });
  }
  return lines;
}

export class RecordList extends Light {
  static properties = { entries: { attribute: false }, sealed: { type: Number } };

  constructor() {
    super();
    /** @type {import('./types.js').Entry[]} */
    this.entries = [];
    this.sealed = 0;
  }

  render() {
    return html`<div class="sec-h"><h2>${t('sheet.record')}</h2><span class="num">${t('sheet.sealed', { n: count(this.sealed) })}</span></div>
      <ul class="tl num">${folded(this.entries).map(({ entry, n, said }) => html`<li><time>${clock(entry.at)}</time><span>${[entry.by_name, t(`event.${entry.what}`), ...said].filter(Boolean).join(' · ')}${n > 1 ? html` <span class="grp">×${n}</span>` : ''}</span></li>`)}</ul>`;
  }
}

export class Sheet extends Light {
  static properties = { incident: { attribute: false }, me: { type: String }, inner: { attribute: false }, note: { attribute: false }, best: { attribute: false }, shelf: { type: String } };

  constructor() {
    super();
    /** @type {Incident|null} */
    this.incident = null;
    this.me = '';
    /** What takes the place of the steps: a choice that was opened (dispatch, call, hand over). @type {unknown} */
    this.inner = null;
    /** The outcome of the last act, in place. @type {{text: string, failed: boolean}|null} */
    this.note = null;
    /** The unit that D would send. @type {string|null} */
    this.best = null;
    /** What Z would do with its alarms: `shelve`, `unshelve` or nothing. */
    this.shelf = '';
  }

  render() {
    const incident = this.incident;
    if (!incident) return html``;
    return html`<div class=${`inc p${incident.priority} ${incident.state}`}><h2>${shape(incident.priority, 26, incident.state === 'closed')}<span>${t(`AlarmKind.${incident.kind}`)}</span>${incident.state === 'closed' ? html`<span class="tagged">${t('state.closed')}</span>` : ''}
        <span class="el num">${incident.closed_at ? span(incident.closed_at - incident.opened_at) : html`<sn-age mode="since" at=${incident.opened_at}></sn-age>`}</span></h2>
        <div class="sub"><span class="num">${t('sheet.incident', { id: incident.id })}</span>${incident.state === 'closed' ? html`<span class="num">${clock(incident.opened_at)} – ${clock(incident.closed_at ?? 0)}</span><b class="how">${t(`Disposition.${incident.code}`)}</b>`
          : html`<span class="num">${t('sheet.opened', { at: clock(incident.opened_at) })} · ${this.#owner(incident)}</span>`}</div></div>
      ${incident.after ? html`<p class="note" id="after">${t('sheet.after', { id: incident.after.id, at: clock(incident.after.closed_at), code: incident.after.code ? t(`Disposition.${incident.after.code}`) : '' })}</p>` : ''}
      ${backup(incident, () => this.tell('sn-act', { act: 'backup' }))}
      <div class="s-body" tabindex="0" role="region" aria-label=${t('sheet.label')}>${this.#who(incident)}${this.#why(incident)}
        <div class="blk">${this.inner ?? html`<sn-steps .items=${incident.state === 'closed' ? over(incident.steps) : incident.steps}></sn-steps>`}</div>
        ${this.#protected(incident)}${this.#sent(incident)}${incident.owner === this.me ? tell(incident, (text) => this.tell('sn-act', { act: 'tell', text })) : ''}${block(incident)}${this.#duties(incident)}
        <div class="blk last"><sn-record .entries=${incident.record} .sealed=${incident.sealed}></sn-record></div></div>
      ${this.#acts(incident)}`;
  }

  /** @param {Incident} incident */
  #owner(incident) {
    if (!incident.owner) return t('sheet.owner_none');
    return incident.owner === this.me ? t('sheet.mine') : t('sheet.owner', { name: incident.owner_name ?? '' });
  }

  /** @param {Incident} incident */
  #who({ who, district }) {
    return html`<div class="blk"><div class="who-r"><div class="ph">${icon('user', 34)}</div><dl class="kv"><dt>${t('sheet.wearer')}</dt><dd><b>${who.age === null ? who.name : t('sheet.age', { name: who.name, age: who.age })}</b></dd>
      <dt>${t('sheet.case')}</dt><dd class="num">${who.case_no}</dd><dt>${t('sheet.office')}</dt><dd>${[who.office, who.officer].filter(Boolean).join(' · ')}</dd>
      ${district ? html`<dt>${t('sheet.district')}</dt><dd class="district">${[district.areas.join(' / '), ...district.offices.map(competent)].filter(Boolean).join(' · ')}</dd>` : ''}</dl></div></div>`;
  }

  /** @param {Incident} incident */
  #why({ evidence, place, speed_mps }) {
    const words = (/** @type {string[]} */ list) => (list.length ? list.map((each) => t(`Evidence.${each}`)).join(' · ') : t('sheet.none'));
    return html`<div class="blk"><div class="sec-h"><h2>${t('sheet.why')}</h2><span>${t(`Certainty.${evidence.certainty}`)}</span></div><dl class="kv">
      <dt>${t('sheet.for')}</dt><dd>${words(evidence.for)}</dd><dt>${t('sheet.against')}</dt><dd>${words(evidence.against)}</dd>
      <dt>${t('sheet.position')}</dt><dd class="num">${place ? html`${t('sheet.observed', { observed: clock(place.observed_at), received: clock(place.received_at) })}<br>${certainty(place)}${speed_mps !== null && speed_mps > 0.3 ? ` · ${speed(speed_mps)}` : ''}` : t('map.no_fix')}</dd>
      ${evidence.reach ? html`<dt>${t('sheet.reach')}</dt><dd class="num">${t('sheet.reach_by', { foot: metres(evidence.reach.on_foot_m), car: metres(evidence.reach.by_car_m) })}</dd>` : ''}</dl></div>`;
  }

  /** Whom it concerns besides: how near, and what was told. @param {Incident} incident */
  #protected({ protected: shielded }) {
    if (!shielded?.length) return '';
    const told = (/** @type {import('./types.js').Shielded} */ each) => {
      if (each.answer) return t(`WarningAnswer.${each.answer}`);
      if (each.warned_at) return `${t('sheet.protected.warned')} ${clock(each.warned_at)}`;
      return t(each.why ? 'sheet.protected.withheld' : 'sheet.protected.unwarned');
    };
    return html`<div class="blk"><div class="sec-h"><h2>${t('sheet.protected')}</h2></div><ul class="sent">${shielded.map((each) => html`<li><b>${each.name || each.id}</b>
      <span class="num">${[each.near_m === null ? '' : t('sheet.protected.near', { m: metres(each.near_m) }), told(each)].filter(Boolean).join(' · ')}</span><span class="t num">${each.place ? html`<sn-age at=${each.place.observed_at}></sn-age>` : ''}</span></li>`)}</ul></div>`;
  }

  /** @param {Incident} incident */
  #sent({ dispatches, notices, calls }) {
    if (!dispatches.length && !notices.length && !calls.length) return '';
    const row = (/** @type {string} */ name, /** @type {string} */ state, /** @type {import('./types.js').Dispatch|import('./types.js').Notice} */ { answer_by, answered_at, overdue }, /** @type {boolean} */ waits) => {
      const late = answered_at ? t('dispatch.answered_late', { at: clock(answered_at) }) : t('dispatch.overdue');
      return html`<li class=${overdue && !answered_at ? 'late' : ''}><b>${name}</b><span>${overdue ? `${state} · ${late}` : state}</span>
        <span class="t num">${waits && answer_by ? html`<sn-age mode="within" at=${answer_by}></sn-age>` : answered_at ? clock(answered_at) : ''}</span></li>`;
    };
    const about = (/** @type {import('./types.js').Notice} */ each) => [t(`NoticeState.${each.state}`), each.kind ? t(`AlarmKind.${each.kind}`) : '', t('sheet.sent_at', { at: clock(each.sent_at) })].filter(Boolean).join(' · ');
    return html`<div class="blk"><div class="sec-h"><h2>${t('sheet.sent')}</h2></div><ul class="sent">
      ${dispatches.map((each) => row(each.unit_name, [t(`UnitState.${each.state}`), elsewhere(each.standing)].filter(Boolean).join(' · '), each, each.state === 'ordered' || each.state === 'received'))}
      ${notices.map((each) => row(each.room_name, about(each), each, each.state !== 'read'))}
      ${calls.length ? html`<li><b>${t('step.call')}</b><span>${t(`CallOutcome.${calls[calls.length - 1].outcome}`)}</span><span class="t num">${clock(calls[calls.length - 1].at)}</span></li>` : ''}</ul></div>`;
  }

  /** @param {Incident} incident */
  #duties({ duties }) {
    if (!duties.length) return '';
    return html`<div class="blk"><div class="sec-h"><h2>${t('sheet.duties')}</h2></div>${duties.map((each) => html`<p class="num">${t('sheet.duty', { day: day(each.due_at), duty: t(`Duty.${each.duty}`) })}</p>`)}</div>`;
  }

  /** @param {Incident} incident */
  #acts(incident) {
    if (incident.state === 'closed') return html`<div class="acts"><button class="btn main wide" data-act="back" @click=${() => this.tell('sn-back')}>${icon('list')}<span>${t('act.to_queue')}</span> <kbd>Esc</kbd></button></div>`;
    const main = next(incident, this.me);
    const listed = incident.owner === this.me ? LISTED.filter((each) => each !== main && !(each === 'shelve' && !this.shelf) && !(each === 'locate' && !incident.locatable) && !(each === 'video' && (incident.video.state === 'granted' || !incident.law.basis))) : [];
    const { act, key, sign } = ACTS[main];
    const text = main === 'office' && this.best ? t('act.send', { name: this.best }) : t(`act.${act}`);
    return html`${incident.state === 'claimed' && incident.owner !== this.me ? html`<p class="note others" id="others">${icon('user', 16)} ${t('sheet.others', { name: incident.owner_name ?? '' })}</p>` : ''}
      ${this.note ? html`<p class=${this.note.failed ? 'note failed' : 'note'} role="status">${this.note.text}</p>` : ''}
      <div class="acts"><button class=${this.inner ? 'btn wide' : 'btn main wide'} data-act=${main} @click=${() => this.tell('sn-act', { act: main })}>${icon(sign)}<span>${text}</span> <kbd>${label(act, key)}</kbd></button>
      ${listed.map((each) => html`<button class="btn sm" data-act=${each} @click=${() => this.tell('sn-act', { act: each })}>${icon(ACTS[each].sign, 16)}<span>${t(`act.${each === 'shelve' ? this.shelf : each}`)}</span> <kbd>${label(ACTS[each].act, ACTS[each].key)}</kbd></button>`)}</div>`;
  }
}

customElements.define('sn-steps', Steps);
customElements.define('sn-record', RecordList);
customElements.define('sn-sheet', Sheet);
