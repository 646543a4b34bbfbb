// Requests: what waits for a decision, what was decided, who decides.

import { html } from '../../core/html.js';
import { readPage } from '../../core/api.js';
import { ROWS, useData } from '../../core/data.js';
import { human, lock } from '../../core/human.js';
import { filter, href, setQuery } from '../../core/router.js';
import { openDialog } from '../../parts/dialog.js';
import { Actor, Status, Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { RequestBody, useRequest } from '../../parts/decide.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { Detail, Page, Split, Tabs } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Table } from '../../parts/table.js';
import { Unlock } from '../../parts/unlock.js';
import { Policies } from './policy.js';
import { t } from '../../texts.js';

/** @typedef {import('../../types/api.js').components['schemas']['Request']} Request */

export default function Requests() {
  const tab = filter('tab') || 'waiting';
  const chosen = filter('request');
  const tabs = ['waiting', 'all', 'policy'].map((id) => ({ id, title: t.requests.tabs[/** @type {'all'} */ (id)], href: href('requests', { tab: id === 'waiting' ? '' : id }) }));
  const detail = chosen && html`<${RequestDetail} key=${chosen} number=${chosen} close=${() => setQuery({ request: '' })} />`;
  return html`<${Page} title=${t.pages.requests} tools=${html`<${Lock} />`}>
    <${Tabs} label=${t.pages.requests} tabs=${tabs} chosen=${tab} />
    ${tab === 'policy' ? html`<${Policies} />` : html`<${Split} detail=${detail}><${List} key=${tab} waiting=${tab === 'waiting'} chosen=${chosen} /><//>`}
  <//>`;
}

/** @param {{number: string, close: () => void}} props */
function RequestDetail({ number, close }) {
  const read = useRequest(number);
  return html`<${Detail} title=${html`<span class="mono dim">${number}</span> <${Plain} text=${read.data?.title} max=${500} />`} label=${number} close=${close}><${RequestBody} read=${read} /><//>`;
}

/** Whether a human has unlocked the page. */
function Lock() {
  const who = human.value;
  if (!who) return html`<button type="button" class="button" onClick=${() => openDialog((close) => html`<${Unlock} close=${close} />`)}>${t.unlock.action}</button>`;
  return html`<span class="dim">${t.unlock.unlockedBy} <strong><${Plain} text=${who.name} max=${60} /></strong>, <${Ago} at=${who.expires_at} /></span><button type="button" class="button" onClick=${lock}>${t.unlock.lock}</button>`;
}

/** @param {{waiting: boolean, chosen: string}} props */
function List({ waiting, chosen }) {
  const { data, error, reload } = useData(
    (signal) => readPage('/api/requests', { status: waiting ? 'waiting' : '', limit: ROWS }, signal),
    [waiting],
    { topics: ['coro.request.'] },
  );
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  /** @type {Request[]} */
  const rows = waiting ? [...data.data].reverse() : data.data;
  if (rows.length === 0) return html`<${Empty} icon="requests" title=${waiting ? t.requests.empty : t.requests.none} text=${t.requests.emptyText} command=${t.requests.emptyCommand} />`;
  /** @param {Request} row */
  const open = (row) => setQuery({ request: row.number }, { replace: Boolean(chosen) });
  return html`${data.next && html`<p class="note gap">${t.newestOnly}</p>`}
    <${Table} label=${t.pages.requests} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {Request} */ row) => row.number} selected=${chosen || null}
    onOpen=${open} onSelect=${(/** @type {Request} */ row) => chosen && open(row)} />`;
}

/** @type {import('../../parts/table.js').Column<Request>[]} */
const COLUMNS = [
  { id: 'number', title: t.requests.number, width: '52px', cell: (row) => html`<span class="mono dim">${row.number}</span>` },
  { id: 'title', title: t.requests.title, width: 'minmax(140px, 2.4fr)', cell: (row) => html`<${Plain} text=${row.title} max=${200} />` },
  { id: 'kind', title: t.requests.kind, width: '124px', from: 740, cell: (row) => html`<${Tag} tone=${row.protected ? 'warn' : 'quiet'}>${t.requests.kinds[row.kind] ?? row.kind}<//>` },
  { id: 'status', title: t.requests.status, width: '100px', cell: (row) => html`<${Status} word=${row.status} />` },
  { id: 'by', title: t.requests.asked, width: '128px', from: 640, cell: (row) => html`<${Actor} actor=${row.asked_by} project=${row.project} />` },
  { id: 'expires', title: t.requests.expires, width: '96px', right: true, from: 480, cell: (row) => html`<span class="dim"><${Ago} at=${row.decided_at ?? row.expires_at} /></span>` },
];
