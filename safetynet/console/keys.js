/**
 * Which key does what on the operator's page. Keys are matched by place (`event.code`), so that ㅂ and Q are one key.
 * A single letter acts only outside fields and dialogues; a person can switch letters off or move them (WCAG 2.1.4).
 * Alt+letter always acts, with the letters as that person has them.
 */

/** @type {Record<string, string>} */
const LETTERS = {
  KeyJ: 'down', KeyK: 'up', KeyA: 'ack', KeyS: 'silence', KeyV: 'video', KeyD: 'office', KeyP: 'police', KeyC: 'call', KeyL: 'locate', KeyX: 'close',
  KeyF: 'chase', KeyM: 'follow', KeyH: 'hand_over', KeyE: 'seen', KeyN: 'not_here', KeyZ: 'shelve', Digit0: 'equal', Numpad0: 'equal',
};
/** At a smart city centre. @type {Record<string, string>} */
export const CITY = {
  KeyJ: 'down', KeyK: 'up', KeyG: 'approve', KeyX: 'no', KeyV: 'watch', KeyE: 'seen', KeyN: 'not_here', KeyW: 'on_foot', KeyB: 'bicycle', KeyR: 'car',
  KeyU: 'bus', KeyL: 'record', KeyM: 'follow', KeyS: 'silence', KeyC: 'calibrate', Digit0: 'equal', Numpad0: 'equal',
};
/** @type {Record<string, string>} */
const OTHERS = { ArrowDown: 'down', ArrowUp: 'up', Enter: 'open', NumpadEnter: 'open', Escape: 'back', F6: 'region' };
const FIELDS = 'input:not([type=checkbox]), textarea, select, [contenteditable]';
const KEPT = 'safetynet.keys';
/** Beside letters, what has the same place and no other use; digits are pictures and answers, Alt+T is the map as text. */
const MAY_BE = /^(?:Key[A-SU-Z]|Comma|Period|Semicolon|Quote|BracketLeft|BracketRight|Minus|Equal|Backquote|Digit0)$/;
/** @type {Record<string, string>} */
const SIGNS = { Comma: ',', Period: '.', Semicolon: ';', Quote: "'", BracketLeft: '[', BracketRight: ']', Minus: '-', Equal: '=', Backquote: '`' };

/** Fires `change` when a key was moved or letters were switched: labels are drawn anew. */
export const bound = new EventTarget();

/** @typedef {{letters: boolean, moved: Record<string, string>}} Map_ what a person changed: act to code */
/** @type {Map_} */
let own = { letters: true, moved: {} };
let owner = '';

/** Takes up what this person changed on this machine. @param {string} person */
export function keysOf(person) {
  if (person === owner) return;
  owner = person;
  own = read(localStorage.getItem(`${KEPT}.${person}`));
  bound.dispatchEvent(new Event('change'));
}

/** What was kept; anything that is not ours any more is left out. @param {string|null} kept @returns {Map_} */
function read(kept) {
  try {
    const said = JSON.parse(kept ?? '{}');
    const moved = Object.entries(said.moved ?? {}).filter(([act, code]) => act in ACTS_AT && MAY_BE.test(String(code)));
    return { letters: said.letters !== false, moved: /** @type {Record<string, string>} */ (Object.fromEntries(moved)) };
  } catch {
    return { letters: true, moved: {} };  // not JSON: written by something else
  }
}

function keep() {
  localStorage.setItem(`${KEPT}.${owner}`, JSON.stringify(own));
  bound.dispatchEvent(new Event('change'));
}

/** Where each act lies when nobody moved it. @type {Record<string, string>} */
const ACTS_AT = Object.fromEntries(Object.entries(LETTERS).filter(([code]) => !code.startsWith('Numpad')).map(([code, act]) => [act, code]));

/** Whether single letters act. */
export const letters = () => own.letters;

/** @param {boolean} on */
export function switchLetters(on) {
  own = { ...own, letters: on };
  keep();
}

/** Every act that has a letter, with its key now and whether it was moved. */
export const acts = () => Object.keys(ACTS_AT).map((name) => ({ name, code: at(name), moved: name in own.moved }));

/** @param {string} name */
const at = (name) => own.moved[name] ?? ACTS_AT[name];

/**
 * Moves an act to another key. Answers nothing when done, else why not: `reserved`, or the act that has the key.
 * @param {string} name @param {string} code
 */
export function move(name, code) {
  if (!MAY_BE.test(code)) return 'reserved';
  const taken = acts().find((each) => each.code === code && each.name !== name);
  if (taken) return taken.name;
  const { [name]: _, ...others } = own.moved;
  own = { ...own, moved: code === ACTS_AT[name] ? others : { ...others, [name]: code } };
  keep();
  return null;
}

/** Every key where it was. */
export function restore() {
  own = { letters: own.letters, moved: {} };
  keep();
}

/** What stands on a key. @param {string} code */
const cap = (code) => SIGNS[code] ?? code.replace(/^(?:Key|Digit)/, '');

/** What a person presses for an act; acts without a letter keep the word they were given. @param {string} name @param {string} [word] */
export function label(name, word = '') {
  if (!(name in ACTS_AT)) return word;
  return own.letters ? cap(at(name)) : `Alt+${cap(at(name))}`;
}

/** @param {string} code */
function letter(code) {
  if (code === 'Numpad0') return letter('Digit0');
  return Object.keys(ACTS_AT).find((name) => at(name) === code) ?? null;
}

/** @param {string} code @returns {number} 1 to 9, or 0 */
const digit = (code) => Number(/^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1] ?? 0);

/**
 * The act a key stands for, or nothing. Digits answer as `digit:n`.
 * @param {KeyboardEvent} event @param {boolean} [single] whether single letters act
 * @param {Record<string, string>|null} [map] which letter does what on a page with keys of its own
 */
export function act(event, single = own.letters, map = null) {
  const where = /** @type {HTMLElement} */ (event.target);
  const lettered = () => (map ? map[event.code] ?? null : letter(event.code));
  if (event.isComposing || event.ctrlKey || event.metaKey || where.closest?.(FIELDS)) return null;
  if (event.altKey) return event.code === 'KeyT' ? 'twin' : lettered();
  const n = digit(event.code);
  if (where.closest?.('dialog')) return event.code === 'Escape' ? 'back' : n ? `digit:${n}` : null;
  if (event.code in OTHERS) {
    const itself = event.code === 'Enter' && where.closest?.('button, a, [tabindex="0"]:not(sn-alarm):not(.queue):not(.req)');
    const scrolls = event.code.startsWith('Arrow') && !where.closest?.('sn-queue, .req') && where !== document.body;
    return itself || scrolls ? null : OTHERS[event.code];
  }
  // A list of numbered answers that has the keyboard takes its numbers also when letters are off: it acts on focus only.
  if (n && where.closest?.('sn-choice')) return `digit:${n}`;
  if (!single) return null;
  if (event.key === '?' || (event.code === 'Slash' && event.shiftKey)) return 'help';
  return n ? `digit:${n}` : event.shiftKey ? null : lettered();
}
