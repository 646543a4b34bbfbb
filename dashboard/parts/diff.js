// The difference of two texts, line by line.

import { html, useMemo } from '../core/html.js';
import { Plain } from './plain.js';
import { t } from '../texts.js';

/** The most lines of each side that are compared; more would take too long. */
const LINES_MAX = 1500;

/** Unchanged lines that are shown around a change. */
const CONTEXT = 3;

/** @typedef {{kind: 'same' | 'added' | 'removed', text: string, before: number, after: number}} Line */

/**
 * @param {string} before
 * @param {string} after
 * @returns {Line[] | null} Null where there is too much to compare.
 */
export function compare(before, after) {
  // Where both end with a line feed there is no line behind it.
  const ended = before.endsWith('\n') && after.endsWith('\n');
  const linesOf = (/** @type {string} */ text) => (text === '' ? [] : (ended ? text.slice(0, -1) : text).split('\n'));
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const left = a.slice(head, a.length - tail);
  const right = b.slice(head, b.length - tail);
  if (left.length > LINES_MAX || right.length > LINES_MAX) return null;
  /** @type {Line[]} */
  const lines = [];
  for (let i = 0; i < head; i += 1) lines.push({ kind: 'same', text: a[i] ?? '', before: i + 1, after: i + 1 });
  middle(left, right, head, lines);
  for (let i = tail; i > 0; i -= 1) {
    lines.push({ kind: 'same', text: a[a.length - i] ?? '', before: a.length - i + 1, after: b.length - i + 1 });
  }
  return lines;
}

/**
 * By the longest common subsequence.
 * @param {string[]} left
 * @param {string[]} right
 * @param {number} head
 * @param {Line[]} lines
 */
function middle(left, right, head, lines) {
  const width = right.length + 1;
  const table = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      table[at] = left[i] === right[j]
        ? (table[at + width + 1] ?? 0) + 1
        : Math.max(table[at + width] ?? 0, table[at + 1] ?? 0);
    }
  }
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const at = i * width + j;
    if (i < left.length && j < right.length && left[i] === right[j]) {
      lines.push({ kind: 'same', text: left[i] ?? '', before: head + i + 1, after: head + j + 1 });
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < left.length && (table[at + width] ?? 0) >= (table[at + 1] ?? 0))) {
      lines.push({ kind: 'removed', text: left[i] ?? '', before: head + i + 1, after: 0 });
      i += 1;
    } else {
      lines.push({ kind: 'added', text: right[j] ?? '', before: 0, after: head + j + 1 });
      j += 1;
    }
  }
}

/** @param {{before: string, after: string, label: string}} props */
export function Diff({ before, after, label }) {
  const lines = useMemo(() => compare(before, after), [before, after]);
  if (!lines) return html`<p class="dim">${t.diff.tooLarge}</p>`;
  if (lines.every((line) => line.kind === 'same')) return html`<p class="dim">${t.diff.same}</p>`;
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some((line) => line.kind !== 'same'));
  /** @type {any[]} */
  const rows = [];
  let hidden = 0;
  const fold = () => {
    if (hidden > 0) rows.push(html`<tr class="diff-fold"><td colspan="4">${t.diff.hidden(hidden)}</td></tr>`);
    hidden = 0;
  };
  lines.forEach((line, at) => {
    if (!near[at]) {
      hidden += 1;
      return;
    }
    fold();
    rows.push(html`<${Row} line=${line} />`);
  });
  fold();
  const count = (/** @type {string} */ kind) => lines.filter((line) => line.kind === kind).length;
  return html`<div>
    <p class="diff-count"><span class="tone-good">+${count('added')}</span> <span class="tone-bad">−${count('removed')}</span></p>
    <div class="diff well" tabindex="0" role="region" aria-label=${label}>
      <table class="mono"><caption class="hidden-text">${label}</caption><tbody>${rows}</tbody></table>
    </div>
  </div>`;
}

/** @param {{line: Line}} props */
function Row({ line }) {
  const sign = { same: ' ', added: '+', removed: '−' }[line.kind];
  return html`<tr class=${`diff-${line.kind}`}>
    <td class="diff-number">${line.before || ''}</td><td class="diff-number">${line.after || ''}</td>
    <td class="diff-sign"><span aria-hidden="true">${sign}</span><span class="hidden-text">${t.diff[line.kind]}</span></td>
    <td class="diff-text"><${Plain} text=${line.text} max=${2000} /></td>
  </tr>`;
}
