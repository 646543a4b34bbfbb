// A value by its type: JSON as a tree, text as lines, the rest as bytes.

import { html, useState } from '../core/html.js';
import { sizeText } from '../core/plain.js';
import { Copy } from './copy.js';
import { Figure } from './figure.js';
import { JsonTree, indentJson, parseJson } from './json.js';
import { Plain } from './plain.js';
import { t } from '../texts.js';

/** The most bytes of a value that are read to be shown. */
export const SHOWN_BYTES = 256 * 1024;

/** The most lines of a text that are shown at once, and the longest one. */
const LINES = 2000;
const LINE_CHARS = 4000;

/** Bytes that are shown as hexadecimal digits. */
const HEX_BYTES = 4096;

/**
 * What kind of value it is, and its text.
 * @param {Uint8Array} bytes
 * @param {boolean} whole
 * @returns {{kind: 'json' | 'text' | 'bytes', text: string, json?: unknown}}
 */
export function readValue(bytes, whole) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    return { kind: 'bytes', text: '' };
  }
  if (text.includes('\0')) return { kind: 'bytes', text: '' };
  const json = whole ? parseJson(text) : undefined;
  if (json !== undefined) return { kind: 'json', text, json };
  return { kind: 'text', text };
}

/**
 * `figure` is where the API answers the size.
 * @param {{bytes: Uint8Array, whole: boolean, size: number, figure: string}} props
 */
export function ValueView({ bytes, whole, size, figure }) {
  const value = readValue(bytes, whole);
  const forms = value.kind === 'json' ? ['tree', 'text', 'hex'] : value.kind === 'text' ? ['text', 'hex'] : ['hex'];
  const [chosen, choose] = useState('');
  const form = forms.includes(chosen) ? chosen : (forms[0] ?? 'hex');
  return html`<div class="value">
    <div class="value-head">
      <div class="segments" role="group" aria-label=${t.value.shownAs}>
        ${forms.map((name) => html`<button type="button" key=${name} aria-pressed=${name === form ? 'true' : 'false'} onClick=${() => choose(name)}>${t.value.forms[name]}</button>`)}
      </div>
      <span class="dim"><${Figure} of=${figure} value=${size} rounded=${sizeText(size)} /></span>
      ${value.kind !== 'bytes' && whole && html`<${Copy} text=${value.text} label=${t.copy.value} />`}
    </div>
    ${!whole && html`<p class="note">${t.value.cut(sizeText(bytes.length), sizeText(size))}</p>`}
    <div class="well" tabindex="0" role="region" aria-label=${t.value.title}>
      ${form === 'tree' && html`<${JsonTree} value=${value.json} />`}
      ${form === 'text' && html`<${Lines} text=${value.kind === 'json' ? indentJson(value.text) : value.text} />`}
      ${form === 'hex' && html`<${Hex} bytes=${bytes} />`}
    </div>
  </div>`;
}

/** @param {{text: string}} props */
export function Lines({ text }) {
  const [shown, setShown] = useState(LINES);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return html`<div class="lines mono">
    ${lines.slice(0, shown).map((line, at) => html`<div class="line"><span class="line-number" aria-hidden="true">${at + 1}</span><span class="line-text"><${Plain} text=${line} max=${LINE_CHARS} /></span></div>`)}
    ${lines.length > shown && html`<button type="button" class="button ghost" onClick=${() => setShown(shown + LINES)}>${t.value.moreLines(lines.length - shown)}</button>`}
  </div>`;
}

/** @param {{bytes: Uint8Array}} props */
function Hex({ bytes }) {
  const rows = [];
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES); at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const digits = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(47);
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    rows.push(`${at.toString(16).padStart(6, '0')}  ${digits}  ${text}`);
  }
  return html`<div>
    <pre class="mono hex">${rows.join('\n')}</pre>
    ${bytes.length > HEX_BYTES && html`<p class="dim">${t.value.hexCut(sizeText(HEX_BYTES))}</p>`}
  </div>`;
}
