// Agents: who is there, what each is doing, since when.

import { html, useMemo } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { filter, setQuery } from '../../core/router.js';
import { Status } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { FilterField, FilterSelect } from '../../parts/field.js';
import { Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Table } from '../../parts/table.js';
import { AgentDetail } from './agent.js';
import { t } from '../../texts.js';

/** When an agent was last seen is no entry of the log, so it is asked for now and then, in milliseconds. */
const SEEN_MS = 10_000;

/** @typedef {import('../../types/api.js').components['schemas']['Agent']} Agent */

/** @param {Agent} agent */
const idOf = (agent) => `${agent.project}/${agent.name}`;

export default function Agents() {
  const status = filter('status');
  const text = filter('q').toLowerCase();
  const chosen = filter('agent');
  const { data, error, loading, reload } = useData(
    (signal) => read('/api/instances', { status }, signal),
    [status],
    { topics: ['coro.agent.'], everyMs: SEEN_MS },
  );
  /** @type {Agent[]} */
  const rows = useMemo(() => (data ?? []).filter((/** @type {Agent} */ agent) =>
    `${agent.name} ${agent.project} ${agent.intent} ${agent.stack} ${agent.capabilities.join(' ')} ${agent.client}`.toLowerCase().includes(text)), [data, text]);
  // A link from an actor knows the name only.
  const agent = (data ?? []).find((/** @type {Agent} */ one) => idOf(one) === chosen || one.name === chosen);

  /** @param {Agent} one */
  const open = (one) => setQuery({ agent: idOf(one) }, { replace: Boolean(chosen) });
  const options = [{ value: '', text: t.agents.anyStatus }, ...['active', 'pending', 'stale', 'ended'].map((word) => ({ value: word, text: word }))];
  const tools = html`<${FilterField} name="q" label=${t.agents.filter} placeholder=${t.agents.filterHint} /><${FilterSelect} name="status" label=${t.agents.status} options=${options} />`;
  return html`<${Page} title=${t.pages.agents} count=${data && t.agents.count(rows.length)} figure=${text ? undefined : `/api/instances${status && `?status=${status}`}#`} tools=${tools}>
    ${error && html`<${Failure} error=${error} retry=${reload} />`}
    <${Split} detail=${chosen && data && html`<${AgentDetail} key=${chosen} name=${chosen} agent=${agent} close=${() => setQuery({ agent: '' })} />`}>
      ${rows.length > 0
        ? html`<${Table} label=${t.agents.label} rows=${rows} columns=${COLUMNS} rowKey=${idOf} selected=${agent ? idOf(agent) : null}
            onOpen=${open} onSelect=${(/** @type {Agent} */ one) => chosen && open(one)} rowClass=${(/** @type {Agent} */ one) => (one.status === 'ended' ? 'faint' : '')} />`
        : data
          ? text || status
            ? html`<${Empty} icon="agents" title=${t.agents.noMatch} />`
            : html`<${Empty} icon="agents" title=${t.agents.empty} text=${t.agents.emptyText} command=${t.agents.emptyCommand} />`
          : loading && html`<${Loading} />`}
    <//>
  <//>`;
}

/** @type {import('../../parts/table.js').Column<Agent>[]} */
const COLUMNS = [
  { id: 'name', title: t.agents.name, width: 'minmax(96px, 1fr)', cell: (row) => html`<strong><${Plain} text=${row.name} max=${120} /></strong>` },
  { id: 'status', title: t.agents.status, width: '92px', cell: (row) => html`<${Status} word=${row.status} />` },
  { id: 'intent', title: t.agents.intent, width: 'minmax(120px, 2.4fr)', from: 520, cell: (row) => (row.intent ? html`<${Plain} text=${row.intent} max=${200} />` : html`<span class="dim">${t.agents.noIntent}</span>`) },
  { id: 'project', title: t.agents.project, width: 'minmax(70px, 0.7fr)', from: 700, cell: (row) => html`<${Plain} text=${row.project} max=${80} />` },
  { id: 'client', title: t.agents.client, width: '120px', from: 860, cell: (row) => html`<span class="dim"><${Plain} text=${row.client || t.none} max=${60} /></span>` },
  { id: 'seen', title: t.agents.seen, width: '92px', right: true, cell: (row) => html`<span class="dim"><${Ago} at=${row.last_seen} /></span>` },
];
