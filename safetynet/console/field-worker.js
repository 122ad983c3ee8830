/**
 * Opens the officer's page when there is no network. It keeps files of the page and nothing else: no answer of the centre, no
 * picture, no order. The page says `keep` with the files it is made of when an order comes, and `drop` when the order is over.
 */

const KEPT = 'safetynet-field';
const PAGE = '/field';
/** Nothing else is ever kept, whatever a page asks for. */
const FILE = /^\/console\/[A-Za-z0-9_@./-]{1,200}$/;
const FILES_MAX = 300;
/** A network that is there and does not answer is none. */
const NETWORK_MS_MAX = 3_000;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** @param {URL} url */
const ours = (url) => url.origin === worker.location.origin && url.search === '' && (url.pathname === PAGE || FILE.test(url.pathname));

/** @param {string[]} paths */
async function keep(paths) {
  const urls = [PAGE, ...paths].slice(0, FILES_MAX).map((each) => new URL(each, worker.location.origin)).filter(ours);
  const kept = await caches.open(KEPT);
  await Promise.all(urls.map(async (url) => {
    const answer = await fetch(url, { cache: 'no-cache', credentials: 'same-origin' });
    if (answer.ok && !answer.redirected) await kept.put(url, answer);
  }));
}

/** @param {Request} request */
async function answered(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(NETWORK_MS_MAX) });
  } catch (error) {
    const kept = await (await caches.open(KEPT)).match(request.url);
    if (kept) return kept;
    throw error;
  }
}

worker.addEventListener('install', () => void worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && ours(new URL(event.request.url))) event.respondWith(answered(event.request));
});
worker.addEventListener('message', (event) => {
  const told = event.data;
  const done = Array.isArray(told?.keep) ? keep(told.keep.map(String)) : told?.drop ? caches.delete(KEPT) : null;
  if (done) event.waitUntil(done.then(() => event.ports[0]?.postMessage('done')));
});
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(worker.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(async (all) => {
    const open = all.find((each) => new URL(each.url).pathname === PAGE);
    await (open ? open.focus() : worker.clients.openWindow(PAGE));
  }));
});
