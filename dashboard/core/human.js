// The human who has unlocked this page. Kept in memory only:
// a reload locks it again.

import { effect, signal } from './html.js';
import { Problem, change } from './api.js';
import { now, tick } from './clock.js';

/** @type {import('../lib/signals.js').Signal<{name: string, session: string, expires_at: string} | null>} */
export const human = signal(null);

// It ends by itself, and then no page may say otherwise.
effect(() => {
  if (human.value && Date.parse(human.value.expires_at) <= tick.value) human.value = null;
});

/** The header that proves who decides; empty while it is locked. */
export function proof() {
  const who = human.value;
  /** @type {Record<string, string>} */
  const headers = {};
  if (who && Date.parse(who.expires_at) > now()) headers['Coro-Human'] = who.session;
  return headers;
}

export function isUnlocked() {
  return 'Coro-Human' in proof();
}

/**
 * @param {string} name Empty where there is one human only.
 * @param {string} passphrase
 */
export async function unlock(name, passphrase) {
  human.value = await change('POST', '/api/humans/unlock', { body: { name: name || undefined, passphrase } });
}

/**
 * Changes something with the proof of who decides. Where the server no longer
 * takes it, as after a new passphrase elsewhere, the page is locked here too.
 * @param {string} method
 * @param {string} path
 * @param {import('./api.js').Options} [options]
 */
export async function changeAsHuman(method, path, options = {}) {
  try {
    return await change(method, path, { ...options, headers: { ...proof(), ...options.headers } });
  } catch (error) {
    if (isOver(error)) human.value = null;
    throw error;
  }
}

/**
 * Whether a change failed since the human's session is over.
 * @param {unknown} error
 */
export function isOver(error) {
  return error instanceof Problem && error.reason === 'session_over';
}

export async function lock() {
  const headers = proof();
  human.value = null;
  if ('Coro-Human' in headers) await change('DELETE', '/api/humans/session', { headers });
}
