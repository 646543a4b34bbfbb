// What belongs to the page itself: the theme, preferences, notices, dialogs.

import { effect, signal } from './html.js';

/**
 * A signal that this browser remembers.
 * @param {string} name
 * @param {string} initial
 */
function remembered(name, initial) {
  const key = `coro.${name}`;
  let old;
  try {
    old = localStorage.getItem(key);
  } catch {
    old = null;
  }
  const value = signal(old ?? initial);
  effect(() => {
    try {
      localStorage.setItem(key, value.value);
    } catch {
      // A browser without storage forgets it.
    }
  });
  return value;
}

/** `system`, `light` or `dark`. */
export const theme = remembered('theme', 'system');

/** Whether single keys do something: `on` or `off` (WCAG 2.1.4). */
export const singleKeys = remembered('keys', 'on');

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'system') root.removeAttribute('data-theme');
  else root.dataset.theme = theme.value;
});

/**
 * What lies above the page: the palette, the list of keys, or a dialog of a page.
 * @type {import('../lib/signals.js').Signal<null | {view: (close: () => void) => any}>}
 */
export const overlay = signal(null);

/** @typedef {{id: number, text: string, next: string, kind: 'done' | 'error'}} Notice */

/** @type {import('../lib/signals.js').Signal<Notice[]>} */
export const notices = signal([]);

/** How long a notice stays, in milliseconds; errors stay until they are closed. */
const NOTICE_MS = 6000;

/** The most notices at a time. */
const NOTICES_MAX = 4;

let numbered = 0;

/** @param {string} text */
export function notify(text) {
  const id = add({ text, next: '', kind: 'done' });
  setTimeout(() => dismiss(id), NOTICE_MS);
}

/** @param {unknown} error */
export function notifyError(error) {
  const problem = /** @type {{message?: string, next?: string}} */ (error);
  add({ text: problem.message ?? String(error), next: problem.next ?? '', kind: 'error' });
}

/** @param {number} id */
export function dismiss(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** @param {Omit<Notice, 'id'>} notice */
function add(notice) {
  numbered += 1;
  notices.value = [...notices.value, { ...notice, id: numbered }].slice(-NOTICES_MAX);
  return numbered;
}
