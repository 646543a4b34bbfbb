// Who is signed in. The cookie alone opens nothing: the key of this page's own
// storage goes with every request.

import { forgetDrafts } from './drafts.js';
import { computed, signal } from './html.js';

const KEY = 'coro.key';

/**
 * @typedef {object} Session
 * @property {string} name
 * @property {string} role
 * @property {string} tenant
 * @property {string | null} project
 * @property {string} expires_at
 * @property {boolean} demo
 * @property {string | null} passkeys_at The origin on which passkeys work.
 * @property {number} revision
 */

/**
 * `undefined` until the server has answered, `null` where nobody is signed in.
 * @type {import('../lib/signals.js').Signal<Session | null | undefined>}
 */
export const session = signal(undefined);

/** Whose session it is; empty where nobody is signed in. */
export const identity = computed(() => {
  const one = session.value;
  return one ? JSON.stringify([one.tenant, one.project, one.role, one.name]) : '';
});

/**
 * Why nobody is signed in, where there is a reason to tell.
 * @type {import('../lib/signals.js').Signal<{detail: string, next: string} | null>}
 */
export const refused = signal(null);

/** The session's key; empty where there is none. */
export function key() {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** Signs in with the code of the URL, or goes on with the session that is there. */
export async function startSession() {
  const code = codeOf(location.hash);
  const { call } = await import('./api.js');
  try {
    if (code) {
      // Out of the history at once: the code is a secret.
      history.replaceState(null, '', location.pathname + location.search);
      const response = await call('POST', '/session', { body: { code: decodeURIComponent(code) } });
      localStorage.setItem(KEY, (await response.json()).key);
    }
    if (!key()) {
      session.value = null;
      return;
    }
    const response = await call('GET', '/session');
    refused.value = null;
    session.value = await response.json();
  } catch (error) {
    const problem = /** @type {import('./api.js').Problem} */ (error);
    if (problem.status === 401 && !code) forget();
    // A server that is away says nothing about the session.
    refused.value = { detail: problem.message, next: problem.next };
    session.value = null;
  }
}

/**
 * The server no longer takes the session.
 * @param {{message: string, next: string}} problem
 */
export function endSession(problem) {
  if (!session.value) return;
  forget();
  refused.value = { detail: problem.message, next: problem.next };
  session.value = null;
}

export async function signOut() {
  const { call } = await import('./api.js');
  try {
    await call('DELETE', '/session');
  } finally {
    forget();
    forgetDrafts();
    refused.value = null;
    session.value = null;
  }
}

/** @param {string} hash */
function codeOf(hash) {
  return /[#&]code=([^&]+)/.exec(hash)?.[1];
}

function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // A browser without storage has nothing to forget.
  }
}

// A new code in the address of a page that is open already.
window.addEventListener('hashchange', () => {
  if (codeOf(location.hash)) startSession();
});

// Signed in or out in another tab.
window.addEventListener('storage', (event) => {
  if (event.key === KEY) startSession();
});
