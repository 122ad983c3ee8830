/** `sn-replay`: a closed incident played again: stripe, map, timeline with ticks, and what was so at that instant. No picture plays: none was kept. */
import { html, svg } from 'lit';
import { Light } from './base.js';
import './footage.js';
import { icon, shape } from './icons.js';
import './replay-map.js';
import { seen } from './replay-map.js';
import { isKorean, certainty, clock, count, day, lasting, t } from './say.js';
import { details } from './sheet.js';

/**
 * @typedef {[number, number, number, number, string]} Point lat, lon, observed_at, radius_m, source
 * @typedef {{camera: string, name: string, lat: number, lon: number, range_m: number, azimuth_deg: number|null, view_deg: number|null, ptz: boolean,
 *   purpose: string, city_name: string, grant: string|null, since: number, until: number|null}} Sight
 * @typedef {{grant: string, city_name: string, asked_by_name: string|null, since: number, until: number|null, conditions: string[], why: string|null}} Provision
 * @typedef {{camera: string, grant: string, by_name: string|null, since: number, until: number|null, why: string|null}} Viewing
 * @typedef {{serial: number, at: number|null, what: string|null, by_name: string|null, with: Record<string, unknown>}} Tick
 * @typedef {{incident: string, case_no: string, kind: string|null, priority: number|null, opened_at: number, closed_at: number|null, code: string|null,
 *   owner_name: string|null}} Row
 * @typedef {Row & {purpose: string, who: {name: string, office: string}|null, law: {article_ko: string, article_en: string, why: string|null}|null,
 *   led: string[], positions: string, track: Point[], places: Point[], zones: import('./types.js').Zone[], sights: Sight[], provisions: Provision[],
 *   viewings: Viewing[], ticks: Tick[], erased: number, ledger_size: number}} Story
 */
const STEP_MS = 10_000;
const FRAME_MS = 200;
/** More cameras than these are counted, not named: the map shows them. */
const NAMED_MAX = 4;
export const SPEEDS = [1, 4, 16, 60];
/** Width of the timeline's drawing; it is stretched to its place. */
const WIDE = 1000;
const LANES = ['led', 'granted', 'viewed', 'events'];
const LANE_PX = 16;
const QUIET = ['position_followed', 'cameras_changed', 'cameras_proposed', 'alarm_repeated'];
/** Each picture that opens or closes is a line of its own in the ledger; here those that follow one another are one. */
const STREAMS = ['stream_opened', 'stream_closed', 'viewer_admitted', 'video_prepared'];

/** @param {Tick[]} ticks @returns {{each: Tick, n: number}[]} */
function folded(ticks) {
  /** @type {{each: Tick, n: number}[]} */
  const lines = [];
  for (const each of ticks) {
    const last = lines.at(-1);
    if (last && STREAMS.includes(each.what ?? '') && last.each.what === each.what && last.each.by_name === each.by_name) last.n += 1;
    else lines.push({ each, n: 1 });
  }
  return lines;
}

export class Replay extends Light {
  static properties = { story: { attribute: false }, viewer: { type: String }, theme: { type: String }, at: { state: true }, playing: { state: true }, speed: { state: true }, busy: { type: Boolean }, note: { attribute: false } };

  constructor() {
    super();
    /** @type {Story|null} */
    this.story = null;
    this.theme = 'dark';
    this.viewer = '';
    this.at = 0;
    this.playing = false;
    this.speed = 4;
    /** A report is being made. */
    this.busy = false;
    /** @type {{text: string, failed: boolean}|null} */
    this.note = null;
    this.timer = 0;
    this.shown = '';
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.pause();
  }

