// The keyboard: every shortcut is registered here, so that `?` shows them all.

import { useLayoutEffect } from './html.js';
import { overlay, singleKeys } from './store.js';

/**
 * @typedef {object} Shortcut
 * @property {string} keys As `event.key`; two keys one after the other with a space, such as `g e`.
 * @property {string} text
 * @property {string} [group]
 * @property {() => void} run
 */

/** @type {Set<Shortcut>} */
const shortcuts = new Set();

/** How long the first of two keys waits for the second, in milliseconds. */
const CHORD_MS = 1200;

let first = '';
let firstAt = 0;

/** All that work now. */
export function registered() {
  return [...shortcuts];
}

/** @param {Shortcut[]} list */
export function register(list) {
  for (const shortcut of list) shortcuts.add(shortcut);
  return () => {
    for (const shortcut of list) shortcuts.delete(shortcut);
  };
}

/**
 * Shortcuts of a view, while it is shown.
 * @param {Shortcut[]} list
 * @param {unknown[]} deps
 */
export function useKeys(list, deps) {
  // Before the view can be seen: whoever sees it may press at once.
  useLayoutEffect(() => register(list), deps);
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey) && !event.altKey) {
    event.preventDefault();
    for (const shortcut of shortcuts) if (shortcut.keys === 'Mod+k') shortcut.run();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || overlay.value) return;
  if (singleKeys.value === 'off' && event.key !== 'Escape') return;
  if (isTyping(event.target) && event.key !== 'Escape') return;
  const chord = first && performance.now() - firstAt < CHORD_MS ? `${first} ${event.key}` : '';
  first = '';
  // The newest first: a page's own key goes before the frame's.
  const list = registered().reverse();
  const found = list.find((one) => one.keys === chord) ?? list.find((one) => one.keys === event.key);
  if (found) {
    event.preventDefault();
    found.run();
    return;
  }
  if (list.some((one) => one.keys.startsWith(`${event.key} `))) {
    first = event.key;
    firstAt = performance.now();
  }
});

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}
