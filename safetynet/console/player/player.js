/**
 * The page's side of the pictures: hands canvases to the worker and tells what the worker saw.
 *
 * Events (all CustomEvent): `state` {tile, state: 'waiting'|'live'|'lost'|'ended'|'refused', why}, `picture` {tile, at_ms,
 * after_ms} when a tile shows its first picture, `age` {tile, age_ms} five times a second, `grant` {grant, state:
 * 'admitted'|'refused'|'ended'|'lost', why}, `warm` when decoder and painting are loaded. After `lost` the window needs a
 * new token for that grant.
 *
 * Times are the relay's: `at_ms` is when the picture came to the city's relay, by the clocks of the centres.
 */

const REPORT_MS_MAX = 2_000;

/** @typedef {{tile: number, shown: number, dropped: number, errors: number, first_ms: number|null, age_ms: number|null, glass_ms: number|null}} Report */

export class Player extends EventTarget {
  constructor() {
    super();
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', (event) => this.#said(event.data));
    /** @type {Map<number, (reports: Report[]) => void>} */
    this.asked = new Map();
    this.count = 0;
  }

  /** One WebSocket for all tiles of this window. It comes back by itself. @param {string} url */
  connect(url) {
    this.worker.postMessage({ op: 'connect', url });
  }

  /** Shows a single-use token. @param {string} token */
  hello(token) {
    this.worker.postMessage({ op: 'hello', token });
  }

  /**
   * The canvas goes over to the worker for good; close the tile before the canvas is thrown away.
   * @param {number} tile @param {HTMLCanvasElement} canvas @param {{grant: string, camera: string}} what
   */
  open(tile, canvas, { grant, camera }) {
    const surface = canvas.transferControlToOffscreen();
    this.worker.postMessage({ op: 'open', tile, grant, camera, canvas: surface }, [surface]);
  }

  /** @param {number} tile */
  close(tile) {
    this.worker.postMessage({ op: 'close', tile });
  }

  /** @param {number} tile @param {'full'|'key'|'paused'} mode */
  mode(tile, mode) {
    this.worker.postMessage({ op: 'mode', tile, mode });
  }

  /** What each tile has seen; `glass_ms` reads the time barcode of simulated cameras. @returns {Promise<Report[]>} */
  report() {
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
    this.worker.terminate();
  }

  /** @param {{kind: string, number?: number, reports?: Report[]}} said */
  #said(said) {
    if (said.kind === 'report') {
      const number = said.number ?? 0;
      this.asked.get(number)?.(said.reports ?? []);
      this.asked.delete(number);
      return;
    }
    this.dispatchEvent(new CustomEvent(said.kind, { detail: said }));
  }
}
