/** Stand-in for the video player: draws a still and tells ages, so that the pages can be tested without video. */
export class Player extends EventTarget {
  constructor() {
    super();
    window.player = this;
    this.tiles = new Map();
    this.said = [];
    setInterval(() => {
      for (const [tile, one] of this.tiles) if (one.live) this.tell('age', { tile, age_ms: one.age_ms });
    }, 300);
  }
  tell(kind, detail) { this.dispatchEvent(new CustomEvent(kind, { detail })); }
  connect(url) { this.said.push(['connect', url]); }
  hello(token) { this.said.push(['hello', token]); }
  open(tile, canvas, { grant, camera }) {
    this.said.push(['open', tile, grant, camera]);
    canvas.width = 640; canvas.height = 360;
    this.tiles.set(tile, { camera, canvas, live: false, age_ms: 300 });
    setTimeout(() => this.show(tile), 60);
  }
  show(tile) {
    const one = this.tiles.get(tile);
    if (!one) return;
    const c = one.canvas.getContext('2d');
    c.fillStyle = '#1a2026'; c.fillRect(0, 0, 640, 360);
    c.fillStyle = '#2e363e'; c.beginPath(); c.moveTo(260, 120); c.lineTo(380, 120); c.lineTo(640, 360); c.lineTo(0, 360); c.fill();
    c.fillStyle = '#c9a45a'; c.fillRect(40, 90, 60, 70); c.fillRect(520, 70, 70, 60);
    one.live = true;
    this.tell('picture', { tile, at_ms: Date.now() - 300 });
  }
  close(tile) { this.said.push(['close', tile]); this.tiles.delete(tile); }
  end() { this.said.push(['end']); this.tiles.clear(); }
  mode(tile, mode) { this.said.push(['mode', tile, mode]); }
  /** What a test says of the nth open picture. */
  fail(n, state, why) { const tile = [...this.tiles.keys()][n]; this.tiles.get(tile).live = false; this.tell('state', { tile, state, why }); }
  late(n, age_ms) { const tile = [...this.tiles.keys()][n]; this.tiles.get(tile).age_ms = age_ms; }
}
