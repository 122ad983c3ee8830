/** Where the wall's window stands: it comes up again on the screen where it was, and is told which incident is in hand. */
export const CHANNEL = 'safetynet.wall';
const KEPT = 'safetynet.wall.place';
const NAME = 'safetynet-wall';
const WIDTH = 1280;
const HEIGHT = 800;

/** Keeps where this window stands now. */
export function keepPlace() {
  const now = JSON.stringify([window.screenX, window.screenY, window.innerWidth, window.innerHeight]);
  if (localStorage.getItem(KEPT) !== now) localStorage.setItem(KEPT, now);
}

/** @returns {number[]} left, top, width, height */
function place() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? '');
    if (Array.isArray(kept) && kept.length === 4 && kept.every(Number.isFinite)) return kept;
  } catch {
    // nothing was kept yet, or something else wrote it
  }
  return [window.screenX + 80, window.screenY + 80, WIDTH, HEIGHT];
}

/** Opens it, or brings the one that is open to the front. */
export function openWall() {
  const [left, top, width, height] = place();
  window.open('/wall', NAME, `popup,left=${left},top=${top},width=${width},height=${height}`)?.focus();
}
