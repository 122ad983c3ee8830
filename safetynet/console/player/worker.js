/**
 * All pictures of one window: one WebSocket, one decoder and one canvas per tile, away from the page's thread.
 *
 * Every fragment is acknowledged when it has been handed to the decoder; that is what keeps a slow road from filling
 * with old pictures. Of what was decoded only the newest is painted, and every frame is closed. A tile whose grant has
 * ended is wiped at once.
 */

const KEY_AT = 128;
const TICKS_AT = 92;
const NTP_AT = 16;
const DATA_OFFSET_AT = 116;
const NTP_EPOCH_S = 2_208_988_800;
const DECODE_QUEUE_MAX = 60;
const AGE_MS = 200;
const GLASS_WIDTH = 192;
const GLASS_HEIGHT = 16;
const GLASS_WAIT_MS = 300;
const HIDDEN_PAINT_MS = 100;
const BACK_OFF_MS_MIN = 250;
const BACK_OFF_MS_MAX = 5_000;
const UNSAID_MAX = 64;
/** One grey picture of 16 x 16, written by hand: parameter sets, and a key frame of raw samples. */
const GREY_CODEC = 'avc1.42c01e';
const GREY_AVCC = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 11, 0x67, 0x42, 0xc0, 0x1e, 0x95, 0xa7, 0x20, 0x1e, 0x2c, 0x5d, 0x40, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
const GREY_KEY = [0, 0, 1, 0x87, 0x65, 0x88, 0x80, 0x22, 0x83, 0x40, .../** @type {number[]} */ (Array(384).fill(0x80)), 0x80];

/** While a picture is live and this long nothing at all was heard, the road is dead however open it looks. */
const SILENT_MS_MAX = 6_000;
const DOUBT_MS = 2_500;

/** @typedef {{tile: number, grant: string, camera: string, canvas: OffscreenCanvas|null, ink: OffscreenCanvasRenderingContext2D|null,
 *   decoder: VideoDecoder|null, info: {codec: string}|null, init: Uint8Array|null, need_key: boolean, newest: VideoFrame|null,
 *   asked_at: number, first_ms: number|null, at_ms: number|null, shown: number, dropped: number, errors: number,
 *   mode: string, live: boolean, arrivals: Map<number, number>, glass_ms: number|null, read_next: boolean}} Tile */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
/** @type {Map<number, Tile>} */
const tiles = new Map();
/** @type {Set<string>} */
const grants = new Set();
/** @type {WebSocket|null} */
let socket = null;
let address = '';
let failures = 0;
let painting = false;
let heard_at = 0;
/** @type {(string|Uint8Array)[]} */
let unsaid = [];
const INK = { alpha: true, desynchronized: true, willReadFrequently: false };

/** @param {object} what @param {Transferable[]} [over] */
const tell = (what, over = []) => scope.postMessage(what, over);

/** @param {object} what */
function say(what) {
  const text = JSON.stringify(what);
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
  else if (unsaid.length < UNSAID_MAX) unsaid.push(text);
}

function connect() {
  socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  heard_at = Date.now();
  socket.onopen = () => {
    failures = 0;
    heard_at = Date.now();
    const waiting = unsaid;
    unsaid = [];
    for (const each of waiting) socket?.send(each);
  };
  socket.onmessage = (event) => {
    heard_at = Date.now();
    if (typeof event.data === 'string') heard(JSON.parse(event.data));
    else arrived(event.data);
  };
  socket.onclose = gone;
}

/**
 * Loads the decoder and the painting before anybody waits for them: the first picture of a browser costs its libraries
 * and shaders. A browser that cannot do it says so at the first real picture, where it is shown.
 */
