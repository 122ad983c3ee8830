/** `sn-queue` and its rows `sn-alarm`. The list never re-sorts beneath the selection: order is fixed by priority and age. */
import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import './age.js';
import { Light } from './base.js';
import { waits } from './floods.js';
import { icon, shape } from './icons.js';
import { clock, count, metres, t } from './say.js';

/** @typedef {import('./types.js').Alarm} Alarm */
/** @typedef {import('./types.js').Incident} Incident */
/** @typedef {import('./types.js').Shelf} Shelf */
/** `shelved` has no tab of its own: it stands below what waits, with the time until it rings again. @typedef {'waiting'|'handling'|'shelved'|'closed'} Tab */
/**
 * A row: the worst alarm of an incident (or one that has none yet), and how many it stands for.
 * @typedef {{id: string, alarm: Alarm, incident: Incident|null, n: number, tab: Tab, mine: boolean, shelf: Shelf|null}} Row
 */
const CLOSED_ROWS_MAX = 50;
const STALE_FIX_S = 20;

/**
 * Rows of the queue: one per incident, one per alarm that is in none. Waiting means that nobody holds it or
 * something in it is not acknowledged.
 * @param {Alarm[]} alarms @param {Record<string, Incident>} incidents @param {string} me @param {Record<string, Shelf>} [shelves]
 * @returns {Row[]}
 */
export function rows(alarms, incidents, me, shelves = {}) {
  /** @type {Map<string, Alarm[]>} */
  const groups = new Map();
  for (const alarm of alarms) {
    const key = alarm.incident ?? alarm.id;
    groups.set(key, [...(groups.get(key) ?? []), alarm]);
  }
  const made = [...groups].map(([id, group]) => {
    const incident = incidents[id] ?? null;
    const sorted = [...group].sort((a, b) => a.priority - b.priority || a.raised_at - b.raised_at);
    const fresh = group.find((each) => open(each)) ?? sorted[0];
    const called = incident?.backup && incident.state !== 'closed';
    const alarm = sorted[0].state === 'closed' ? sorted[0] : { ...sorted[0], state: fresh.state, ...(called ? { priority: 1 } : {}) };
    const closed = incident ? incident.state === 'closed' : alarm.state === 'closed';
    const held = incident?.state === 'claimed';
    const mine = held && incident.owner === me;
    const waits = group.some(open) || (called && incident.backup?.answered_at === null);
    const shelf = group.map((each) => shelves[each.id] ?? null).find((each) => each?.until) ?? null;
    /** @type {Tab} */
    const tab = closed ? 'closed' : !held || waits ? 'waiting' : shelf ? 'shelved' : 'handling';
    return { id, alarm, incident, n: group.reduce((sum, each) => sum + each.count, 0), tab, mine, shelf };
  });
  return made.sort((a, b) => order(a, b));
}

/** @param {Alarm} alarm */
const open = (alarm) => alarm.state === 'unacked' || alarm.state === 'returned_unacked';

/** @param {Row} a @param {Row} b */
function order(a, b) {
  if (a.tab === 'closed' && b.tab === 'closed') return (b.incident?.closed_at ?? 0) - (a.incident?.closed_at ?? 0);
  return a.alarm.priority - b.alarm.priority || a.alarm.raised_at - b.alarm.raised_at;
}

export class AlarmRow extends Light {
  static properties = { row: { attribute: false }, unread: { type: Boolean } };

  constructor() {
    super();
    /** @type {Row|null} */
    this.row = null;
    /** Nobody at this window has looked since it rang, rang again or was escalated. */
    this.unread = false;
  }

