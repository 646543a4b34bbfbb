// The command palette: every page, agent, key and task in a few keystrokes.

import { html, signal, useEffect, useRef, useState } from './html.js';
import { read, readPage } from './api.js';
import { overlay, theme } from './store.js';
import { go, href } from './router.js';
import { signOut } from './session.js';
import { Icon } from '../parts/icon.js';
import { Plain } from '../parts/plain.js';
import { Modal } from '../parts/dialog.js';
import { pages } from '../pages/index.js';
import { t } from '../texts.js';

/** The most results that are shown. */
const SHOWN = 50;

/**
 * @typedef {object} Command
 * @property {string} icon
 * @property {string} name
 * @property {string} kind
 * @property {string} [hint]
 * @property {() => void} run
 */

/** @type {import('../lib/signals.js').Signal<Command[]>} */
const found = signal([]);

export function openPalette() {
  overlay.value = { view: (close) => html`<${Palette} close=${close} />` };
  search();
}

/** What the server knows; each part may be missing without harm. */
async function search() {
  const agents = read('/api/instances').then((list) =>
    list.map((/** @type {any} */ agent) => ({
      icon: 'agents', name: agent.name, kind: t.palette.agent, hint: agent.project,
      run: () => go(href('agents', { agent: `${agent.project}/${agent.name}` })),
    })));
  const keys = readPage('/api/state', { limit: 2000 }).then(({ data }) =>
    data.map((/** @type {any} */ item) => ({
      icon: 'state', name: item.key, kind: t.palette.key, hint: `v${item.version}`,
      run: () => go(href('state', { key: item.key })),
    })));
  const tasks = readPage('/api/tasks', { limit: 500 }).then(({ data }) =>
    data.map((/** @type {any} */ task) => ({
      icon: 'tasks', name: `${task.id} ${task.title}`, kind: t.palette.task, hint: task.status,
      run: () => go(href('tasks', { task: task.id })),
    })));
  const settled = await Promise.allSettled([agents, keys, tasks]);
  found.value = settled.flatMap((part) => (part.status === 'fulfilled' ? part.value : []));
}

/** @returns {Command[]} */
function fixed() {
  const themes = ['light', 'dark', 'system'].map((word) => ({
    icon: 'theme', name: t.palette.theme(word), kind: t.palette.action, run: () => { theme.value = word; },
  }));
  return [
    ...pages.map((page) => ({
      icon: page.icon, name: page.title, kind: t.palette.page, hint: `g ${page.key}`, run: () => go(href(page.id)),
    })),
    ...themes,
    { icon: 'out', name: t.session.signOut, kind: t.palette.action, run: () => { signOut(); } },
  ];
}

/** @param {{close: () => void}} props */
function Palette({ close }) {
  const [text, setText] = useState('');
  const [chosen, choose] = useState(0);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const shown = rank([...fixed(), ...found.value], text);
  const at = Math.min(chosen, shown.length - 1);

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at, text]);

  /** @param {Command} [command] */
  const run = (command) => {
    if (!command) return;
    close();
    command.run();
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const move = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 })[event.key];
    if (move) {
      event.preventDefault();
      choose(Math.max(0, Math.min(shown.length - 1, at + move)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(shown[at]);
    }
  };
  return html`<${Modal} title=${t.palette.title} close=${close} class="palette" bare>
    <div class="palette-field">
      <${Icon} name="search" />
      <input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label=${t.palette.title}
        aria-activedescendant=${shown.length ? `palette-${at}` : undefined} placeholder=${t.palette.placeholder}
        autocomplete="off" spellcheck=${false} data-autofocus value=${text} onKeyDown=${onKey}
        onInput=${(/** @type {any} */ event) => { setText(event.target.value); choose(0); }} />
    </div>
    ${shown.length === 0
      ? html`<p class="palette-none" role="status">${t.palette.none}</p>`
      : html`<ul id="palette-list" class="palette-list" role="listbox" aria-label=${t.palette.results} ref=${list}>
          ${shown.map((command, index) => html`<li key=${command.kind + command.name + command.hint} id=${`palette-${index}`} role="option"
            aria-selected=${index === at ? 'true' : 'false'} onClick=${() => run(command)} onPointerMove=${() => index !== at && choose(index)}>
            <${Icon} name=${command.icon} />
            <span class="palette-name"><${Plain} text=${command.name} max=${120} /></span>
            ${command.hint && html`<span class="dim mono"><${Plain} text=${command.hint} max=${40} /></span>`}
            <span class="dim palette-kind">${command.kind}</span>
          </li>`)}
        </ul>`}
  </${Modal}>`;
}

/**
 * Those that contain all words, the ones that begin with the text first.
 * @param {Command[]} commands
 * @param {string} text
 */
function rank(commands, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands.slice(0, SHOWN);
  /** @type {{command: Command, score: number}[]} */
  const scored = [];
  for (const command of commands) {
    const name = command.name.toLowerCase();
    const all = `${name} ${command.kind.toLowerCase()} ${command.hint?.toLowerCase() ?? ''}`;
    if (!words.every((word) => all.includes(word))) continue;
    const word = words[0] ?? '';
    const score = name.startsWith(word) ? 0 : name.includes(`/${word}`) || name.includes(` ${word}`) ? 1 : 2;
    scored.push({ command, score });
  }
  scored.sort((a, b) => a.score - b.score);
  return scored.slice(0, SHOWN).map(({ command }) => command);
}