function warm() {
  const ink = new OffscreenCanvas(16, 16).getContext('2d', INK);
  const decoder = new VideoDecoder({
    output: (frame) => {
      ink?.drawImage(frame, 0, 0);
      frame.close();
      decoder.close();
      tell({ kind: 'warm' });
    },
    error: (fault) => console.warn('warm', fault),
  });
  decoder.configure({ codec: GREY_CODEC, description: new Uint8Array(GREY_AVCC), optimizeForLatency: true });
  decoder.decode(new EncodedVideoChunk({ type: 'key', timestamp: 0, data: new Uint8Array(GREY_KEY) }));
}

/** The relay or the road to it is gone: nothing here is live, and admissions were this socket's. */
function gone() {
  unsaid = [];
  for (const tile of tiles.values()) {
    tile.live = false;
    tell({ kind: 'state', tile: tile.tile, state: 'lost', why: 'link_lost' });
  }
  for (const grant of grants) tell({ kind: 'grant', grant, state: 'lost', why: 'link_lost' });
  grants.clear();
  const wait = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(failures, 6));
  failures += 1;
  setTimeout(connect, wait * (0.75 + Math.random() / 2));
}

/** By the wall clock: it goes on while the machine sleeps. @param {number} silent_ms_max */
function doubt(silent_ms_max) {
  if (!socket || socket.readyState === WebSocket.CONNECTING || Date.now() - heard_at < silent_ms_max) return;
  socket.onclose = null;
  socket.onmessage = null;
  socket.close();
  socket = null;
  gone();
}

/** @param {{tile?: number, grant?: string, state?: string, why?: string, codec?: string}} said */
function heard(said) {
  if (typeof said.grant === 'string') {
    if (said.state === 'admitted') grants.add(said.grant);
    else grants.delete(said.grant);
    tell({ kind: 'grant', grant: said.grant, state: said.state, why: said.why ?? '' });
    return;
  }
  const tile = tiles.get(said.tile ?? -1);
  if (!tile) return;
  if (typeof said.codec === 'string') {
    tile.info = { codec: said.codec };
    tile.init = null;
    return;
  }
  tile.live = said.state === 'live';
  if (said.state === 'ended' || said.state === 'refused') wipe(tile);
  tell({ kind: 'state', tile: tile.tile, state: said.state, why: said.why ?? '' });
}

/** @param {ArrayBuffer} data u16 tile, then an init segment or a fragment */
function arrived(data) {
  const number = new DataView(data).getUint16(0);
  const tile = tiles.get(number);
  const kind = String.fromCharCode(...new Uint8Array(data, 6, 4));
  if (kind === 'ftyp') {
    if (tile) configure(tile, new Uint8Array(data, 2));
    return;
  }
  if (tile && !tile.canvas) {
    const body = new Uint8Array(data, 2);
    tell({ kind: 'fragment', tile: number, data: body }, [data]);
    return;
  }
  if (tile) feed(tile, data);
  acknowledge(number);
}

/** @param {number} number */
function acknowledge(number) {
  const ack = new Uint8Array([number >> 8, number & 255, 0, 1]);
  if (socket?.readyState === WebSocket.OPEN) socket.send(ack);
}

/** The payload of `avcC` is what the decoder must know. @param {Uint8Array} init */
function description(init) {
  const view = new DataView(init.buffer, init.byteOffset, init.byteLength);
  for (let at = 4; at + 4 < init.length; at += 1) {
    if (view.getUint32(at) === 0x61766343) return init.slice(at + 4, at - 4 + view.getUint32(at - 4));
  }
  return null;
}

/** @param {Tile} tile @param {Uint8Array} init what a browser's own player gets whole */
function configure(tile, init) {
  const told = description(init);
  if (!tile.info || !told) return;
  tile.init = init;
  if (!tile.canvas) {
    tell({ kind: 'init', tile: tile.tile, codec: tile.info.codec, data: init });
    return;
  }
  if (tile.decoder && tile.decoder.state !== 'closed') tile.decoder.close();
  const decoder = new VideoDecoder({
    output: (frame) => decoded(tile, decoder, frame),
    error: () => failed(tile, decoder),
  });
  tile.decoder = decoder;
  tile.need_key = true;
  decoder.configure({ codec: tile.info.codec, description: told, optimizeForLatency: true });
}

