/**
 * One picture played by the browser's own media element (Media Source Extensions): the way for a browser without
 * WebCodecs. The same fragments as for the decoder, one picture later: a picture is handed on when the next one says how
 * long it is to be shown. With a guess in its place a camera that hesitates would look like a torn stream to the browser,
 * which then shows nothing until the next key frame.
 */

/** Further behind the newest picture than this it jumps. */
const BEHIND_S_MAX = 1.2;
/** Where it jumps to: with less than this the element runs dry at every hesitation and fills up before it goes on. */
const LIVE_S = 0.4;
/** Between the two it hurries a little. */
const HURRY = 1.1;
const LASTS_S_MAX = 60;
const KEPT_S = 10;
const TRIM_S = 5;
const WAITING_MAX = 120;
const ARRIVALS_MAX = 600;
const NTP_AT = 16;
const TICKS_AT = 92;
const NTP_EPOCH_S = 2_208_988_800;
const TICKS_PER_S = 90_000;
const DURATION_AT = 120;
const KEY_AT = 128;
const GLASS_WIDTH = 192;
const GLASS_HEIGHT = 16;

export const canMedia = () => typeof MediaSource === 'function' && MediaSource.isTypeSupported('video/mp4; codecs="avc1.42c01e"');

export class Media {
  /** @param {HTMLVideoElement} video @param {{shown(): void, took(): void}} says `took` once per fragment */
  constructor(video, says) {
    this.video = video;
    this.says = says;
    /** @type {SourceBuffer|null} */
    this.buffer = null;
    /** @type {MediaSource|null} */
    this.source = null;
    /** @type {Uint8Array<ArrayBuffer>[]} */
    this.waiting = [];
    /** The newest, until the next one says how long it lasts. @type {Uint8Array<ArrayBuffer>|null} */
    this.held = null;
    this.need_key = true;
    this.skipped = 0;
    /** Media time of each picture, seconds, and when it came to the city's relay. @type {[number, number][]} */
    this.arrivals = [];
    this.trimmed_s = 0;
    this.asked_at = performance.now();
    /** @type {number|null} */
    this.first_ms = null;
    this.errors = 0;
    video.muted = true;
    video.autoplay = true;
    video.playsInline = true;
    video.disablePictureInPicture = true;
    video.addEventListener('loadeddata', () => {
      this.first_ms ??= performance.now() - this.asked_at;
      this.says.shown();
    });
    video.addEventListener('error', () => { if (this.source) this.errors += 1; });
  }

