// Text of others. Always a text node, never markup.

import { html } from '../core/html.js';
import { pieces } from '../core/plain.js';
import { t } from '../texts.js';

/**
 * Shows a text, cut after `max` characters.
 * @param {{text: string | null | undefined, max?: number}} props
 */
export function Plain({ text, max = 300 }) {
  const whole = text ?? '';
  const cut = whole.length > max;
  if (!cut) {
    const list = pieces(whole);
    if (list.length < 2 && !list[0]?.odd) return html`<bdi class="plain">${list[0]?.text ?? ''}</bdi>`;
  }
  const list = pieces(cut ? whole.slice(0, max) : whole);
  // Isolated: its direction stays its own.
  return html`<bdi class="plain">${list.map((piece) => (piece.odd ? html`<span class="odd" title=${t.plain.odd}>${piece.text}</span>` : piece.text))}${cut && html`<span class="dim" title=${t.plain.cut(whole.length)}>…</span>`}</bdi>`;
}
