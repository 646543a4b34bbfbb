// What stands where nothing is yet, or where reading has failed.

import { html } from '../core/html.js';
import { Copy } from './copy.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

/**
 * Says why it is empty, and which command fills it.
 * @param {{icon: string, title: string, text?: string, command?: string, children?: any}} props
 */
export function Empty({ icon, title, text, command, children }) {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} /></span>
    <p class="empty-title">${title}</p>
    ${text && html`<p class="dim">${text}</p>`}
    ${command && html`<${Command} text=${command} />`}
    ${children}
  </div>`;
}

/**
 * A command to copy.
 * @param {{text: string}} props
 */
export function Command({ text }) {
  return html`<div class="command"><code>${text}</code><${Copy} text=${text} label=${t.copy.command} /></div>`;
}

/**
 * What went wrong, and what to do next.
 * @param {{error: {message: string, next?: string}, retry?: () => void}} props
 */
export function Failure({ error, retry }) {
  return html`<div class="failure" role="alert">
    <${Icon} name="warning" />
    <div><p class="failure-text">${error.message}</p>${error.next && html`<p class="dim">${error.next}</p>`}</div>
    ${retry && html`<button type="button" class="button" onClick=${retry}>${t.retry}</button>`}
  </div>`;
}

/** A quiet sign that something is being read. */
export function Loading() {
  return html`<p class="loading dim" role="status">${t.loading}</p>`;
}
