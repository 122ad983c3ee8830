/** Line drawings on a 24 grid and the four priority shapes. Shapes are SVG: the font has no triangle. */
import { html, svg } from 'lit';
import { t } from './say.js';

/** @type {Record<string, string>} */
const PATHS = {
  phone: 'M6.6 3.5h3l1.4 4-2 1.6a12 12 0 0 0 5.9 5.9l1.6-2 4 1.4v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.6 5.7a2 2 0 0 1 2-2.2Z',
  video: 'M3 6.5h12v11H3zM15 10.5l6-3.5v10l-6-3.5',
  send: 'M3.5 12h14M12 5.5l6.5 6.5-6.5 6.5',
  shield: 'M12 3l7.5 2.6v5.6c0 4.6-3 8-7.5 9.8-4.5-1.8-7.5-5.2-7.5-9.8V5.6z',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.8-4 3.7-6 7.5-6s6.7 2 7.5 6',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  check: 'M4.5 12.5l5 5L19.5 7',
  x: 'M6 6l12 12M18 6L6 18',
  sound: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  quiet: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6',
  follow: 'M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM12 2v5M12 17v5M2 12h5M17 12h5',
  list: 'M8 6.5h12M8 12h12M8 17.5h12M4 6.5h.01M4 12h.01M4 17.5h.01',
  doc: 'M6 3.5h8.5L18.5 8v12.5H6zM14 3.5V8.5h4.5M9 12.5h6.5M9 16h6.5',
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8.5 5v14M15.5 5v14',
  nav: 'M12 3l7 17.5-7-4-7 4z',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z',
  eyeoff: 'M3 3l18 18M9.6 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-3 3.7M6.2 7.3A15.5 15.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 3.8-.8',
  flag: 'M5.5 21V4.5M5.5 4.5h12l-2.5 4 2.5 4h-12',
  camera: 'M4 8h3.5l1.5-2.5h6L16.5 8H20v11H4zM12 10.2a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6Z',
  gear: 'M12 8.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4ZM12 2.8v3M12 18.2v3M2.8 12h3M18.2 12h3M5.5 5.5l2.1 2.1M16.4 16.4l2.1 2.1M18.5 5.5l-2.1 2.1M7.6 16.4l-2.1 2.1',
  out: 'M14 4.5h5v15h-5M4 12h10M10.5 8.5L14 12l-3.5 3.5',
};

/** @param {string} name @param {number} [size] */
export const icon = (name, size = 18) => html`<svg class="ic" width=${size} height=${size} viewBox="0 0 24 24" fill="none"
  stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]}></path></svg>`;

const SHAPES = [
  svg``,
  svg`<rect x="2" y="2" width="20" height="20"></rect>`,
  svg`<path d="M12 1.5L23 21.5H1z"></path>`,
  svg`<circle cx="12" cy="12" r="10.5"></circle>`,
  svg`<circle cx="12" cy="12" r="9.5"></circle>`,
];

/** @param {number} p priority 1 to 4 @param {number} [size] @param {boolean} [off] outline only */
export const shape = (p, size = 20, off = false) => html`<svg class=${`pr p${p}${off ? ' off' : ''}`} width=${size} height=${size}
  viewBox="0 0 24 24" role="img" aria-label=${t(`Priority.${p}`)}><g>${SHAPES[p] ?? SHAPES[4]}</g><text x="12" y=${p === 2 ? 18.5 : 16.8}
  text-anchor="middle">${p}</text></svg>`;

export const mark = html`<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true"><path
  d="M12 2.5l8.5 3v6.2c0 5-3.4 8.3-8.5 9.8-5.1-1.5-8.5-4.8-8.5-9.8V5.5z"></path><path d="M3.8 9.5h16.4M5 15h14M8.5 4v16M15.5 4v16" stroke-width="1"></path></svg>`;
