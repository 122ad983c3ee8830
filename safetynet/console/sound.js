/**
 * The tones of an alarm, made with Web Audio (console.md section 6). Silence stops the sound, not the alarm, and ends
 * when a new emergency arrives. Louder or quieter, never nothing.
 */
const LOUD = 0.5;
const LOW = 0.1;

/** @typedef {{hz: number, at_ms: number, ms: number}} Note */
/** @type {Record<string, {notes: Note[], every_ms: number}>} */
const TONES = {
  1: { notes: [{ hz: 880, at_ms: 0, ms: 180 }, { hz: 660, at_ms: 200, ms: 180 }], every_ms: 2_000 },
  2: { notes: [{ hz: 660, at_ms: 0, ms: 200 }, { hz: 660, at_ms: 300, ms: 200 }], every_ms: 10_000 },
  3: { notes: [{ hz: 520, at_ms: 0, ms: 120 }], every_ms: 0 },
  old: { notes: [{ hz: 220, at_ms: 0, ms: 600 }], every_ms: 5_000 },
};

/** Events: `blocked` when the browser holds sound back or lets it go. */
export class Sound extends EventTarget {
  constructor() {
    super();
    this.audio = new AudioContext();
    this.loud = true;
    this.silenced = false;
    /** @type {Set<string>} unacknowledged alarms at the last look */
    this.known = new Set();
    /** @type {0|1|2|3} the priority that sounds now */
    this.priority = 0;
    this.old = false;
    this.timer = 0;
    this.old_timer = 0;
    /** How often each tone was played: what a test can hear. @type {Record<string, number>} */
    this.played = {};
    this.audio.onstatechange = () => this.dispatchEvent(new Event('blocked'));
    for (const kind of ['pointerdown', 'keydown']) window.addEventListener(kind, () => void this.audio.resume());
  }

  blocked() {
    return this.audio.state !== 'running';
  }

  /** @param {{id: string, priority: number, state: string}[]} alarms all of the console */
  heed(alarms) {
    const open = alarms.filter((each) => each.state === 'unacked' || each.state === 'returned_unacked');
    const fresh = open.filter((each) => !this.known.has(each.id));
    this.known = new Set(open.map((each) => each.id));
    const woken = this.silenced && fresh.some((each) => each.priority === 1);
    if (woken || !open.length) this.silenced = false;
    const worst = open.reduce((least, each) => Math.min(least, each.priority), 9);
    const priority = /** @type {0|1|2|3} */ (worst > 3 ? 0 : worst);
    if (priority === this.priority && !woken && !(priority === 3 && fresh.length)) return;
    this.priority = priority;
    this.#ring();
  }

  silence() {
    this.silenced = true;
    window.clearTimeout(this.timer);
  }

  /** This window's data is too old, or is fresh again. @param {boolean} old */
  heedAge(old) {
    this.old = old;
    window.clearTimeout(this.old_timer);
    if (old) this.#warn();
  }

  #warn() {
    this.#play('old');
    this.old_timer = window.setTimeout(() => this.#warn(), TONES.old.every_ms);
  }

  #ring() {
    window.clearTimeout(this.timer);
    if (!this.priority || this.silenced) return;
    const tone = TONES[this.priority];
    this.#play(String(this.priority));
    if (tone.every_ms) this.timer = window.setTimeout(() => this.#ring(), tone.every_ms);
  }

  /** @param {string} name */
  #play(name) {
    this.played[name] = (this.played[name] ?? 0) + 1;
    if (this.blocked()) return;
    for (const note of TONES[name].notes) {
      const begin = this.audio.currentTime + note.at_ms / 1000;
      const end = begin + note.ms / 1000;
      const tone = this.audio.createOscillator();
      const gain = this.audio.createGain();
      tone.frequency.value = note.hz;
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(this.loud ? LOUD : LOW, begin + 0.01);
      gain.gain.setValueAtTime(this.loud ? LOUD : LOW, end - 0.02);
      gain.gain.linearRampToValueAtTime(0, end);
      tone.connect(gain).connect(this.audio.destination);
      tone.start(begin);
      tone.stop(end);
    }
  }
}