  render() {
    const row = this.row;
    if (!row) return html``;
    const { alarm, incident } = row;
    const done = row.tab === 'closed';
    this.className = `alarm p${alarm.priority}${done ? ' done' : ''}${open(alarm) && !done ? ' new' : ''}${row.tab === 'waiting' || row.mine ? ' wash' : ''}${this.unread ? ' unread' : ''}${theirs(row) ? ' theirs' : ''}`;
    const zone = alarm.zone_name ? ` · ${alarm.zone_name}` : '';
    return html`<span class="a-sh">${shape(alarm.priority, 24, done)}</span>
      <span class="a-main"><b>${this.unread ? html`<i class="a-dot"></i><span class="vh">${t('state.unread')}, </span>` : ''}${t(`AlarmKind.${alarm.kind}`)}${alarm.certainty === 'maybe' ? html` <span class="grp">${t('Certainty.maybe')}</span>` : ''}${row.n > 1 ? html`<span class="grp num">×${row.n}</span>` : ''}</b>
        <span class="a-sub">${alarm.who} · ${alarm.case_no}</span></span>
      <span class="a-side"><b class="num">${done ? clock(incident?.closed_at ?? alarm.raised_at).slice(0, 5) : html`<sn-age mode="since" at=${alarm.raised_at}></sn-age>`}</b>
        ${open(alarm) && !done && alarm.level > 0 ? html`<span class="a-level">${t('state.level', { n: alarm.level })}</span>` : ''}
        <span class=${open(alarm) && !done ? 'a-state new' : 'a-state'}>${theirs(row) ? icon('user', 14) : ''}${standing(row)}</span></span>
      <span class="a-low"><span>${row.shelf && !done ? onShelf(row.shelf) : where(alarm, zone, done, incident)}</span>${alarm.escalates_at && open(alarm) && !done ? html`<span class="a-timer num"><sn-age mode="until" at=${alarm.escalates_at}></sn-age> ${t('queue.escalates')}</span>` : ''}</span>`;
  }
}

/** @param {Alarm} alarm @param {string} zone @param {boolean} done @param {Incident|null} incident */
function where(alarm, zone, done, incident) {
  const place = incident?.place ?? alarm.place;
  if (done) return incident?.code ? t(`Disposition.${incident.code}`) : '';
  if (incident?.after && !incident.backup && open(alarm)) return html`<b id="again">${t('queue.again', { id: incident.after.id, at: clock(incident.after.closed_at).slice(0, 5) })}</b>`;
  if (incident?.backup) return html`${t('FieldMark.backup')} · ${incident.backup.unit_name} <sn-age at=${incident.backup.at}></sn-age>`;
  if (!place) return t('queue.no_place') + zone;
  return html`${t('map.fix')} <sn-age at=${place.observed_at} limit-s=${STALE_FIX_S}></sn-age> <span class="num">±${metres(place.radius_m)}</span>${zone}`;
}

/** @param {Shelf} shelf */
const onShelf = (shelf) => html`<b class="a-shelf">${t('state.shelved')} · ${t(`ShelveReason.${shelf.reason}`)}</b> · ${t('queue.back_at')} <span class="num"><sn-age mode="until" at=${shelf.until ?? 0}></sn-age></span>`;

/** A colleague has it in hand. @param {Row} row */
const theirs = ({ incident, mine }) => incident?.state === 'claimed' && !mine;

/** What has to be looked at again when it changes. @param {Row} row */
export const reading = ({ alarm, n, incident, mine }) => `${n} ${alarm.level} ${open(alarm) ? 1 : 0} ${mine ? '' : incident?.owner ?? ''}`;

/** @param {Row} row */
function standing({ alarm, incident, mine }) {
  if (incident?.state === 'closed') return incident.owner_name ?? t('state.closed');
  if (incident?.state === 'claimed' && !mine && open(alarm)) return `${incident.owner_name ?? ''} · ${t(`state.${alarm.state}`)}`;
  if (open(alarm)) return t(`state.${alarm.state}`);
  if (mine) return t('state.mine');
  return incident?.owner_name ?? t(`state.${alarm.state}`);
}

/** A new emergency above the row under the hand: Enter does not open it. @param {Row[]} all as they stand @param {string|null} selected */
export function overtakes(all, selected) {
  const held = all.find((row) => row.id === selected);
  return all.find((row) => row.tab === 'waiting' && row.id !== selected && open(row.alarm) && row.alarm.priority === 1 && (!held || held.tab !== 'waiting' || held.mine || held.alarm.priority > 1)) ?? null;
}

export class Queue extends Light {
  static properties = { rows: { attribute: false }, selected: { type: String }, above: { attribute: false }, tab: { type: String }, calm: { attribute: false }, ready: { type: Boolean }, unread: { attribute: false }, outages: { attribute: false } };

  constructor() {
    super();
    /** @type {Row[]} */
    this.rows = [];
    /** @type {string|null} */
    this.selected = null;
    /** @type {Row|null} an emergency that the keyboard is not on */
    this.above = null;
    /** @type {Tab} */
    this.tab = 'waiting';
    /** @type {import('./types.js').Calm|null} */
    this.calm = null;
    this.ready = false;
    /** @type {Set<string>} rows that nobody at this window has looked at */
    this.unread = new Set();
    /** @type {import('./types.js').Outage[]} */
    this.outages = [];
    this.loading_since = Date.now();
  }

