// The page's beginning: who is signed in, then the frame around the pages.

import { effect, html, render } from './core/html.js';
import { forgetDrafts } from './core/drafts.js';
import { human } from './core/human.js';
import { disconnect, follow } from './core/live.js';
import { identity, session, startSession } from './core/session.js';
import { pages } from './pages/index.js';
import { Shell } from './parts/shell.js';
import { SignIn } from './parts/signin.js';
import { notices } from './core/store.js';

/** How long after the first page the others are loaded, in milliseconds. */
const PRELOAD_MS = 1500;

function App() {
  if (session.value === undefined) return html`<main class="blank" aria-busy="true"></main>`;
  return session.value ? html`<${Shell} key=${identity.value} />` : html`<${SignIn} />`;
}

/** Who was signed in last; empty at first. */
let last = '';

effect(() => {
  // Also where another signs in while this page is open: nothing of whoever was
  // here before stays. The same person finds what was typed and not sent.
  const who = identity.value;
  human.value = null;
  if (!who) {
    disconnect();
    return;
  }
  if (last && last !== who) forgetDrafts();
  last = who;
  // That the last session had ended is no news now.
  notices.value = [];
  // The other pages, while nothing else is to do: they open at once, also when
  // the server is away.
  follow().then(() => setTimeout(() => pages.forEach((page) => page.load().catch(() => {})), PRELOAD_MS));
});

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
startSession();
