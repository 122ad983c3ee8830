/**
 * What an officer did while there was no connection: kept on this telephone with his own time of it, sent in order when
 * there is one, once. A name is drawn for each action, so that what is sent twice happens once. Wiped with the order.
 */

const BASE = 'safetynet-field';
const STORE = 'actions';
/** More than this is not kept: somebody presses in vain, and should be told. */
const KEPT_MAX = 100;
/** So long a telephone holds anything of an order without a word of the centre: as long as a grant lasts at most. */
export const HELD_MS_MAX = 30 * 60_000;
const ID_BYTES = 16;

/**
 * `kind` is what the server is told: `unit`, `field`, or `photo` with the picture itself.
 * @typedef {{action: string, n: number, dispatch: string, kind: 'unit'|'field'|'photo', acted_at: number,
 *   fields: Record<string, unknown>, picture?: Blob}} Action
 */

/** Drawn, not counted: two telephones never name two things alike. */
export function drawn() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Events: `change`; `refused` {action, why}. */
export class Outbox extends EventTarget {
  /** @param {(action: Action) => Promise<string|null>} send null when it was taken, `disconnected` or `no_answer` to try later, else why not */
  constructor(send) {
    super();
    this.send = send;
    /** @type {Action[]} oldest first */
    this.held = [];
    /** @type {IDBDatabase|null} */
    this.base = null;
    this.sending = false;
    this.count = 0;
    /** @type {Promise<void>|null} */
    this.opened = null;
    void this.#ready();
  }

  #ready() {
    return this.opened ??= this.#open();
  }

  async #open() {
    const request = indexedDB.open(BASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'action' });
    this.base = await done(request);
    const kept = /** @type {Action[]} */ (await done(this.base.transaction(STORE).objectStore(STORE).getAll()));
    this.held = [...kept.sort((a, b) => a.n - b.n), ...this.held];
    this.count = this.held.reduce((most, each) => Math.max(most, each.n), this.count);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** Keeps an action and sends it when it can be. False when too many wait. @param {Omit<Action, 'n'>} action */
  async add(action) {
    if (this.held.length >= KEPT_MAX) return false;
    this.count += 1;
    const one = { ...action, n: this.count };
    this.held.push(one);
    this.#changed();
    await this.#ready();
    if (this.base) await done(this.base.transaction(STORE, 'readwrite').objectStore(STORE).put(one));
    void this.flush();
    return true;
  }

  /** @param {Action} one */
  async #forget(one) {
    this.held = this.held.filter((each) => each !== one);
    if (this.base) await done(this.base.transaction(STORE, 'readwrite').objectStore(STORE).delete(one.action));
    this.#changed();
  }

  /** Sends what waits, in order, until something cannot be sent now. */
  async flush() {
    if (this.sending) return;
    this.sending = true;
    await this.#ready();
    while (this.held.length) {
      const one = this.held[0];
      const why = await this.send(one);
      if (why === 'disconnected' || why === 'no_answer') break;
      if (this.held[0] !== one) break; // it was wiped meanwhile
      await this.#forget(one);
      if (why) this.dispatchEvent(new CustomEvent('refused', { detail: { action: one, why } }));
    }
    this.sending = false;
  }

  /** What belongs to an order that is over goes, without trace. @param {(dispatch: string) => boolean} live */
  async keepOnly(live) {
    await this.#ready();
    for (const each of this.held.filter((one) => !live(one.dispatch))) await this.#forget(each);
  }

  /** Without a connection nobody says that an order is over: what is too old goes by itself. @param {number} at */
  async expire(at) {
    await this.#ready();
    for (const each of this.held.filter((one) => at - one.acted_at > HELD_MS_MAX)) await this.#forget(each);
  }

  async wipe() {
    this.held = [];
    await this.#ready();
    this.held = [];
    this.base?.close();
    this.base = null;
    this.opened = null;
    await done(indexedDB.deleteDatabase(BASE));
    this.#changed();
  }
}
