/**
 * Which key does what on the operator's page. Keys are matched by place (`event.code`), so that ㅂ and Q are one key.
 * A single letter acts only outside fields and dialogues and can be switched off; Alt+letter always acts.
 */

/** @type {Record<string, string>} */
const LETTERS = {
  KeyJ: 'down', KeyK: 'up', KeyA: 'ack', KeyS: 'silence', KeyV: 'video', KeyD: 'office', KeyP: 'police', KeyC: 'call', KeyX: 'close',
  KeyM: 'follow', KeyH: 'hand_over', KeyE: 'seen', KeyN: 'not_here', Digit0: 'equal', Numpad0: 'equal',
};
/** At a smart city centre. @type {Record<string, string>} */
export const CITY = {
  KeyJ: 'down', KeyK: 'up', KeyG: 'approve', KeyX: 'no', KeyV: 'watch', KeyE: 'seen', KeyN: 'not_here', KeyW: 'on_foot', KeyB: 'bicycle', KeyR: 'car',
  KeyU: 'bus', KeyL: 'record', KeyM: 'follow', KeyS: 'silence', Digit0: 'equal', Numpad0: 'equal',
};
/** @type {Record<string, string>} */
const OTHERS = { ArrowDown: 'down', ArrowUp: 'up', Enter: 'open', NumpadEnter: 'open', Escape: 'back', F6: 'region' };
const FIELDS = 'input:not([type=checkbox]), textarea, select, [contenteditable]';

/** @param {string} code @returns {number} 1 to 9, or 0 */
const digit = (code) => Number(/^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1] ?? 0);

/**
 * The act a key stands for, or nothing. Digits answer as `digit:n`.
 * @param {KeyboardEvent} event @param {boolean} letters whether single letters are switched on
 * @param {Record<string, string>} [map] which letter does what on this page
 */
export function act(event, letters, map = LETTERS) {
  const at = /** @type {HTMLElement} */ (event.target);
  if (event.isComposing || event.ctrlKey || event.metaKey || at.closest?.(FIELDS)) return null;
  if (event.altKey) return event.code === 'KeyT' ? 'twin' : map[event.code] ?? null;
  const n = digit(event.code);
  if (at.closest?.('dialog')) return event.code === 'Escape' ? 'back' : n ? `digit:${n}` : null;
  if (event.code in OTHERS) {
    const own = event.code === 'Enter' && at.closest?.('button, a, [tabindex="0"]:not(sn-alarm):not(.queue):not(.req)');
    const scrolls = event.code.startsWith('Arrow') && !at.closest?.('sn-queue, .req') && at !== document.body;
    return own || scrolls ? null : OTHERS[event.code];
  }
  if (!letters) return null;
  if (event.key === '?' || (event.code === 'Slash' && event.shiftKey)) return 'help';
  return n ? `digit:${n}` : event.shiftKey ? null : map[event.code] ?? null;
}
