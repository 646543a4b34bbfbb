// State: the keys as a tree, and beside it one key with its past.

import { html, useMemo, useState } from '../../core/html.js';
import { keyPath, readPage } from '../../core/api.js';
import { ROWS, useData } from '../../core/data.js';
import { filter, setQuery } from '../../core/router.js';
import { sizeText } from '../../core/plain.js';
import { Actor } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { FilterField } from '../../parts/field.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Table } from '../../parts/table.js';
import { KeyDetail } from './key.js';
import { rowsOf } from './tree.js';
import { t } from '../../texts.js';

/** @typedef {import('./tree.js').Row} Row */

export default function State() {
  const prefix = filter('prefix');
  const chosen = filter('key');
  const [toggled, setToggled] = useState(() => /** @type {Map<string, boolean>} */ (new Map()));
  const { data, error, loading, reload } = useData(
    (signal) => readPage('/api/state', { prefix, limit: ROWS }, signal),
    [prefix],
    { topics: ['coro.state.'] },
  );
  const items = data?.data;
  const rows = useMemo(() => rowsOf(items ?? [], prefix, toggled), [items, prefix, toggled]);

  /** @param {Row} row @param {boolean} [open] */
  const toggle = (row, open) => {
    if (row.kind === 'folder') setToggled(new Map(toggled).set(row.path, open ?? !row.open));
  };
  /** @param {Row} row */
  const open = (row) => (row.kind === 'key' ? setQuery({ key: row.item.key, v: '' }, { replace: Boolean(chosen) }) : toggle(row));
  /** @param {Row} row */
  const select = (row) => row.kind === 'key' && chosen && open(row);

  return html`<${Page} title=${t.pages.state} count=${items && t.state.count(items.length, data.next)} figure=${data?.next ? undefined : `/api/state${prefix && `?prefix=${encodeURIComponent(prefix)}`}#`}
    tools=${html`<${FilterField} name="prefix" label=${t.state.filter} placeholder=${t.state.filterHint} />`}>
    ${error && html`<${Failure} error=${error} retry=${reload} />`}
    ${data?.next && html`<p class="note gap">${t.state.tooMany}</p>`}
    <${Split} detail=${chosen && html`<${KeyDetail} key=${chosen} name=${chosen} />`}>
      ${rows.length > 0
        ? html`<${Table} label=${t.state.label} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {Row} */ row) => row.id}
            selected=${chosen ? `k:${chosen}` : null} onSelect=${select} onOpen=${open} onSide=${toggle} />`
        : items
          ? prefix
            ? html`<${Empty} icon="state" title=${t.state.noMatch} />`
            : html`<${Empty} icon="state" title=${t.state.empty} text=${t.state.emptyText} command=${t.state.emptyCommand} />`
          : loading && html`<${Loading} />`}
    <//>
  <//>`;
}

/** @type {import('../../parts/table.js').Column<Row>[]} */
const COLUMNS = [
  { id: 'key', title: t.state.key, width: 'minmax(140px, 2fr)', cell: (row) => html`<${Name} row=${row} />` },
  { id: 'version', title: t.state.version, width: '64px', right: true, cell: (row) => row.kind === 'key' && html`<span class="mono">v<${Figure} of=${`${keyPath(row.item.key)}?meta#/version`} value=${row.item.version} /></span>` },
  { id: 'size', title: t.state.size, width: '72px', right: true, from: 560, cell: (row) => row.kind === 'key' && html`<span class="dim"><${Figure} of=${`${keyPath(row.item.key)}?meta#/size`} value=${row.item.size} rounded=${sizeText(row.item.size)} /></span>` },
  { id: 'by', title: t.state.by, width: '130px', from: 640, cell: (row) => row.kind === 'key' && html`<${Actor} actor=${row.item.updated_by} />` },
  { id: 'changed', title: t.state.changed, width: '92px', right: true, cell: (row) => row.kind === 'key' && html`<span class="dim"><${Ago} at=${row.item.updated_at} /></span>` },
];

/** @param {{row: Row}} props */
function Name({ row }) {
  const indent = { paddingLeft: `${row.depth * 16}px` };
  if (row.kind === 'folder') {
    return html`<span class="tree-key" style=${indent}><${Icon} name=${row.open ? 'down' : 'right'} /><${Plain} text=${row.name} max=${200} />/ <span class="dim"><${Figure} of=${`/api/state?prefix=${encodeURIComponent(row.path)}#`} value=${row.count} /></span><span class="hidden-text">, ${row.open ? t.state.opened : t.state.closed}</span></span>`;
  }
  return html`<span class="tree-key" style=${{ paddingLeft: `${row.depth * 16 + 16}px` }}><${Plain} text=${row.name} max=${200} /></span>`;
}