/** A broken decoder is replaced and waits for the next key frame. @param {Tile} tile @param {VideoDecoder} decoder */
function failed(tile, decoder) {
  tile.errors += 1;
  if (tile.decoder === decoder && tile.init) configure(tile, tile.init);
}

/** @param {Tile} tile @param {ArrayBuffer} data */
function feed(tile, data) {
  const view = new DataView(data, 2);
  const key = view.getUint8(KEY_AT) === 2;
  if (!tile.decoder || tile.decoder.state !== 'configured' || (tile.need_key && !key)) return;
  if (tile.decoder.decodeQueueSize > DECODE_QUEUE_MAX && !key) {
    tile.need_key = true;
    tile.dropped += 1;
    return;
  }
  tile.need_key = false;
  const timestamp = Math.round((Number(view.getBigUint64(TICKS_AT)) * 1e6) / 90_000);
  tile.arrivals.set(timestamp, view.getUint32(NTP_AT) * 1_000 - NTP_EPOCH_S * 1_000 + view.getUint32(NTP_AT + 4) / 4_294_967.296);
  const body = new Uint8Array(data, 2 + 32 + view.getUint32(DATA_OFFSET_AT));
  tile.decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp, data: body }));
}

/** Keeps only the newest. @param {Tile} tile @param {VideoDecoder} decoder @param {VideoFrame} frame */
function decoded(tile, decoder, frame) {
  if (tile.decoder !== decoder || !tiles.has(tile.tile)) {
    frame.close();
    return;
  }
  if (tile.newest) {
    tile.newest.close();
    tile.dropped += 1;
  }
  tile.newest = frame;
  if (painting) return;
  painting = true;
  // A hidden page gets no animation frames; the timer then closes what came, so that nothing piles up.
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    paint();
  };
  requestAnimationFrame(once);
  setTimeout(once, HIDDEN_PAINT_MS);
}

function paint() {
  painting = false;
  for (const tile of tiles.values()) {
    const frame = tile.newest;
    if (!frame) continue;
    // During the burst of a joined group of pictures more follow at once: show only its last one.
    if (tile.first_ms === null && (tile.decoder?.decodeQueueSize ?? 0) > 0) {
      frame.close();
      tile.newest = null;
      tile.dropped += 1;
      continue;
    }
    tile.newest = null;
    show(tile, frame);
    frame.close();
  }
}

/** @param {Tile} tile @param {VideoFrame} frame */
function show(tile, frame) {
  if (!tile.canvas || !tile.ink) return;
  if (tile.canvas.width !== frame.displayWidth || tile.canvas.height !== frame.displayHeight) {
    tile.canvas.width = frame.displayWidth;
    tile.canvas.height = frame.displayHeight;
  }
  tile.ink.drawImage(frame, 0, 0);
  if (tile.read_next && frame.displayWidth >= GLASS_WIDTH) {
    tile.read_next = false;
    void readGlass(tile, frame);
  }
  tile.shown += 1;
  tile.at_ms = tile.arrivals.get(frame.timestamp) ?? tile.at_ms;
  for (const past of tile.arrivals.keys()) if (past <= frame.timestamp) tile.arrivals.delete(past);
  if (tile.first_ms === null) {
    tile.first_ms = performance.now() - tile.asked_at;
    tell({ kind: 'picture', tile: tile.tile, at_ms: tile.at_ms, after_ms: tile.first_ms });
  }
}

/** Nothing of an ended picture stays. @param {Tile} tile */
function wipe(tile) {
  if (tile.decoder && tile.decoder.state !== 'closed') tile.decoder.close();
  tile.decoder = null;
  tile.newest?.close();
  tile.newest = null;
  tile.init = null;
  tile.arrivals.clear();
  if (tile.canvas) tile.ink?.clearRect(0, 0, tile.canvas.width, tile.canvas.height);
}

