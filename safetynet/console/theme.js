/** Dark or light, kept per machine. */
const KEPT = 'safetynet.theme';

export const theme = () => document.documentElement.dataset.theme ?? 'dark';

export function toggle() {
  const next = theme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEPT, next);
}

if (localStorage.getItem(KEPT) === 'light') document.documentElement.dataset.theme = 'light';
