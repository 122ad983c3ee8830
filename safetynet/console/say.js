/**
 * Words and numbers as people read them: language, durations, ages, distances, times in Korean time.
 * Numbers are formatted here and nowhere else, so that 6초 전 looks the same on every screen.
 */
import { TEXT } from './messages.js';

/** @typedef {'ko'|'en'} Language */
const KEPT = 'safetynet.language';
/** @type {Language} */
let language = localStorage.getItem(KEPT) === 'en' ? 'en' : 'ko';
document.documentElement.lang = language;

/** Fires `language` after a switch; elements redraw on it. */
export const spoken = new EventTarget();
export const isKorean = () => language === 'ko';

/** @param {Language} next */
export function speak(next) {
  language = next;
  localStorage.setItem(KEPT, next);
  document.documentElement.lang = next;
  spoken.dispatchEvent(new Event('language'));
}

/**
 * The text of a key with `{name}` filled in. An unknown key is shown as its own last part: a word that a newer
 * server says must reach the operator, not vanish.
 * @param {string} key @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const pair = TEXT[key];
  const text = pair ? pair[language === 'ko' ? 0 : 1] : key.slice(key.indexOf('.') + 1).replaceAll('_', ' ');
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

const clockForm = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Seoul', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});
const dayForm = {
  ko: new Intl.DateTimeFormat('ko-KR', { timeZone: 'Asia/Seoul', month: 'long', day: 'numeric' }),
  en: new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Seoul', month: 'long', day: 'numeric' }),
};

/** `21:47:08`, Korean time. @param {number} at_ms */
export const clock = (at_ms) => clockForm.format(at_ms);
/** `3월 14일`, Korean time. @param {number} at_ms */
export const day = (at_ms) => dayForm[language].format(at_ms);
/** `2026-11-24`, Korean time. @param {number} at_ms */
export const dated = (at_ms) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Seoul' }).format(at_ms);
/** @param {number} n */
export const count = (n) => n.toLocaleString(language === 'ko' ? 'ko-KR' : 'en-GB');

/** `0:54` under an hour, `2시간 28분` above. @param {number} ms */
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
  return t('span.hours', { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
}

/** `6초`, `1분 12초`, `2시간 28분`. @param {number} ms */
export function lasting(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t('span.seconds', { s });
  if (s < 3600) return t('span.minutes', { m: Math.floor(s / 60), s: s % 60 });
  return t('span.hours', { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
}

/** @param {number} ms */
export const ago = (ms) => t('span.ago', { span: lasting(ms) });

/** `0.3초`: the age of a frame. @param {number} ms */
export const tenths = (ms) => t('span.seconds', { s: (Math.max(0, ms) / 1000).toFixed(1) });

/** `460 m`, `1.9 km`. @param {number} m */
export const metres = (m) => (m < 1000 ? `${Math.round(m)} m` : `${(m / 1000).toFixed(1)} km`);

/** `37 MB`. @param {number} bytes */
export const megabytes = (bytes) => t('footage.mb', { n: count(Math.max(1, Math.round(bytes / 1_000_000))) });

/** `위성 ±18 m`. @param {import('./types.js').Place} place */
export const certainty = (place) => `${t(`Source.${place.source}`)} ±${metres(place.radius_m)}`;

/** What somebody does and where: `관제요원 · 관제 3석`, `관제팀장`, `보호관찰관 · 신속수사팀 1`. @param {string} role @param {string} [seat] an officer's is the unit */
export function post(role, seat) {
  const where = role === 'operator' && seat ? t('seat', { seat }) : role === 'officer' ? seat : '';
  return [t(`Role.${role}`), where].filter(Boolean).join(' · ');
}

/** `시속 5 km`. @param {number} mps */
export const speed = (mps) => t('speed', { kmh: Math.round(mps * 3.6) });
