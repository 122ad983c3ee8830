/**
 * The page's only clock: one timer for every age on the page, corrected by the server's time.
 * A clock that runs on a wrong machine would make every age on the screen a lie, so nothing else asks for the time.
 */

const BEATS_KEPT_MAX = 30;
/** @type {number[]} differences server minus machine, ms; the largest belongs to the least delayed beat */
const seen = [];
/** @type {Set<() => void>} */
const watchers = new Set();
let timer = 0;

/** Milliseconds UTC by the server's clock. */
export const now = () => Date.now() + skewMs();

/** How far the machine's clock lags the server's; network delay makes it too small, never too large. */
export const skewMs = () => (seen.length ? Math.max(...seen) : 0);

/** Takes in the server's time as just received. @param {number} at_ms */
export function learn(at_ms) {
  seen.push(at_ms - Date.now());
  if (seen.length > BEATS_KEPT_MAX) seen.shift();
}

function tick() {
  for (const each of watchers) each();
  schedule();
}

/** On the second of the corrected clock, so that all clocks of the page step together. */
function schedule() {
  timer = window.setTimeout(tick, 1000 - (now() % 1000) + 5);
}

/** Calls `each` once a second until the returned function is called. @param {() => void} each */
export function everySecond(each) {
  watchers.add(each);
  if (!timer) schedule();
  return () => {
    watchers.delete(each);
    if (!watchers.size) {
      window.clearTimeout(timer);
      timer = 0;
    }
  };
}
