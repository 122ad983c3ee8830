/**
 * The state socket of a window and the store the page draws from (docs/contracts.md section 5).
 * It resumes by sequence after a break; a gap in the sequence asks for everything again, never guesses.
 */
import { learn } from './clock.js';

/** @typedef {import('./types.js').Collections} Collections */
/** @typedef {import('./types.js').Answer} Answer */

const ANSWER_MS_MAX = 10_000;
const SILENT_MS_MAX = 5_000;
const WAKE_MS_MAX = 2_500;
const RETRY_MS_FIRST = 400;
const RETRY_MS_MAX = 5_000;
const DRAW_MS = 16;
const CLOSED_SIGNED_OUT = 4401;

/** @returns {Collections} */
const nothing = () => ({
  me: {}, alarms: {}, incidents: {}, tracks: {}, units: {}, links: {}, zones: {}, calm: {}, seats: {}, orders: {}, shield: {}, requests: {}, provisions: {}, approval: {}, today: {}, turned: {}, handovers: {}, desks: {}, health: {}, figures: {}, footage: {}, outages: {}, shelves: {}, load: {},
});

/**
 * Events: `change` (something to draw, at most once per frame), `link` (up or down), `back` {resumed, away_ms} after a
 * line that was up came back, `admit` {grant, token}, `signed-out`.
 */
export class State extends EventTarget {
  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    this.all = nothing();
    /** @type {{epoch: number|string, seq: number}|null} */
    this.have = null;
    this.up = false;
    this.tries = 0;
    /** By the steady clock of the page: when the last word of the server came. */
    this.heard_ms = performance.now();
    /** The same by the wall clock, which goes on while the machine sleeps. */
    this.heard_at = Date.now();
    /** @type {number|null} when the line that was up broke: the last word before */
    this.away_since = null;
    /** @type {WebSocket|null} */
    this.socket = null;
    /** @type {Map<number, (answer: Answer) => void>} */
    this.asked = new Map();
    this.ref = 0;
    this.drawing = 0;
    this.retry = 0;
    window.setInterval(() => this.#doubt(), 1000);
    for (const kind of ['pageshow', 'online', 'focus']) window.addEventListener(kind, () => this.wake());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.wake(); });
  }

  /** How long nothing was heard, ms. The steady clock may stand still while a machine sleeps, the wall clock may be set: the older counts. */
  silence_ms() {
    return Math.max(performance.now() - this.heard_ms, Date.now() - this.heard_at);
  }

  /** Somebody looks again: what was not heard for long is not waited for, and a line that is down is tried at once. */
  wake() {
    if (this.socket && this.silence_ms() > WAKE_MS_MAX && this.socket.readyState === WebSocket.OPEN) this.#drop();
    if (!this.socket && this.have) {
      this.tries = 0;
      this.connect();
    }
  }

  /** Whether everything was loaded once. */
  ready() {
    return this.have !== null;
  }

  connect() {
    window.clearTimeout(this.retry);
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ op: 'hello', have: this.have }));
    socket.onmessage = (event) => {
      if (socket === this.socket) this.#hear(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.#lost(event.code);
    };
  }

  /** The line is open but nobody speaks: a half-dead connection is dropped, not waited for. */
  #doubt() {
    if (this.socket?.readyState === WebSocket.OPEN && this.silence_ms() > SILENT_MS_MAX) this.#drop();
    else if (this.socket?.readyState === WebSocket.CONNECTING && this.silence_ms() > 3 * SILENT_MS_MAX) this.#drop();
  }

  #drop() {
    const socket = this.socket;
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.#lost(0);
  }

  /** @param {number} code */
  #lost(code) {
    this.socket = null;
    if (this.up) this.away_since = this.heard_at;
    this.up = false;
    for (const answer of this.asked.values()) answer({ ok: false, no: 'disconnected' });
    this.asked.clear();
    this.dispatchEvent(new Event('link'));
    if (code === CLOSED_SIGNED_OUT) {
      this.all = nothing();
      this.have = null;
      this.dispatchEvent(new Event('signed-out'));
      return;
    }
    const wait_ms = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(this.tries, 6));
    this.tries += 1;
    this.retry = window.setTimeout(() => this.connect(), wait_ms * (0.75 + Math.random() / 2));
  }

  /** @param {any} said */
  #hear(said) {
    this.heard_ms = performance.now();
    this.heard_at = Date.now();
    if ('beat' in said) learn(said.beat);
    else if ('epoch' in said) this.#begin(said);
    else if ('seq' in said) this.#delta(said);
    else if ('ref' in said) this.#answer(said);
    else if ('admit' in said) this.dispatchEvent(new CustomEvent('admit', { detail: said.admit }));
  }

  /** @param {{epoch: number|string, seq: number, at: number, full?: Partial<Collections>, resumed?: boolean}} said */
  #begin(said) {
    learn(said.at);
    if (said.full) {
      this.all = { ...nothing(), ...said.full };
      this.have = { epoch: said.epoch, seq: said.seq };
    }
    this.up = true;
    this.tries = 0;
    this.dispatchEvent(new Event('link'));
    if (this.away_since !== null) {
      const detail = { resumed: !said.full, away_ms: Date.now() - this.away_since };
      this.away_since = null;
      this.dispatchEvent(new CustomEvent('back', { detail }));
    }
    this.#changed();
  }

  /** @param {{seq: number, at: number, put?: Record<string, Record<string, unknown>>, del?: Record<string, string[]>}} said */
  #delta(said) {
    if (!this.have || said.seq > this.have.seq + 1) {
      this.have = null;
      this.#drop();
      return;
    }
    if (said.seq <= this.have.seq) return;
    learn(said.at);
    this.have = { ...this.have, seq: said.seq };
    const all = /** @type {Record<string, Record<string, unknown>>} */ (/** @type {unknown} */ (this.all));
    for (const [name, entities] of Object.entries(said.put ?? {})) all[name] = { ...all[name], ...entities };
    for (const [name, ids] of Object.entries(said.del ?? {})) {
      const left = { ...all[name] };
      for (const id of ids) delete left[id];
      all[name] = left;
    }
    this.#changed();
  }

  /** @param {{ref: number, ok?: true, no?: string}} said */
  #answer(said) {
    const answer = this.asked.get(said.ref);
    this.asked.delete(said.ref);
    if (answer) answer(said.ok ? { ...said, ok: true } : { ok: false, no: said.no ?? 'no_answer' });
  }

  #changed() {
    if (this.drawing) return;
    this.drawing = window.setTimeout(() => {
      this.drawing = 0;
      this.dispatchEvent(new Event('change'));
    }, DRAW_MS);
  }

  /**
   * Asks the server to do something. Resolves always: with what came of it, or with the word why not.
   * @param {string} act @param {Record<string, unknown>} [fields] @returns {Promise<Answer>}
   */
  do(act, fields = {}) {
    const socket = this.socket;
    if (!this.up || socket?.readyState !== WebSocket.OPEN) return Promise.resolve({ ok: false, no: 'disconnected' });
    const ref = ++this.ref;
    return new Promise((resolve) => {
      const late = window.setTimeout(() => {
        this.asked.delete(ref);
        resolve({ ok: false, no: 'no_answer' });
      }, ANSWER_MS_MAX);
      this.asked.set(ref, (answer) => {
        window.clearTimeout(late);
        resolve(answer);
      });
      socket.send(JSON.stringify({ op: 'do', ref, act, ...fields }));
    });
  }
}

/** The state socket of the page's own server. */
export const stateUrl = () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