/**
 * Reads the time that simulated cameras write into the top left corner: from the decoded samples, because reading a
 * canvas back can take longer than everything else here. @param {Tile} tile @param {VideoFrame} frame
 */
async function readGlass(tile, frame) {
  const painted_at = Date.now();
  const rect = { x: 0, y: 0, width: GLASS_WIDTH, height: GLASS_HEIGHT };
  const own = frame.clone();
  try {
    const samples = new Uint8Array(own.allocationSize({ rect }));
    const [luma] = await own.copyTo(samples, { rect });
    if (!luma) return;
    let at_ms = 0;
    for (let bit = 0; bit < 48; bit += 1) {
      const x = (bit % 24) * 8 + 4;
      const y = Math.floor(bit / 24) * 8 + 4;
      at_ms = at_ms * 2 + ((samples[luma.offset + y * luma.stride + x] ?? 0) > 128 ? 1 : 0);
    }
    tile.glass_ms = painted_at - at_ms;
  } finally {
    own.close();
  }
}

/** @param {{tile: number, grant: string, camera: string, canvas: OffscreenCanvas|null}} asked */
function open({ tile, grant, camera, canvas }) {
  const ink = canvas ? canvas.getContext('2d', INK) : null;
  if (canvas && !ink) throw new Error('no 2d canvas');
  const before = tiles.get(tile);
  if (before) wipe(before);
  tiles.set(tile, {
    tile, grant, camera, canvas, ink, decoder: null, info: null, init: null, need_key: true, newest: null,
    asked_at: performance.now(), first_ms: null, at_ms: null, shown: 0, dropped: 0, errors: 0, mode: 'full', live: false, arrivals: new Map(), glass_ms: null, read_next: false,
  });
  say({ op: 'open', tile, grant, camera });
}

/** Answers when the next pictures have been read, or after GLASS_WAIT_MS. @param {number} number */
async function report(number) {
  for (const tile of tiles.values()) {
    tile.glass_ms = null;
    tile.read_next = true;
  }
  await new Promise((resolve) => setTimeout(resolve, GLASS_WAIT_MS));
  const now = Date.now();
  const reports = [...tiles.values()].map((tile) => ({
    tile: tile.tile, shown: tile.shown, dropped: tile.dropped, errors: tile.errors, first_ms: tile.first_ms,
    age_ms: tile.at_ms === null ? null : now - tile.at_ms, glass_ms: tile.glass_ms,
  }));
  tell({ kind: 'report', number, reports });
}

setInterval(() => {
  if ([...tiles.values()].some((tile) => tile.live && tile.mode === 'full')) doubt(SILENT_MS_MAX);
  for (const tile of tiles.values()) {
    if (tile.at_ms !== null && tile.decoder) tell({ kind: 'age', tile: tile.tile, age_ms: Date.now() - tile.at_ms });
  }
}, AGE_MS);

scope.onmessage = (/** @type {MessageEvent} */ event) => {
  const asked = event.data;
  const tile = tiles.get(asked.tile);
  switch (asked.op) {
    case 'connect':
      address = asked.url;
      connect();
      if (asked.decode) warm();
      break;
    case 'hello':
      say({ op: 'hello', token: asked.token });
      break;
    case 'open':
      open(asked);
      break;
    case 'close':
      if (tile) wipe(tile);
      tiles.delete(asked.tile);
      say({ op: 'close', tile: asked.tile });
      break;
    case 'mode':
      if (tile) tile.mode = asked.mode;
      say({ op: 'mode', tile: asked.tile, mode: asked.mode });
      break;
    case 'took':
      acknowledge(asked.tile);
      break;
    case 'doubt':
      doubt(DOUBT_MS);
      break;
    case 'report':
      void report(asked.number);
      break;
    default:
      throw new Error(`no such op: ${asked.op}`);
  }
};
