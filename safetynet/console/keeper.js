/**
 * The page's side of `field-worker.js`: while there is an order the page's own files are kept, so that it opens without a
 * network; with the order they go. And one line on a locked telephone that says that there is an order, never whose or where.
 */
import { t } from './say.js';

const WORKER = '/field-worker.js';
const PAGE = '/field';
const TOLD_MS_MAX = 20_000;
const NOTICE = 'safetynet-order';

/** Absent where the browser has none: then the page needs a network to open. @type {Promise<ServiceWorkerRegistration>|null} */
let registered = null;

function registration() {
  if (!('serviceWorker' in navigator)) return null;
  return registered ??= navigator.serviceWorker.register(WORKER, { scope: PAGE }).then((found) => active(found));
}

/** @param {ServiceWorkerRegistration} found @returns {Promise<ServiceWorkerRegistration>} */
function active(found) {
  const coming = found.installing ?? found.waiting;
  if (found.active || !coming) return Promise.resolve(found);
  return new Promise((resolve) => {
    coming.addEventListener('statechange', () => { if (found.active) resolve(found); });
  });
}

/** @param {Record<string, unknown>} words */
async function tell(words) {
  const found = await registration();
  if (!found?.active) return;
  const road = new MessageChannel();
  const told = new Promise((resolve) => { road.port1.onmessage = resolve; window.setTimeout(resolve, TOLD_MS_MAX); });
  found.active.postMessage(words, [road.port2]);
  await told;
  road.port1.close();
}

/** The files this page is made of, as the browser fetched them. */
const own = () => performance.getEntriesByType('resource').map((each) => new URL(each.name)).filter((each) => each.origin === location.origin).map((each) => each.pathname);

/** A line that broke, a browser that allows no worker, a telephone without room: the page then needs a network to open. */
const REFUSALS = ['SecurityError', 'QuotaExceededError', 'InvalidStateError'];
const apart = (/** @type {unknown} */ error) => { if (!(error instanceof TypeError) && !(error instanceof DOMException && REFUSALS.includes(error.name))) throw error; };

export const keep = () => tell({ keep: own() }).catch(apart);

/** Nothing of this page stays, and no notice. */
export async function drop() {
  const found = await registration()?.catch(apart);
  for (const each of (await found?.getNotifications({ tag: NOTICE })) ?? []) each.close();
  await tell({ drop: true }).catch(apart);
}

export const mayAsk = () => 'Notification' in window && Notification.permission === 'default' && 'serviceWorker' in navigator;
export const ask = () => Notification.requestPermission();

/** Who looks at the page sees the order itself. @param {number} orders */
export async function notice(orders) {
  if (!('Notification' in window) || Notification.permission !== 'granted' || !document.hidden) return;
  const found = await registration()?.catch(apart);
  await found?.showNotification(t('product'), { body: t('field.notice', { n: orders }), tag: NOTICE, requireInteraction: true });
}
