/**
 * The tones of an alarm, made with Web Audio. Silence stops the sound, not the alarm, and ends when a new emergency
 * arrives or one that nobody has seen is escalated. Louder or quieter per kind and seat; an emergency never to nothing.
 */
const LOUD = 0.5;
/** What the button in the header leaves of it. */
const LOW_SHARE = 0.2;
const KEPT = 'safetynet.levels';
export const SOUNDS = ['1', '2', '3', 'old'];
/** Percent below which nobody can turn it. A screen that cannot say that it is old could not ring for an emergency either. @type {Record<string, number>} */
export const FLOOR = { 1: 20, 2: 0, 3: 0, old: 20 };

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
    /** @type {Map<string, number>} unacknowledged alarms at the last look, and how far each had been escalated */
    this.known = new Map();
    this.seat = '';
    /** Percent per tone. @type {Record<string, number>} */
    this.levels = { 1: 100, 2: 100, 3: 100, old: 100 };
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

  /** The levels that were set at this seat. @param {string} seat */
  sitAt(seat) {
    if (seat === this.seat) return;
    this.seat = seat;
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(`${KEPT}.${seat}`) ?? '{}');
    } catch {
      kept = {};  // not JSON: written by something else
    }
    for (const name of SOUNDS) this.levels[name] = bounded(name, kept[name] ?? 100);
  }

  /** @param {string} name @param {number} percent */
  level(name, percent) {
    this.levels = { ...this.levels, [name]: bounded(name, percent) };
    localStorage.setItem(`${KEPT}.${this.seat}`, JSON.stringify(this.levels));
  }

  /** How strong a tone is now. @param {string} name */
  gain(name) {
    const percent = this.levels[name] * (this.loud ? 1 : LOW_SHARE);
    return (LOUD * Math.max(FLOOR[name], percent)) / 100;
  }

  /** One tone, to hear how loud it is. @param {string} name */
  once(name) {
    this.#play(name);
  }

  /** @param {{id: string, priority: number, state: string, level?: number}[]} alarms all of the console */
  heed(alarms) {
    const open = alarms.filter((each) => each.state === 'unacked' || each.state === 'returned_unacked');
    const fresh = open.filter((each) => !this.known.has(each.id));
    const risen = open.filter((each) => (each.level ?? 0) > (this.known.get(each.id) ?? 0));
    this.known = new Map(open.map((each) => [each.id, each.level ?? 0]));
    const woken = this.silenced && [...fresh, ...risen].some((each) => each.priority === 1);
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
      gain.gain.linearRampToValueAtTime(this.gain(name), begin + 0.01);
      gain.gain.setValueAtTime(this.gain(name), end - 0.02);
      gain.gain.linearRampToValueAtTime(0, end);
      tone.connect(gain).connect(this.audio.destination);
      tone.start(begin);
      tone.stop(end);
    }
  }
}

/** @param {string} name @param {unknown} percent */
const bounded = (name, percent) => Math.max(FLOOR[name], Math.min(100, Number(percent) || 0));
