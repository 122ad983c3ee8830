/**
 * `sn-calibrate`: a city's staff set how one camera stands, on the map: direction, field of view, reach, presets.
 *
 * Every change is a step that can be taken back before saving (Ctrl+Z); what was saved is taken back by one more event
 * in the city's log. Tells `calibrate-save` {camera, setting|null, over, reason} and `calibrate-undo` {camera, over};
 * `over` is the setting that this page started from: the city refuses when somebody else was faster.
 * Bounds are those of core/calibrations.py, which checks again.
 */
import { html, nothing, svg } from 'lit';
import { Light } from './base.js';
import { clock, t } from './say.js';
import { from, load, shapes } from './sketch.js';

/** @typedef {import('./types.js').Calibrated} Calibrated */
/** @typedef {import('./types.js').Setting} Setting */
/** @typedef {'turn'|'left'|'right'} Handle */

const VIEW_DEG = { low: 5, high: 360, assumed: 60 };
const RANGE_M = { low: 5, high: 500 };
const PRESETS_MAX = 16;
const PRESET_NAME_MAX = 40;
const STEPS_MAX = 200;
const REASONS = ['measured', 'aligned', 'turned', 'list_wrong'];
/** Where the handles of the opening stand on its edges. */
const EDGE_SHARE = 0.66;

const clamp = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) => Math.min(high, Math.max(low, value));
const turned = (/** @type {number} */ degrees) => ((Math.round(degrees) % 360) + 360) % 360;
/** Metres east and south from the camera. @param {number} azimuth @param {number} metres */
const towards = (azimuth, metres) => [metres * Math.sin((azimuth * Math.PI) / 180), -metres * Math.cos((azimuth * Math.PI) / 180)];
const bearing = (/** @type {number[]} */ [x, y]) => turned((Math.atan2(x, -y) * 180) / Math.PI);
const same = (/** @type {Setting|null} */ one, /** @type {Setting|null} */ other) => JSON.stringify(one) === JSON.stringify(other);

export class Calibrate extends Light {
  static properties = {
    camera: { attribute: false }, busy: { type: Boolean },
    draft: { state: true }, reason: { state: true }, map: { state: true }, wide_m: { state: true },
  };

  constructor() {
    super();
    /** @type {Calibrated|null} */
    this.camera = null;
    this.busy = false;
    /** @type {Setting|null} */
    this.draft = null;
    /** @type {string|null} */
    this.reason = null;
    /** @type {GeoJSON.FeatureCollection|null} */
    this.map = null;
    /** Half of what the plan shows. It stands still while a handle is dragged. */
    this.wide_m = 80;
    /** @type {Setting[]} */
    this.trail = [];
    /** @type {Handle|null} */
    this.dragged = null;
  }

  connectedCallback() {
    super.connectedCallback();
    load().then((found) => { this.map = found; }, () => { this.map = null; });
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    const before = /** @type {Calibrated|null|undefined} */ (changed.get('camera'));
    if (!changed.has('camera') || !this.camera) return;
    if (before?.camera === this.camera.camera && same(before.setting, this.camera.setting)) return;
    this.draft = this.#held();
    this.trail = [];
    this.reason = null;
    this.#settle();
  }

