// Keys as a tree: their segments are folders.

/** @typedef {import('../../types/api.js').components['schemas']['StateItem']} StateItem */

/**
 * @typedef {{kind: 'folder', id: string, name: string, path: string, depth: number, count: number, open: boolean}
 *   | {kind: 'key', id: string, name: string, depth: number, item: StateItem}} Row
 */

/** With more keys than this folders are closed at first. */
const OPEN_UP_TO = 300;

/**
 * The rows in sight, in the order of the keys.
 * @param {StateItem[]} items Sorted, as the server gives them.
 * @param {string} prefix What all keys begin with, up to a `/`, is not repeated.
 * @param {Map<string, boolean>} toggled Folders that somebody has opened or closed.
 * @returns {Row[]}
 */
export function rowsOf(items, prefix, toggled) {
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const openAtFirst = items.length <= OPEN_UP_TO;
  /** @type {Row[]} */
  const rows = [];
  /** @type {(Row & {kind: 'folder'})[]} */
  let stack = [];
  for (const item of items) {
    const segments = item.key.slice(base.length).split('/');
    const folders = segments.slice(0, -1);
    let path = base;
    let hidden = false;
    for (const [depth, name] of folders.entries()) {
      path += `${name}/`;
      const there = stack[depth];
      if (there?.path !== path) {
        const open = toggled.get(path) ?? openAtFirst;
        /** @type {Row & {kind: 'folder'}} */
        const folder = { kind: 'folder', id: `f:${path}`, name, path, depth, count: 0, open };
        stack = [...stack.slice(0, depth), folder];
        if (!hidden) rows.push(folder);
      }
      const folder = stack[depth];
      if (folder) {
        folder.count += 1;
        hidden ||= !folder.open;
      }
    }
    stack.length = folders.length;
    if (!hidden) rows.push({ kind: 'key', id: `k:${item.key}`, name: segments.at(-1) ?? '', depth: folders.length, item });
  }
  return rows;
}
