// A number that the API answers. It says where: a test reads it there and
// compares.

import { html } from '../core/html.js';

/**
 * `of` is a path of the API and, after `#`, a JSON pointer into the answer; an
 * empty pointer is the length of a list.
 * @param {{of: string | undefined, value: number | bigint, children?: any}} props
 */
export function Figure({ of, value, children }) {
  return html`<span data-figure=${of}>${children ?? value.toLocaleString('en')}</span>`;
}
