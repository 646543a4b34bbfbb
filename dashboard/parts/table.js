// A table of any length: only the rows in sight exist. One row is selected;
// the arrows, or j and k, move it.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../core/html.js';
import { singleKeys } from '../core/store.js';
/** Rows that exist above and below those in sight. */
const SPARE = 4;

/** The height of a row and of the head, in pixels; the sheet has the same. */
const ROW = 34;

/**
 * @template T
 * @typedef {object} Column
 * @property {string} id
 * @property {any} title
 * @property {string} width As a track of a CSS grid.
 * @property {(row: T) => any} cell
 * @property {number} [from] Shown where the table is at least this wide, in pixels.
 * @property {boolean} [right]
 */

/**
 * @template T
 * @param {{
 *   label: string, rows: T[], columns: Column<T>[], rowKey: (row: T) => string | number,
 *   selected?: string | number | null, onSelect?: (row: T) => void, onOpen?: (row: T) => void,
 *   onSide?: (row: T, open: boolean) => void, onEnd?: () => void, rowClass?: (row: T) => string, foot?: any
 * }} props `selected` is the row that the URL names; `onSelect` is told of each row
 *   that the keyboard comes to, `onOpen` of the one that is opened, `onSide` of the
 *   arrows to the right and left.
 */
export function Table({ label, rows, columns, rowKey, selected = null, onSelect, onOpen, onSide, onEnd, rowClass, foot }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const id = useId();
  const [size, setSize] = useState({ height: 600, width: 1000 });
  const [top, setTop] = useState(0);
  const [current, setCurrent] = useState(selected);
  useEffect(() => {
    // What is closed stays marked: one finds the place again.
    if (selected !== null) setCurrent(selected);
  }, [selected]);
  const at = current === null ? -1 : rows.findIndex((row) => rowKey(row) === current);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setSize({ height: element.clientHeight, width: element.clientWidth }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // New rows above push those in sight down: whoever has scrolled stays where they are.
  const anchor = useRef(/** @type {{key: string | number, index: number} | null} */ (null));
  useLayoutEffect(() => {
    const element = box.current;
    const kept = anchor.current;
    if (!element || !kept || element.scrollTop < ROW) return;
    if (rows[kept.index] && rowKey(/** @type {T} */ (rows[kept.index])) === kept.key) return;
    const moved = rows.findIndex((row) => rowKey(row) === kept.key);
    if (moved >= 0) element.scrollTop += (moved - kept.index) * ROW;
  }, [rows]);
  useLayoutEffect(() => {
    const index = Math.floor((box.current?.scrollTop ?? 0) / ROW);
    const row = rows[index];
    anchor.current = row === undefined ? null : { key: rowKey(row), index };
  });

  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const last = Math.min(rows.length, Math.ceil((top + size.height) / ROW) + SPARE);
  useEffect(() => {
    if (onEnd && rows.length > 0 && last >= rows.length) onEnd();
  }, [last, rows.length]);

  /** @param {number} index */
  const select = (index) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row === undefined) return;
    setCurrent(rowKey(row));
    onSelect?.(row);
    reveal(index);
  };
  /** @param {number} index */
  const reveal = (index) => {
    const element = box.current;
    if (!element) return;
    const y = Math.max(0, Math.min(rows.length - 1, index)) * ROW;
    const room = element.clientHeight - ROW;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + ROW > element.scrollTop + room) element.scrollTop = y + ROW - room;
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.target !== box.current || event.metaKey || event.ctrlKey || event.altKey) return;
    const page = Math.max(1, Math.floor(size.height / ROW) - 2);
    const letters = singleKeys.value === 'on' ? { j: at + 1, k: at - 1 } : {};
    const to = /** @type {Record<string, number>} */ ({
      ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1, ...letters,
    })[event.key];
    const row = rows[at];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      select(at < 0 && to < 0 ? 0 : to);
    } else if ((event.key === 'Enter' || event.key === ' ') && row !== undefined) {
      event.preventDefault();
      onOpen?.(row);
    } else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && row !== undefined && onSide) {
      event.preventDefault();
      onSide(row, event.key === 'ArrowRight');
    }
  };
  /** @param {MouseEvent} event @param {T} row @param {number} index */
  const onClick = (event, row, index) => {
    if (event.target instanceof Element && event.target.closest('a,button')) return;
    if (String(getSelection() ?? '') !== '') return;
    select(index);
    onOpen?.(row);
  };

  const spaces = Math.ceil(size.height / ROW) + 2 * SPARE + 2;
  const shown = columns.filter((column) => !column.from || size.width >= column.from);
  const tracks = { gridTemplateColumns: shown.map((column) => column.width).join(' ') };
  return html`<div class="table" role="grid" aria-label=${label} aria-rowcount=${rows.length + 1} tabindex="0" ref=${box} data-table
    aria-activedescendant=${at >= first && at < last ? `${id}-${at}` : undefined} onKeyDown=${onKey}
    onScroll=${(/** @type {any} */ event) => setTop(event.currentTarget.scrollTop)}>
    <div class="table-head" role="row" aria-rowindex="1" style=${tracks}>
      ${shown.map((column) => html`<div role="columnheader" key=${column.id} class=${column.right ? 'right' : ''}>${column.title}</div>`)}
    </div>
    <div class="table-body" role="rowgroup" style=${{ height: `${rows.length * ROW}px` }}>
      ${rows.slice(first, last).map((row, offset) => {
        const index = first + offset;
        // Rows that leave at one end come in at the other: nothing is made anew.
        return html`<div role="row" key=${index % spaces} id=${`${id}-${index}`} aria-rowindex=${index + 2} aria-selected=${index === at ? 'true' : 'false'}
          class=${`row ${onOpen ? 'opens' : ''} ${rowClass?.(row) ?? ''}`} style=${{ ...tracks, transform: `translateY(${index * ROW}px)` }}
          onClick=${(/** @type {MouseEvent} */ event) => onClick(event, row, index)}>
          ${shown.map((column) => html`<div role="gridcell" key=${column.id} class=${column.right ? 'right' : ''}>${column.cell(row)}</div>`)}
        </div>`;
      })}
    </div>
    ${foot && html`<div role="row" class="table-foot"><span role="gridcell">${foot}</span></div>`}
  </div>`;
}

/** Puts the focus into the page's table. */
export function focusTable() {
  /** @type {HTMLElement | null} */ (document.querySelector('main [data-table]'))?.focus();
}
