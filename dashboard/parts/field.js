// Filters: what is typed becomes part of the URL.

import { html, useEffect, useRef, useState } from '../core/html.js';
import { useKeys } from '../core/keys.js';
import { filter, setQuery } from '../core/router.js';
import { focusTable } from './table.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

/** How long typing must rest before the list follows, in milliseconds. */
const REST_MS = 200;

/** @param {{name: string, label: string, placeholder: string}} props */
export function FilterField({ name, label, placeholder }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const value = filter(name);
  const [text, setText] = useState(value);
  const typed = useRef(0);
  useEffect(() => {
    if (document.activeElement !== input.current) setText(value);
  }, [value]);
  useKeys([{ keys: '/', text: t.keys.filter, group: t.keys.lists, run: () => input.current?.focus() }], []);
  /** @param {string} next */
  const change = (next) => {
    setText(next);
    clearTimeout(typed.current);
    typed.current = setTimeout(() => setQuery({ [name]: next }, { replace: true }), REST_MS);
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key === 'Escape' || event.key === 'Enter') {
      event.preventDefault();
      event.stopPropagation();
      clearTimeout(typed.current);
      if (event.key === 'Escape') setText('');
      setQuery({ [name]: event.key === 'Escape' ? '' : text }, { replace: true });
      input.current?.blur();
      focusTable();
    }
  };
  return html`<label class="field">
    <${Icon} name="search" /><span class="hidden-text">${label}</span>
    <input type="text" ref=${input} value=${text} placeholder=${placeholder} autocomplete="off" spellcheck=${false}
      onInput=${(/** @type {any} */ event) => change(event.target.value)} onKeyDown=${onKey} />
    ${!text && html`<kbd aria-hidden="true">/</kbd>`}
  </label>`;
}

/** @param {{name: string, label: string, options: {value: string, text: string}[]}} props */
export function FilterSelect({ name, label, options }) {
  return html`<label class="select"><span class="hidden-text">${label}</span>
    <select value=${filter(name)} onChange=${(/** @type {any} */ event) => setQuery({ [name]: event.target.value })}>
      ${options.map((option) => html`<option key=${option.value} value=${option.value} selected=${option.value === filter(name)}>${option.text}</option>`)}
    </select><${Icon} name="down" />
  </label>`;
}
