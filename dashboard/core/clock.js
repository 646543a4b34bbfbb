// Time as the server tells it: this machine's clock may be wrong.

import { signal } from './html.js';

/** How often texts such as "5 s ago" are written again, in milliseconds. */
const TICK_MS = 1000;

/** The server's clock minus ours, in milliseconds. */
let offset = 0;

/** The server's time, in milliseconds; moves once a second. */
export const tick = signal(Date.now());

setInterval(() => {
  if (!document.hidden) tick.value = now();
}, TICK_MS);
document.addEventListener('visibilitychange', () => {
  tick.value = now();
});

/** The server's time, in milliseconds. */
export function now() {
  return Date.now() + offset;
}

/**
 * Takes the server's clock from the header `Date` of an answer. It counts whole
 * seconds, so a difference below two says nothing.
 * @param {string | null} date
 */
export function observeClock(date) {
  const at = date ? Date.parse(date) : NaN;
  if (Number.isNaN(at)) return;
  const difference = at + 500 - Date.now();
  const before = offset;
  offset = Math.abs(difference) < 2000 ? 0 : difference;
  // What was written by the wrong clock does not wait for the next tick.
  if (Math.abs(offset - before) >= TICK_MS) tick.value = now();
}
