// JSON: read without losing digits, written with indents, shown as a tree.

import { html, useState } from '../core/html.js';
import { Plain } from './plain.js';
import { t } from '../texts.js';

/** Members that are shown at first, and with each "more". */
const STEP = 100;

/** Levels that are open at first. */
const OPEN_LEVELS = 2;

/** A number that a double can't hold: its digits as they were written. */
class Digits {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * Reads JSON; `undefined` where it is none.
 * @param {string} text
 * @returns {unknown}
 */
export function parseJson(text) {
  try {
    return JSON.parse(
      text,
      // The third argument is new: without it digits are lost as everywhere.
      /** @type {any} */ ((/** @type {string} */ _key, /** @type {unknown} */ value, /** @type {{source?: string} | undefined} */ context) =>
        typeof value === 'number' && context?.source && !Number.isSafeInteger(value) && String(value) !== context.source
          ? new Digits(context.source)
          : value),
    );
  } catch {
    // Also where it is nested too deep.
    return undefined;
  }
}

/**
 * JSON text with indents; nothing else of it changes. It is not parsed, so
 * every digit and every member stays.
 * @param {string} text
 */
export function indentJson(text) {
  let out = '';
  let depth = 0;
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
  const line = () => `\n${'  '.repeat(Math.min(depth, 50))}`;
  let before = '';
  for (const [word] of text.matchAll(token)) {
    if (word === '}' || word === ']') {
      depth -= 1;
      if (before !== '{' && before !== '[') out += line();
    } else if (before === '{' || before === '[' || before === ',') {
      out += line();
    }
    out += word === ':' ? ': ' : word;
    if (word === '{' || word === '[') depth += 1;
    before = word;
  }
  return out;
}

/** @param {{value: unknown}} props */
export function JsonTree({ value }) {
  return html`<div class="json mono"><${Node} value=${value} depth=${0} /></div>`;
}

/** @param {{name?: string, value: unknown, depth: number}} props */
function Node({ name, value, depth }) {
  const [open, setOpen] = useState(depth < OPEN_LEVELS);
  const [shown, setShown] = useState(STEP);
  const label = name === undefined ? '' : html`<span class="json-key"><${Plain} text=${name} max=${200} /></span><span class="dim">: </span>`;
  if (value === null || typeof value !== 'object' || value instanceof Digits) {
    return html`<div class="json-row json-leaf">${label}<${Leaf} value=${value} /></div>`;
  }
  const list = Array.isArray(value);
  const keys = Object.keys(value);
  const brackets = list ? '[]' : '{}';
  if (keys.length === 0) return html`<div class="json-row json-leaf">${label}<span class="dim">${brackets}</span></div>`;
  return html`<div>
    <button type="button" class="json-row json-toggle" aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)}>
      <span class=${`twist ${open ? 'open' : ''}`} aria-hidden="true">›</span>${label}<span class="dim">${brackets[0]}${open ? '' : `…${brackets[1]}`} ${t.json.count(keys.length, list)}</span>
    </button>
    ${open && html`<div class="json-inside">
      ${keys.slice(0, shown).map((key) => html`<${Node} key=${key} name=${key} value=${/** @type {any} */ (value)[key]} depth=${depth + 1} />`)}
      ${keys.length > shown && html`<button type="button" class="button ghost" onClick=${() => setShown(shown + STEP)}>${t.json.more(keys.length - shown)}</button>`}
    </div>`}
  </div>`;
}

/** @param {{value: unknown}} props */
function Leaf({ value }) {
  if (typeof value === 'string') return html`<span class="json-text">"<${Plain} text=${value} max=${1000} />"</span>`;
  if (value instanceof Digits) return html`<span class="json-number">${value.text}</span>`;
  return html`<span class=${typeof value === 'number' ? 'json-number' : 'json-word'}>${String(value)}</span>`;
}
