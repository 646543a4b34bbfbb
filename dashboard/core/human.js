// The human who has unlocked this page. Kept in memory only:
// a reload locks it again.

import { signal } from './html.js';
import { change } from './api.js';
import { now } from './clock.js';

/** @type {import('../lib/signals.js').Signal<{name: string, session: string, expires_at: string} | null>} */
export const human = signal(null);

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

export async function lock() {
  const headers = proof();
  human.value = null;
  if ('Coro-Human' in headers) await change('DELETE', '/api/humans/session', { headers });
}
