// Nobody is signed in: how to come in.

import { html } from '../core/html.js';
import { refused, startSession } from '../core/session.js';
import { Command } from './empty.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

export function SignIn() {
  const why = refused.value;
  return html`<main class="signin">
    <div class="signin-box">
      <p class="brand"><img src="/icon.svg" alt="" width="28" height="28" />Coro</p>
      <h1>${t.signin.title}</h1>
      ${why && html`<div class="failure" role="alert"><${Icon} name="warning" /><div><p class="failure-text">${why.detail}</p>${why.next && html`<p class="dim">${why.next}</p>`}</div></div>`}
      <p>${t.signin.how}</p>
      <${Command} text="coro-cli dashboard" />
      <ul class="signin-notes">${t.signin.notes.map((/** @type {string} */ note) => html`<li key=${note}>${note}</li>`)}</ul>
      ${why && html`<button type="button" class="button" onClick=${startSession}>${t.retry}</button>`}
    </div>
  </main>`;
}