  #held() {
    const camera = /** @type {Calibrated} */ (this.camera);
    return structuredClone(camera.setting ?? camera.listed);
  }

  #settle() {
    if (this.draft) this.wide_m = Math.max(60, this.draft.range_m * 1.3);
  }

  /** @param {Partial<Setting>} change @param {boolean} [step] false while a handle moves: one drag is one step */
  #change(change, step = true) {
    if (!this.draft) return;
    const next = { ...this.draft, ...change };
    if (same(next, this.draft)) return;
    if (step) this.trail = [...this.trail, this.draft].slice(-STEPS_MAX);
    this.draft = next;
    if (step) this.#settle();
  }

  #back() {
    const last = this.trail.at(-1);
    if (!last) return;
    this.trail = this.trail.slice(0, -1);
    this.draft = last;
    this.#settle();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === 'z' && this.trail.length) {
      event.preventDefault();
      this.#back();
    }
  }

  // --- the plan ----------------------------------------------------------------------------------------------------

  /** Metres from the camera. @param {PointerEvent} event */
  #where(event) {
    const plan = /** @type {SVGSVGElement} */ (this.querySelector('.cal-plan'));
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plan.getScreenCTM()?.inverse());
    return [point.x, point.y];
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.draft || this.busy || event.button !== 0) return;
    const handle = /** @type {Element} */ (event.target).closest('[data-handle]');
    this.dragged = /** @type {Handle} */ (handle?.getAttribute('data-handle') ?? 'turn');
    this.trail = [...this.trail, this.draft].slice(-STEPS_MAX);
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    this.#drag(event);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (!this.dragged || !this.draft) return;
    const at = this.#where(event);
    if (Math.hypot(at[0], at[1]) < 1) return;
    if (this.dragged === 'turn') {
      this.#change({ azimuth_deg: bearing(at), range_m: clamp(Math.round(Math.hypot(at[0], at[1])), RANGE_M.low, RANGE_M.high) }, false);
      return;
    }
    const off = Math.abs(((bearing(at) - (this.draft.azimuth_deg ?? 0) + 540) % 360) - 180);
    this.#change({ view_deg: clamp(Math.round(off * 2), VIEW_DEG.low, VIEW_DEG.high) }, false);
  }

  #release() {
    if (!this.dragged) return;
    this.dragged = null;
    const before = this.trail.at(-1);
    if (before && same(before, this.draft)) this.trail = this.trail.slice(0, -1);
    this.#settle();
  }

  /** Arrow keys on a handle. @param {KeyboardEvent} event @param {Handle} handle */
  #nudge(event, handle) {
    if (!this.draft || this.busy) return;
    const by = event.shiftKey ? 10 : 1;
    const sideways = { ArrowLeft: -by, ArrowRight: by }[event.key] ?? 0;
    const along = { ArrowUp: by, ArrowDown: -by }[event.key] ?? 0;
    if (!sideways && !along) return;
    event.preventDefault();
    if (handle !== 'turn') {
      this.#change({ view_deg: clamp((this.draft.view_deg ?? VIEW_DEG.assumed) + sideways + along, VIEW_DEG.low, VIEW_DEG.high) });
    } else if (sideways) {
      this.#change({ azimuth_deg: turned((this.draft.azimuth_deg ?? 0) + sideways) });
    } else {
      this.#change({ range_m: clamp(this.draft.range_m + along, RANGE_M.low, RANGE_M.high) });
    }
  }

  #plan() {
    const [camera, draft] = [/** @type {Calibrated} */ (this.camera), /** @type {Setting} */ (this.draft)];
    const [wide, unit] = [this.wide_m, this.wide_m / 100];
    return html`<svg class="cal-plan sketch" viewBox="${-wide} ${-wide} ${2 * wide} ${2 * wide}" role="group" aria-label=${t('calibrate.plan')}
      @pointerdown=${this.#press} @pointermove=${this.#drag} @pointerup=${this.#release} @pointercancel=${this.#release}>
      ${shapes(this.map, from(camera), wide)}
      ${[0.25, 0.5, 0.75, 1].map((share) => svg`<circle class="cal-ring" r=${draft.range_m * share}></circle>`)}
      ${draft.azimuth_deg === null ? svg`<circle class="cal-maybe" r=${draft.range_m}></circle>` : this.#wedge(draft)}
      ${draft.presets.map((each) => this.#preset(each, draft.range_m, unit))}
      <circle class="cal-eye" r=${3.5 * unit}></circle>
      ${draft.azimuth_deg === null ? nothing : this.#handles(draft, unit)}
      <text class="cal-north" x="0" y=${-wide + 7 * unit} font-size=${5 * unit}>${t('Compass.0')}</text></svg>`;
  }

  /** @param {Setting} draft */
  #wedge(draft) {
    const [azimuth, view, range] = [draft.azimuth_deg ?? 0, draft.view_deg ?? VIEW_DEG.assumed, draft.range_m];
    if (view >= 360) return svg`<circle class="cal-wedge" r=${range}></circle>`;
    const [[ax, ay], [bx, by]] = [towards(azimuth - view / 2, range), towards(azimuth + view / 2, range)];
    return svg`<path class=${draft.view_deg === null ? 'cal-wedge cal-assumed' : 'cal-wedge'} d=${`M0 0L${ax} ${ay}A${range} ${range} 0 ${view > 180 ? 1 : 0} 1 ${bx} ${by}Z`}></path>`;
  }

  /** @param {import('./types.js').Preset} preset @param {number} range_m @param {number} unit */
  #preset(preset, range_m, unit) {
    const [x, y] = towards(preset.azimuth_deg, range_m);
    return svg`<path class="cal-preset" d=${`M0 0L${x} ${y}`}></path><text class="cal-no" x=${x * 1.1} y=${y * 1.1 + 2 * unit} font-size=${5 * unit}>${preset.number}</text>`;
  }

  /** @param {Setting} draft @param {number} unit */
  #handles(draft, unit) {
    const [azimuth, view] = [draft.azimuth_deg ?? 0, draft.view_deg ?? VIEW_DEG.assumed];
    /** @type {[Handle, number[]][]} */
    const edges = view >= 360 ? [] : [['left', towards(azimuth - view / 2, draft.range_m * EDGE_SHARE)], ['right', towards(azimuth + view / 2, draft.range_m * EDGE_SHARE)]];
    const [x, y] = towards(azimuth, draft.range_m);
    return svg`${edges.map(([name, [ex, ey]]) => svg`<g class="cal-handle" data-handle=${name} tabindex="0" role="slider" transform=${`translate(${ex} ${ey})`}
        aria-label=${t('calibrate.view')} aria-valuemin=${VIEW_DEG.low} aria-valuemax=${VIEW_DEG.high} aria-valuenow=${view} aria-valuetext=${t('calibrate.degrees', { n: view })}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.#nudge(event, name)}><circle class="cal-hit" r=${8 * unit}></circle><circle class="cal-knob" r=${3 * unit}></circle></g>`)}
      <g class="cal-handle" data-handle="turn" tabindex="0" role="slider" transform=${`translate(${x} ${y})`} aria-label=${t('calibrate.azimuth')} aria-valuemin="0" aria-valuemax="359" aria-valuenow=${azimuth}
        aria-valuetext=${`${t('calibrate.degrees', { n: azimuth })} ${t(`Compass.${Math.round(azimuth / 45) % 8}`)}, ${t('calibrate.metres', { n: draft.range_m })}`}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.#nudge(event, 'turn')}><circle class="cal-hit" r=${8 * unit}></circle><circle class="cal-knob main" r=${4 * unit}></circle></g>`;
  }

  // --- beside it ---------------------------------------------------------------------------------------------------

  /** @param {string} name @param {number|null} value @param {number} low @param {number} high @param {(n: number) => Partial<Setting>} change @param {string} after */
  #number(name, value, low, high, change, after) {
    return html`<label class="cal-n"><span>${t(name)}</span><input type="number" min=${low} max=${high} step="1" .value=${value === null ? '' : String(value)} ?disabled=${this.busy}
      @change=${(/** @type {Event} */ event) => {
        const input = /** @type {HTMLInputElement} */ (event.target);
        if (input.value !== '' && Number.isFinite(input.valueAsNumber)) this.#change(change(clamp(input.valueAsNumber, low, high)));
        this.requestUpdate();
        input.value = String(value ?? '');
      }}><span class="sec2">${after}</span></label>`;
  }

  /** @param {Setting} draft */
  #presets(draft) {
    const free = Array.from({ length: PRESETS_MAX }, (_, n) => n + 1).find((n) => !draft.presets.some((each) => each.number === n));
    const set = (/** @type {import('./types.js').Preset[]} */ presets) => this.#change({ presets });
    return html`<fieldset class="cal-set"><legend>${t('calibrate.presets')}</legend>
      ${draft.presets.map((each) => html`<div class="cal-p"><b class="num">${each.number}</b>
        <input aria-label=${t('calibrate.preset_name', { n: each.number })} maxlength=${PRESET_NAME_MAX} .value=${each.name} @change=${(/** @type {Event} */ event) => {
          const name = /** @type {HTMLInputElement} */ (event.target).value.trim();
          if (name) set(draft.presets.map((one) => (one.number === each.number ? { ...one, name } : one)));
          this.requestUpdate();
        }}>
        <button class="btn sm num" aria-label=${t('calibrate.preset_turn', { n: each.number })} @click=${() => this.#change({ azimuth_deg: each.azimuth_deg, view_deg: each.view_deg })}>${t('calibrate.degrees', { n: each.azimuth_deg })}</button>
        <button class="btn sm" aria-label=${t('calibrate.preset_drop', { n: each.number })} @click=${() => set(draft.presets.filter((one) => one.number !== each.number))}>✕</button></div>`)}
      <button class="btn sm" ?disabled=${draft.azimuth_deg === null || free === undefined} @click=${() => set([...draft.presets, {
        number: free ?? 1, name: t('calibrate.preset_first', { n: free ?? 1 }), azimuth_deg: draft.azimuth_deg ?? 0, view_deg: draft.view_deg ?? VIEW_DEG.assumed,
      }])}>${t('calibrate.preset_add')}</button></fieldset>`;
  }

  /** @param {Setting|null} setting */
  #save(setting) {
    const camera = /** @type {Calibrated} */ (this.camera);
    this.tell('calibrate-save', { camera: camera.camera, setting, over: camera.setting, reason: this.reason });
  }

  /** @param {Calibrated} camera */
  #whose(camera) {
    if (!camera.setting || !camera.set_by) return t('calibrate.by_list');
    return t('calibrate.by_staff', { name: camera.set_by, reason: t(`CalibrationReason.${camera.reason}`), time: clock(camera.set_at ?? 0) });
  }

  render() {
    const [camera, draft] = [this.camera, this.draft];
    if (!camera || !draft) return nothing;
    const clean = same(draft, this.#held());
    const azimuth = draft.azimuth_deg;
    return html`<section class="cal" aria-label=${t('calibrate.title')} @keydown=${this.#key}>
      ${this.#plan()}
      <div class="cal-side"><header><h2>${camera.name}</h2><p class="sec2">${camera.camera}</p><p class="sec2">${this.#whose(camera)}</p>
        ${camera.description ? html`<p class="sec2">${t('calibrate.listed', { text: camera.description })}</p>` : nothing}</header>
      <label class="cal-c"><input type="checkbox" .checked=${azimuth !== null} ?disabled=${this.busy} @change=${(/** @type {Event} */ event) =>
        this.#change({ azimuth_deg: /** @type {HTMLInputElement} */ (event.target).checked ? 0 : null })}><span>${t('calibrate.known')}</span></label>
      ${this.#number('calibrate.azimuth', azimuth, 0, 360, (n) => ({ azimuth_deg: turned(n) }), azimuth === null ? t('calibrate.unknown') : t(`Compass.${Math.round(azimuth / 45) % 8}`))}
      ${this.#number('calibrate.view', draft.view_deg, VIEW_DEG.low, VIEW_DEG.high, (n) => ({ view_deg: n }), '°')}
      ${this.#number('calibrate.range', draft.range_m, RANGE_M.low, RANGE_M.high, (n) => ({ range_m: n }), 'm')}
      ${camera.ptz ? this.#presets(draft) : nothing}
      <fieldset class="cal-set"><legend>${t('calibrate.reason')}</legend>${REASONS.map((each) => html`<label class="cal-c"><input type="radio" name="cal-reason" .checked=${this.reason === each}
        @change=${() => { this.reason = each; }}><span>${t(`CalibrationReason.${each}`)}</span></label>`)}</fieldset>
      <p class="sec2 cal-hint">${t('calibrate.hint')}</p>
      <div class="cal-act"><button class="btn main" ?disabled=${this.busy || clean || !this.reason} @click=${() => this.#save(draft)}>${t('calibrate.save')}</button>
        <button class="btn" ?disabled=${this.busy || !this.trail.length} @click=${this.#back}>${t('calibrate.back')}</button>
        <button class="btn" ?disabled=${this.busy || !clean || !camera.can_undo} @click=${() => this.tell('calibrate-undo', { camera: camera.camera, over: camera.setting })}>${t('calibrate.undo')}</button>
        <button class="btn" ?disabled=${this.busy || !camera.setting || !this.reason} @click=${() => this.#save(null)}>${t('calibrate.to_list')}</button></div></div></section>`;
  }
}
customElements.define('sn-calibrate', Calibrate);