  willUpdate() {
    if (!this.story || this.shown === this.story.incident) return;
    this.shown = this.story.incident;
    this.pause();
    this.at = this.story.opened_at;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('speed')) this.tell('sn-pace');
  }

  /** @returns {[number, number]} from the first alarm to the closing */
  get span() {
    const story = this.story;
    if (!story) return [0, 1];
    const until = story.closed_at ?? story.opened_at;
    return [story.opened_at, Math.max(until, story.opened_at + 1000)];
  }

  /** @param {number} at */
  seek(at) {
    const [from, to] = this.span;
    this.at = Math.min(to, Math.max(from, at));
    if (this.at >= to) this.pause();
  }

  /** @param {number} ms */
  step(ms) {
    this.seek(this.at + ms);
  }

  start() {
    this.seek(this.span[0]);
  }

  pause() {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.playing = false;
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.at >= this.span[1]) this.start();
    this.playing = true;
    this.timer = window.setInterval(() => this.step(FRAME_MS * this.speed), FRAME_MS);
  }

  /** @param {1|-1} by */
  pace(by) {
    const next = SPEEDS.indexOf(this.speed) + by;
    this.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, next))];
  }

  back() {
    this.step(-STEP_MS);
  }

  on() {
    this.step(STEP_MS);
  }

  render() {
    const story = this.story;
    if (!story) return '';
    const now = seen(story, this.at);
    return html`<section class="mid rp-mid" aria-label=${t('archive.map')}><sn-replay-map class="mapbox" .story=${story} .at=${this.at} .theme=${this.theme}></sn-replay-map>${this.#timeline(story)}</section>
      <aside class="pane" aria-label=${t('archive.record')}>${this.#head(story)}<div class="s-body" tabindex="0" role="region" aria-label=${t('archive.record')}>${this.#now(story, now)}<sn-footage .incident=${story.incident} .viewer=${this.viewer}></sn-footage>${this.#record(story)}</div>
        ${this.note ? html`<p class=${`note${this.note.failed ? ' failed' : ''}`} role="status">${this.note.text}</p>` : ''}
        <div class="acts"><button class="btn wide" ?disabled=${this.busy} @click=${() => this.tell('sn-report')}>${icon('doc')} ${t(this.busy ? 'archive.reporting' : 'archive.report')}</button></div></aside>`;
  }

  /** @param {Story} story */
  #head(story) {
    const law = story.law ? (isKorean() ? story.law.article_ko : story.law.article_en) : '';
    return html`<div class="inc closed"><h2>${story.priority ? shape(story.priority, 20, true) : ''}${story.kind ? t(`AlarmKind.${story.kind}`) : t('archive.erased')}</h2>
      <div class="sub num"><span class="how">${story.who ? `${story.who.name} · ` : ''}${story.case_no || t('archive.erased')}</span><span>${day(story.opened_at)} ${clock(story.opened_at)}</span>
        <span>${story.closed_at ? lasting(story.closed_at - story.opened_at) : ''}</span><span>${story.code ? t(`Disposition.${story.code}`) : ''}</span></div>
      <div class="sub"><span class="how rp-law">§ ${law || t('archive.erased')}${story.law?.why ? ` · ${t(`Why.${story.law.why}`)}` : ''}</span></div></div>`;
  }

  /** @param {Story} story @param {ReturnType<typeof seen>} now */
  #now(story, now) {
    const place = now.place;
    const who = [...now.viewed].map(([camera, names]) => `${[...names].join(', ')} · ${story.sights.find((each) => each.camera === camera)?.name ?? camera}`);
    const granted = now.sights.filter((each) => each.grant);
    return html`<div class="blk"><div class="sec-h"><h2>${t('archive.now')}</h2><span class="num">${clock(this.at)}</span></div><dl class="kv num">
      <dt>${t('archive.place')}</dt><dd>${place ? `${clock(place[2])} · ${certainty({ lat: place[0], lon: place[1], observed_at: place[2], received_at: place[2], radius_m: place[3], source: place[4] })}` : t(story.positions === 'kept' ? 'archive.no_place' : `archive.positions.${story.positions}`)}</dd>
      <dt>${t('archive.cameras')}</dt><dd>${granted.length ? t('record.cameras', { n: granted.length }) : '–'}${granted.length && granted.length <= NAMED_MAX ? `: ${granted.map((each) => each.name).join(', ')}` : ''}</dd>
      <dt>${t('archive.viewers')}</dt><dd>${who.length ? who.map((each) => html`<div>${each}</div>`) : t('archive.nobody')}</dd></dl>
      <p class="sec2 rp-small">${t('archive.no_pictures')}</p></div>`;
  }

  /** @param {Story} story */
  #record(story) {
    const past = story.ticks.filter((each) => each.at !== null && each.what);
    const during = past.filter((each) => !QUIET.includes(each.what ?? ''));
    return html`<div class="blk"><div class="sec-h"><h2>${t('archive.record')}</h2><span class="num">${t('archive.record_n', { n: count(story.ticks.length) })}</span></div>
      ${story.erased ? html`<p class="sec2">${t('archive.gone', { n: count(story.erased) })}</p>` : ''}
      <ol class="rp-list num">${folded(during).map(({ each, n }) => html`<li class=${(each.at ?? 0) <= this.at ? 'past' : ''}><button @click=${() => this.seek(each.at ?? 0)} title=${t('archive.leaf', { n: each.serial - 1 })}>
        <time>${(each.at ?? 0) > this.span[1] ? html`${day(each.at ?? 0)}<br>` : ''}${clock(each.at ?? 0)}</time><span>${[each.by_name, t(`event.${each.what}`), ...details({ at: each.at ?? 0, what: each.what ?? '', by_name: each.by_name, with: each.with })].filter(Boolean).join(' · ')}${n > 1 ? html` <span class="grp">×${n}</span>` : ''}</span></button></li>`)}</ol></div>`;
  }

  /** @param {Story} story */
  #timeline(story) {
    const [from, to] = this.span;
    const x = (/** @type {number} */ at) => Math.max(0, Math.min(WIDE, ((at - from) / (to - from)) * WIDE));
    const bar = (/** @type {string} */ lane, /** @type {{since: number, until: number|null}} */ each) => svg`<rect class=${`rp-bar ${lane}`} x=${x(each.since)} y=${LANES.indexOf(lane) * LANE_PX + 3} width=${Math.max(2, x(each.until ?? to) - x(each.since))} height=${LANE_PX - 6}></rect>`;
    const led = story.ticks.filter((each) => ['incident_claimed', 'incident_taken_over', 'incident_handed_over', 'incident_reassigned'].includes(each.what ?? ''));
    const spans = led.map((each, i) => ({ since: each.at ?? from, until: led[i + 1]?.at ?? to }));
    const ticks = story.ticks.filter((each) => each.at !== null && each.at <= to && each.what && !QUIET.includes(each.what));
    const at = clock(this.at);
    return html`<div class="rp-time" role="group" aria-label=${t('archive.timeline')}>
      <div class="rp-ctl"><button class="btn sm main rp-play" @click=${() => this.toggle()}>${icon(this.playing ? 'pause' : 'play', 16)} ${t(this.playing ? 'archive.pause' : 'archive.play')} <kbd>Space</kbd></button>
        <button class="btn sm" @click=${() => this.start()}>${t('archive.start')} <kbd>Home</kbd></button>
        <button class="btn sm" @click=${() => this.back()}>${t('archive.step_back')} <kbd>,</kbd></button><button class="btn sm" @click=${() => this.on()}>${t('archive.step_on')} <kbd>.</kbd></button>
        <div class="rp-speeds" role="group" aria-label=${t('archive.speed')}>${SPEEDS.map((each) => html`<button class="btn sm" aria-pressed=${String(each === this.speed)} @click=${() => { this.speed = each; }}>${t('archive.times', { n: each })}</button>`)}</div>
        <b class="rp-at num">${at}</b></div>
      <div class="rp-lanes"><div class="rp-names">${LANES.map((each) => html`<span>${t(`archive.lane.${each}`)}</span>`)}</div>
        <div class="rp-draw"><svg viewBox=${`0 0 ${WIDE} ${LANES.length * LANE_PX}`} preserveAspectRatio="none" aria-hidden="true">
          ${spans.map((each) => bar('led', each))}${story.provisions.map((each) => bar('granted', each))}${story.viewings.map((each) => bar('viewed', each))}
          ${ticks.map((each) => svg`<rect class="rp-tick" x=${x(each.at ?? 0) - 1} y=${3 * LANE_PX + 2} width="2" height=${LANE_PX - 4}></rect>`)}
          <rect class="rp-head" x=${x(this.at) - 1} y="0" width="2" height=${LANES.length * LANE_PX}></rect></svg>
          <input type="range" class="rp-range" min=${from} max=${to} step="1000" .value=${String(this.at)} aria-label=${t('archive.at')} aria-valuetext=${at}
            @input=${(/** @type {Event} */ event) => this.seek(Number(/** @type {HTMLInputElement} */ (event.target).value))}>
          <div class="rp-ends num"><span>${clock(from)}</span><span>${clock(to)}</span></div></div></div></div>`;
  }
}

customElements.define('sn-replay', Replay);
