// Leases: who may change what, and who waits for it.

import { html } from '../../core/html.js';
import { change, readPage } from '../../core/api.js';
import { ROWS, useData } from '../../core/data.js';
import { filter, href, setQuery } from '../../core/router.js';
import { notify } from '../../core/store.js';
import { Actor, Status, Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Confirm, openDialog } from '../../parts/dialog.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { FilterField } from '../../parts/field.js';
import { Figure } from '../../parts/figure.js';
import { Detail, Facts, Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Table } from '../../parts/table.js';
import { t } from '../../texts.js';

/** @typedef {import('../../types/api.js').components['schemas']['Lease']} Lease */

export default function Leases() {
  const path = filter('path');
  const chosen = filter('lease');
  const { data, error, reload } = useData((signal) => readPage('/api/leases', { path, limit: ROWS }, signal), [path], { topics: ['coro.lease.'] });
  /** @type {Lease[]} */
  const rows = data?.data ?? [];
  const lease = rows.find((one) => one.id === chosen);
  /** @param {Lease} row */
  const open = (row) => setQuery({ lease: row.id }, { replace: Boolean(chosen) });
  return html`<${Page} title=${t.pages.leases} count=${data && t.leases.count(rows.length, data.next)} figure=${data?.next ? undefined : `/api/leases${path && `?path=${encodeURIComponent(path)}`}#`} tools=${html`<${FilterField} name="path" label=${t.leases.filter} placeholder=${t.leases.filterHint} />`}>
    ${error && html`<${Failure} error=${error} retry=${reload} />`}
    ${data?.next && html`<p class="note gap">${t.tooMany}</p>`}
    <${Split} detail=${chosen && data && html`<${LeaseDetail} key=${chosen} id=${chosen} lease=${lease} />`}>
      ${!data ? !error && html`<${Loading} />` : rows.length === 0
        ? html`<${Empty} icon="leases" title=${path ? t.leases.free : t.leases.empty} text=${t.leases.emptyText} command=${path ? undefined : t.leases.emptyCommand} />`
        : html`<${Table} label=${t.pages.leases} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {Lease} */ row) => row.id} selected=${chosen || null} onOpen=${open} onSelect=${(/** @type {Lease} */ row) => chosen && open(row)} />`}
    <//>
  <//>`;
}

/** @type {import('../../parts/table.js').Column<Lease>[]} */
const COLUMNS = [
  { id: 'id', title: t.leases.number, width: '52px', cell: (row) => html`<span class="mono dim">${row.id}</span>` },
  { id: 'pattern', title: t.leases.pattern, width: 'minmax(120px, 2fr)', cell: (row) => html`<span class="mono"><${Plain} text=${row.pattern} max=${200} /></span>` },
  { id: 'status', title: t.leases.status, width: '92px', cell: (row) => html`<${Status} word=${row.status} />` },
  { id: 'holder', title: t.leases.holder, width: '132px', from: 480, cell: (row) => (row.protected ? html`<${Tag} tone="warn">${t.leases.protected}<//>` : html`<${Actor} actor=${`agent:${row.holder}`} project=${row.project} />`) },
  { id: 'mode', title: t.leases.mode, width: '84px', from: 700, cell: (row) => html`<${Status} word=${row.mode} />` },
  { id: 'reason', title: t.leases.reason, width: 'minmax(80px, 1.4fr)', from: 820, cell: (row) => html`<${Plain} text=${row.reason} max=${160} />` },
  { id: 'ends', title: t.leases.ends, width: '92px', right: true, from: 560, cell: (row) => html`<span class="dim">${row.expires_at ? html`<${Ago} at=${row.expires_at} />` : row.task ?? t.none}</span>` },
];

/** @param {{id: string, lease?: Lease}} props */
function LeaseDetail({ id, lease }) {
  const close = () => setQuery({ lease: '' });
  if (!lease) return html`<${Detail} title=${id} label=${id} close=${close}><p class="note">${t.leases.gone}</p><//>`;
  const tools = html`<button type="button" class="button" onClick=${() => release(lease, close)}>${t.leases.release}</button>`;
  return html`<${Detail} title=${html`<span class="mono dim">${lease.id}</span> <span class="mono"><${Plain} text=${lease.pattern} max=${512} /></span>`} label=${lease.id} close=${close} tools=${tools}
    sub=${html`<${Status} word=${lease.status} /><${Status} word=${lease.mode} />`}>
    ${lease.reason && html`<p><${Plain} text=${lease.reason} max=${2000} /></p>`}
    <${Facts} rows=${[
      [t.leases.holder, lease.protected ? t.leases.protected : html`<${Actor} actor=${`agent:${lease.holder}`} project=${lease.project} />`],
      [t.leases.project, html`<${Plain} text=${lease.project} />`],
      [t.leases.task, lease.task && html`<a href=${href('tasks', { task: lease.task })}>${lease.task}</a>`],
      [t.leases.granted, lease.granted_at && html`<${Ago} at=${lease.granted_at} />`],
      [t.leases.ends, lease.expires_at && html`<${Ago} at=${lease.expires_at} />`],
      [t.leases.fence, lease.fence ? html`<span class="mono"><${Figure} of=${`/api/leases/${lease.id}#/fence`} value=${lease.fence}>${lease.fence}<//></span>` : ''],
      [t.leases.overrides, lease.overrides && html`<a href=${href('leases', { lease: lease.overrides })}>${lease.overrides}</a>`],
    ]} />
    <${Source} json=${lease} command=${`coro-cli leases get ${lease.id}`} /><//>`;
}

/** @param {Lease} lease @param {() => void} then */
function release(lease, then) {
  openDialog((close) => html`<${Confirm} title=${t.leases.releaseTitle(lease.id)} action=${t.leases.release} danger close=${close}
    run=${async () => {
      await change('DELETE', `/api/leases/${lease.id}`);
      notify(t.leases.released(lease.id));
      then();
    }}><p>${t.leases.releaseText}</p><//>`);
}
