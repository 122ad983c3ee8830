/**
 * The page's side of the pictures: hands canvases to the worker and tells what the worker saw. A browser without
 * WebCodecs plays the same fragments in media elements (`media.js`); `kind` says which.
 *
 * Events (all CustomEvent): `state` {tile, state: 'waiting'|'live'|'lost'|'ended'|'refused', why}, `picture` {tile, at_ms,
 * after_ms} when a tile shows its first picture, `age` {tile, age_ms} five times a second, `grant` {grant, state:
 * 'admitted'|'refused'|'ended'|'lost', why}, `warm` when decoder and painting are loaded. After `lost` the window needs a
 * new token for that grant.
 *
 * Times are the relay's: `at_ms` is when the picture came to the city's relay, by the clocks of the centres.
 */

import { Media, canMedia } from './media.js';

const REPORT_MS_MAX = 2_000;
const AGE_MS = 200;

/** @typedef {{tile: number, shown: number, dropped: number, errors: number, first_ms: number|null, age_ms: number|null, glass_ms: number|null}} Report */

export class Player extends EventTarget {
  constructor() {
    super();
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', (event) => this.#said(event.data));
    /** @type {Map<number, (reports: Report[]) => void>} */
    this.asked = new Map();
    this.count = 0;
    /** @type {'webcodecs'|'mse'|'none'} */
    this.kind = typeof VideoDecoder === 'function' && typeof OffscreenCanvas === 'function' ? 'webcodecs' : canMedia() ? 'mse' : 'none';
    /** @type {Map<number, Media>} pictures that are played here, by tile */
    this.media = new Map();
    this.ages = this.kind === 'mse' ? window.setInterval(() => this.#ages(), AGE_MS) : 0;
  }

  /** What a picture is shown on. @returns {HTMLCanvasElement|HTMLVideoElement} */
  surface() {
    return document.createElement(this.kind === 'mse' ? 'video' : 'canvas');
  }

  /** One WebSocket for all tiles of this window. It comes back by itself. @param {string} url */
  connect(url) {
    this.worker.postMessage({ op: 'connect', url, decode: this.kind === 'webcodecs' });
  }

  /** Shows a single-use token. @param {string} token */
  hello(token) {
    this.worker.postMessage({ op: 'hello', token });
  }

  /** The page woke up or its line came back: a road on which nothing moves is given up and taken anew. */
  doubt() {
    this.worker.postMessage({ op: 'doubt' });
  }

  /**
   * A canvas goes over to the worker for good; close the tile before what it is shown on is thrown away.
   * @param {number} tile @param {HTMLCanvasElement|HTMLVideoElement} on @param {{grant: string, camera: string}} what
   */
  open(tile, on, { grant, camera }) {
    if (on instanceof HTMLVideoElement) {
      this.media.get(tile)?.wipe();
      const media = new Media(on, {
        shown: () => this.#tell('picture', { tile, at_ms: media.at_ms(), after_ms: media.first_ms }),
        took: () => this.worker.postMessage({ op: 'took', tile }),
      });
      this.media.set(tile, media);
      this.worker.postMessage({ op: 'open', tile, grant, camera, canvas: null });
      return;
    }
    const surface = on.transferControlToOffscreen();
    this.worker.postMessage({ op: 'open', tile, grant, camera, canvas: surface }, [surface]);
  }

  /** @param {number} tile */
  close(tile) {
    this.media.get(tile)?.wipe();
    this.media.delete(tile);
    this.worker.postMessage({ op: 'close', tile });
  }

  /** @param {number} tile @param {'full'|'key'|'paused'} mode */
  mode(tile, mode) {
    this.worker.postMessage({ op: 'mode', tile, mode });
  }

  /** What each tile has seen; `glass_ms` reads the time barcode of simulated cameras. @returns {Promise<Report[]>} */
  report() {
    if (this.kind === 'mse') return Promise.resolve([...this.media].map(([tile, each]) => each.report(tile)));
    this.count += 1;
    const number = this.count;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.asked.delete(number);
        reject(new Error('the worker does not answer'));
      }, REPORT_MS_MAX);
      this.asked.set(number, (reports) => {
        clearTimeout(late);
        resolve(reports);
      });
      this.worker.postMessage({ op: 'report', number });
    });
  }

  /** Ends the socket and every decoder. */
  end() {
    window.clearInterval(this.ages);
    for (const each of this.media.values()) each.wipe();
    this.media.clear();
    this.worker.terminate();
  }

  #ages() {
    for (const [tile, each] of this.media) {
      const at_ms = each.at_ms();
      if (at_ms !== null) this.#tell('age', { tile, age_ms: Date.now() - at_ms });
    }
  }

  /** @param {string} kind @param {object} detail */
  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  /** @param {{kind: string, number?: number, reports?: Report[], tile?: number, state?: string, codec?: string, data?: Uint8Array<ArrayBuffer>}} said */
  #said(said) {
    const media = this.media.get(said.tile ?? -1);
    if (said.data) {
      if (said.kind === 'init') media?.begin(said.codec ?? '', said.data);
      else if (media) media.add(said.data);
      else this.worker.postMessage({ op: 'took', tile: said.tile });
      return;
    }
    if (media && (said.state === 'ended' || said.state === 'refused')) media.wipe();
    if (said.kind === 'report') {
      const number = said.number ?? 0;
      this.asked.get(number)?.(said.reports ?? []);
      this.asked.delete(number);
      return;
    }
    this.#tell(said.kind, said);
  }
}
