// All keys that work now.

import { html } from '../core/html.js';
import { registered } from '../core/keys.js';
import { singleKeys } from '../core/store.js';
import { Modal } from './dialog.js';
import { t } from '../texts.js';

/** @param {{close: () => void}} props */
export function Help({ close }) {
  const fixed = [
    { keys: 'j', text: t.keys.down, group: t.keys.lists },
    { keys: 'k', text: t.keys.up, group: t.keys.lists },
    { keys: 'Enter', text: t.keys.open, group: t.keys.lists },
  ];
  /** @type {Map<string, {keys: string, text: string}[]>} */
  const groups = new Map();
  for (const one of [...registered(), ...fixed]) {
    const group = one.group ?? t.keys.page;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return html`<${Modal} title=${t.keys.help} close=${close} class="help">
    <div class="modal-body help-groups">
      ${[...groups].map(([name, list]) => html`<section key=${name}><h3 class="label">${name}</h3>
        <dl>${list.map((one) => html`<div key=${one.keys}><dt>${keysOf(one.keys)}</dt><dd>${one.text}</dd></div>`)}</dl></section>`)}
    </div>
    <footer class="modal-foot start">
      <label class="check"><input type="checkbox" checked=${singleKeys.value === 'on'} onChange=${(/** @type {any} */ event) => { singleKeys.value = event.target.checked ? 'on' : 'off'; }} />${t.keys.single}</label>
    </footer>
  <//>`;
}

/** @param {string} keys */
function keysOf(keys) {
  const words = keys === 'Mod+k' ? [navigator.platform.startsWith('Mac') ? '⌘' : 'Ctrl', 'K'] : keys.split(' ');
  return words.map((word) => html`<kbd key=${word}>${word}</kbd>`);
}