  /** @param {string} codec @param {Uint8Array<ArrayBuffer>} init */
  begin(codec, init) {
    this.wipe();
    const source = new MediaSource();
    this.source = source;
    this.waiting = [init];
    source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(this.video.src);
      if (source !== this.source) return;
      const buffer = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
      this.buffer = buffer;
      buffer.addEventListener('updateend', () => this.#done(buffer));
      buffer.addEventListener('error', () => { this.errors += 1; });
      this.#next();
    });
    this.video.src = URL.createObjectURL(source);
  }

  /** @param {Uint8Array<ArrayBuffer>} fragment */
  add(fragment) {
    this.says.took();
    const view = new DataView(fragment.buffer, fragment.byteOffset);
    const key = view.getUint8(KEY_AT) === 2;
    if (!this.source || this.waiting.length >= WAITING_MAX) this.need_key = true;
    if (!this.source || (this.need_key && !key)) {
      this.held = null;
      this.skipped += 1;
      return;
    }
    this.need_key = false;
    const at_ms = view.getUint32(NTP_AT) * 1_000 - NTP_EPOCH_S * 1_000 + view.getUint32(NTP_AT + 4) / 4_294_967.296;
    this.arrivals.push([Number(view.getBigUint64(TICKS_AT)) / TICKS_PER_S, at_ms]);
    if (this.arrivals.length > ARRIVALS_MAX) this.arrivals.shift();
    if (this.held) {
      const before = new DataView(this.held.buffer, this.held.byteOffset);
      const lasts = Number(view.getBigUint64(TICKS_AT) - before.getBigUint64(TICKS_AT));
      before.setUint32(DURATION_AT, Math.max(1, Math.min(lasts, TICKS_PER_S * LASTS_S_MAX)));
      this.waiting.push(this.held);
    }
    this.held = fragment;
    this.#next();
  }

  #next() {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || this.source?.readyState !== 'open') return;
    const next = this.waiting.shift();
    if (!next) return;
    try {
      buffer.appendBuffer(next);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // Full, or the element gave up: what was shown is thrown away, and the stream goes on with the next picture.
      this.errors += 1;
      this.need_key = true;
      if (this.video.error) this.wipe();
      else if (buffer.buffered.length) buffer.remove(0, buffer.buffered.end(buffer.buffered.length - 1));
    }
  }

  /** @param {SourceBuffer} buffer */
  #done(buffer) {
    if (buffer !== this.buffer) return;
    // An element that is moved within the page is paused by the browser.
    if (this.video.paused) this.video.play().catch((error) => { if (error.name !== 'AbortError') this.errors += 1; });
    const ranges = buffer.buffered;
    if (ranges.length) {
      const start = ranges.start(ranges.length - 1);
      const end = ranges.end(ranges.length - 1);
      const behind = end - this.video.currentTime;
      if (behind > BEHIND_S_MAX || this.video.currentTime < start || behind < -BEHIND_S_MAX) this.video.currentTime = Math.max(start, end - LIVE_S);
      const rate = behind > (LIVE_S + BEHIND_S_MAX) / 2 ? HURRY : 1;
      if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
      const old = this.video.currentTime - KEPT_S;
      if (!this.waiting.length && old > ranges.start(0) && end - this.trimmed_s > TRIM_S) {
        this.trimmed_s = end;
        buffer.remove(0, old);
        return;
      }
    }
    this.#next();
  }

  /** When the picture on the screen came to the city's relay, ms UTC. */
  at_ms() {
    const now_s = this.video.currentTime + 0.001;
    let found = null;
    for (const [at_s, at_ms] of this.arrivals) if (at_s <= now_s) found = at_ms;
    return this.first_ms === null ? null : found;
  }

  /** Nothing of an ended picture stays. */
  wipe() {
    this.waiting = [];
    this.held = null;
    this.need_key = true;
    this.arrivals = [];
    this.buffer = null;
    this.source = null;
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** Reads the time that simulated cameras write into the top left corner. @returns {number|null} */
  #glass() {
    if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || this.video.videoWidth < GLASS_WIDTH) return null;
    const canvas = new OffscreenCanvas(GLASS_WIDTH, GLASS_HEIGHT);
    const ink = canvas.getContext('2d', { willReadFrequently: true });
    if (!ink) return null;
    ink.drawImage(this.video, 0, 0, GLASS_WIDTH, GLASS_HEIGHT, 0, 0, GLASS_WIDTH, GLASS_HEIGHT);
    const { data } = ink.getImageData(0, 0, GLASS_WIDTH, GLASS_HEIGHT);
    let at_ms = 0;
    for (let bit = 0; bit < 48; bit += 1) {
      const x = (bit % 24) * 8 + 4;
      const y = Math.floor(bit / 24) * 8 + 4;
      at_ms = at_ms * 2 + ((data[(y * GLASS_WIDTH + x) * 4] ?? 0) > 128 ? 1 : 0);
    }
    return Date.now() - at_ms;
  }

  /** @param {number} tile @returns {import('./player.js').Report} */
  report(tile) {
    const quality = this.video.getVideoPlaybackQuality();
    const at_ms = this.at_ms();
    return {
      tile, shown: quality.totalVideoFrames - quality.droppedVideoFrames, dropped: quality.droppedVideoFrames + this.skipped, errors: this.errors, first_ms: this.first_ms,
      age_ms: at_ms === null ? null : Date.now() - at_ms, glass_ms: this.#glass(),
    };
  }
}
