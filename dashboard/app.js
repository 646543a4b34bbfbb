// The page's beginning: who is signed in, then the frame around the pages.

import { effect, html, render } from './core/html.js';
import { read } from './core/api.js';
import { human } from './core/human.js';
import { begin, connect, disconnect, entryOf } from './core/live.js';
import { session, startSession } from './core/session.js';
import { pages } from './pages/index.js';
import { Shell } from './parts/shell.js';
import { SignIn } from './parts/signin.js';
import { notices, notifyError } from './core/store.js';

/** How long after the first page the others are loaded, in milliseconds. */
const PRELOAD_MS = 1500;

/** Entries of the log that are read when the page opens. */
const FIRST_ENTRIES = 300;

function App() {
  if (session.value === undefined) return html`<main class="blank" aria-busy="true"></main>`;
  return session.value ? html`<${Shell} />` : html`<${SignIn} />`;
}

let signedIn = false;

effect(() => {
  const now = Boolean(session.value);
  if (now === signedIn) return;
  signedIn = now;
  if (now) {
    // That the last session had ended is no news now.
    notices.value = [];
    follow(session.value?.revision ?? 0);
  } else {
    disconnect();
    human.value = null;
  }
});

/**
 * Reads the newest entries, then what follows them.
 * @param {number} revision
 */
async function follow(revision) {
  try {
    const events = await read('/api/events/history', { last: FIRST_ENTRIES });
    begin(events.map(entryOf), events.length > 0 ? Number(events[0].revision) : revision);
  } catch (error) {
    notifyError(error);
    begin([], revision);
  }
  connect();
  // The other pages, while nothing else is to do: they open at once, also
  // when the server is away.
  setTimeout(() => pages.forEach((page) => page.load().catch(() => {})), PRELOAD_MS);
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
startSession();
