// A number that the API answers. It says where: a test reads it there and
// compares.

import { html } from '../core/html.js';

/**
 * `of` is a path of the API and, after `#`, a JSON pointer into the answer; an
 * empty pointer is the length of a list. `rounded` is the number in another
 * unit, such as 4 KiB; the exact one is beside it.
 * @param {{of: string | undefined, value: number | bigint, rounded?: string, children?: any}} props
 */
export function Figure({ of, value, rounded, children }) {
  if (rounded !== undefined) return html`<data data-figure=${of} value=${String(value)} title=${value.toLocaleString('en')}>${rounded}</data>`;
  return html`<span data-figure=${of}>${children ?? value.toLocaleString('en')}</span>`;
}
