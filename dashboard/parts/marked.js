// The little Markdown of our own texts: code and emphasis, nothing else.

import { html } from '../core/html.js';

/** @param {{text: string}} props */
export function Marked({ text }) {
  return text.split(/(`[^`]+`|\*[^*`]+\*)/).map((part) => {
    if (part.startsWith('`') && part.endsWith('`') && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith('*') && part.endsWith('*') && part.length > 2) return html`<em>${part.slice(1, -1)}</em>`;
    return part;
  });
}