  /** The rows as they stand on the screen, from top to bottom. */
  shown() {
    const of = (/** @type {Tab} */ tab) => this.rows.filter((row) => row.tab === tab);
    if (this.tab === 'waiting') return [...of('waiting'), ...of('handling'), ...of('shelved')];
    return of(this.tab).slice(0, CLOSED_ROWS_MAX);
  }

  /** Puts the keyboard on the selected row (roving focus). */
  focusRow() {
    const row = this.querySelector('sn-alarm[aria-selected=true]') ?? this.querySelector('sn-alarm');
    if (row instanceof HTMLElement) row.focus();
  }

  render() {
    const of = (/** @type {Tab} */ tab) => this.rows.filter((row) => row.tab === tab);
    const tabs = /** @type {Tab[]} */ (['waiting', 'handling', 'closed']);
    return html`<div class="tabs" role="tablist" aria-label=${t('queue.label')}>${tabs.map((tab) => html`<button role="tab" id=${`tab-${tab}`} aria-controls="queue-list"
        aria-selected=${String(this.tab === tab)} @click=${() => this.tell('sn-tab', { tab })}>${t(`queue.${tab}`)} <span class="num">${of(tab).length + (tab === 'waiting' ? this.outages.filter(waits).length : 0)}</span></button>`)}</div>
      ${this.above ? html`<button class="above" id="above" @click=${() => this.tell('sn-top')}>${shape(1, 18)}<span role="status"><b>${t(`AlarmKind.${this.above.alarm.kind}`)} · ${this.above.alarm.who}</b><br>${t('queue.above')}</span></button>` : ''}
      <div class="q-body" id="queue-list" role="tabpanel" aria-labelledby=${`tab-${this.tab}`}>${this.ready ? this.#lists(of) : this.#loading()}</div>`;
  }

  /** @param {(tab: Tab) => Row[]} of */
  #lists(of) {
    const first = of(this.tab);
    const others = this.tab === 'waiting' ? of('handling') : [];
    const shelved = this.tab === 'waiting' ? of('shelved') : [];
    return html`${this.tab === 'waiting' ? repeat(this.outages, (each) => each.id, (each) => html`<sn-flood .outage=${each}></sn-flood>`) : ''}${first.length ? this.#list(first.slice(0, CLOSED_ROWS_MAX), t(`queue.${this.tab}`)) : this.#empty()}
      ${others.length ? html`<div class="q-sec"><span>${t('queue.others')}</span><span class="num">${t('queue.sorted')}</span></div>${this.#list(others, t('queue.others'))}` : ''}
      ${shelved.length ? html`<div class="q-sec" id="shelved"><span>${t('queue.shelved')}</span><span class="num">${shelved.length}</span></div>${this.#list(shelved, t('queue.shelved'))}` : ''}`;
  }

  /** @param {Row[]} rows @param {string} label */
  #list(rows, label) {
    const chosen = rows.some((row) => row.id === this.selected);
    return html`<div class="queue" role="listbox" aria-label=${label} tabindex=${chosen ? -1 : 0}>${repeat(rows, (row) => row.id, (row) => html`<sn-alarm .row=${row} .unread=${this.unread.has(row.id)} role="option"
      tabindex=${row.id === this.selected ? 0 : -1} aria-selected=${String(row.id === this.selected)} @click=${() => this.tell('sn-open', { id: row.id })}></sn-alarm>`)}</div>`;
  }

  #empty() {
    if (this.tab === 'waiting' && this.outages.some(waits)) return '';
    const last = this.tab === 'waiting' ? this.calm : null;
    return html`<div class="calm"><b>${t(`queue.empty_${this.tab}`)}</b>${last?.last_fix_at ? html`<span>${t('queue.last')} <sn-age at=${last.last_fix_at} limit-s="30"></sn-age> ·
      <span class="num">${t('queue.rate', { n: count(Math.round(last.fixes_per_s)) })}</span></span>` : ''}</div>`;
  }

  #loading() {
    return html`<div class="skeleton" role="status"><i></i><i></i><i></i><span>${t('queue.loading')} <sn-age mode="lasting" at=${this.loading_since}></sn-age></span></div>`;
  }
}

customElements.define('sn-alarm', AlarmRow);
customElements.define('sn-queue', Queue);
