// Tasks: the queue, as a board, a list or a graph.

import { html, useMemo } from '../../core/html.js';
import { readPage } from '../../core/api.js';
import { ROWS, useData } from '../../core/data.js';
import { useKeys } from '../../core/keys.js';
import { filter, href, setQuery } from '../../core/router.js';
import { Actor, Status } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { openDialog } from '../../parts/dialog.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { FilterField } from '../../parts/field.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Table } from '../../parts/table.js';
import { QueueGraph } from './drawing.js';
import { standing, toTask } from './graph.js';
import { NewTask } from './new.js';
import { Attempt, Priority, TaskDetail } from './task.js';
import { t } from '../../texts.js';

/** The most cards of a column of the board. */
const CARDS = 60;

const VIEWS = ['board', 'list', 'graph'];

/** The columns of the board. */
const COLUMNS_OF_BOARD = ['ready', 'waiting', 'claimed', 'done', 'failed', 'cancelled'];

/** @typedef {import('../../types/api.js').components['schemas']['TaskItem']} TaskItem */

export default function Tasks() {
  const text = filter('q').toLowerCase();
  const status = filter('status');
  const view = viewNow();
  const chosen = filter('task');
  const { data, error, loading, reload } = useData((signal) => readPage('/api/tasks', { limit: ROWS }, signal), [], { topics: ['coro.task.'] });
  /** @type {TaskItem[]} */
  const rows = useMemo(() => (data?.data ?? []).filter((/** @type {TaskItem} */ task) =>
    (!status || standing(task) === status)
    && (!text || `${task.id} ${task.title} ${task.project} ${task.assignee} ${task.claim?.agent ?? ''} ${task.labels.join(' ')}`.toLowerCase().includes(text))), [data, text, status]);
  useKeys([{ keys: 'n', text: t.tasks.create, run: create }, { keys: 'b', text: t.tasks.switchView, run: nextView }], []);

  /** @param {TaskItem} task */
  const open = (task) => setQuery({ task: task.id }, { replace: Boolean(chosen) });
  const tools = html`<${FilterField} name="q" label=${t.tasks.filter} placeholder=${t.tasks.filterHint} />
    <div class="segments" role="group" aria-label=${t.tasks.view}>${VIEWS.map((id) => html`<a key=${id} href=${href('tasks', { q: filter('q'), view: inUrl(id), task: chosen })} aria-current=${view === id ? 'true' : undefined}>${t.tasks.views[/** @type {'list'} */ (id)]}</a>`)}</div>
    <button type="button" class="button primary" onClick=${create} title=${`${t.tasks.create} (n)`}><${Icon} name="plus" />${t.tasks.create}</button>`;
  return html`<${Page} title=${t.pages.tasks} count=${data && t.tasks.count(rows.length, data.next)} figure=${text || status || data?.next ? undefined : '/api/tasks#'} tools=${tools}>
    ${error && html`<${Failure} error=${error} retry=${reload} />`}
    ${data?.next && html`<p class="note gap">${t.tooMany}</p>`}
    ${status && html`<div class="crumbs"><${Status} word=${status} /><a href=${href('tasks', { view: filter('view') })}>${t.clear}</a></div>`}
    <${Split} detail=${chosen && html`<${TaskDetail} key=${chosen} id=${chosen} close=${() => setQuery({ task: '' })} />`}>
      ${!data ? loading && html`<${Loading} />`
        : data.data.length === 0 ? html`<${Empty} icon="tasks" title=${t.tasks.empty} text=${t.tasks.emptyText} command=${t.tasks.emptyCommand} />`
          : view === 'graph' ? html`<${QueueGraph} text=${text} chosen=${chosen} />`
          : view === 'list'
            ? html`<${Table} label=${t.pages.tasks} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {TaskItem} */ row) => row.id} selected=${chosen || null}
                onOpen=${open} onSelect=${(/** @type {TaskItem} */ row) => chosen && open(row)} rowClass=${(/** @type {TaskItem} */ row) => (row.closed_at ? 'faint' : '')} />`
            : html`<${Board} tasks=${rows} chosen=${chosen} text=${text} />`}
    <//>
  <//>`;
}

/** What is shown; of one status there is a list only. */
function viewNow() {
  return filter('status') ? 'list' : filter('view') || 'board';
}

/** @param {string} view */
function inUrl(view) {
  return view === 'board' ? '' : view;
}

function nextView() {
  const next = VIEWS[(VIEWS.indexOf(viewNow()) + 1) % VIEWS.length] ?? '';
  setQuery({ view: inUrl(next), status: '' });
}

function create() {
  openDialog((close) => html`<${NewTask} close=${close} />`);
}

/** @type {import('../../parts/table.js').Column<TaskItem>[]} */
const COLUMNS = [
  { id: 'id', title: t.tasks.number, width: '60px', cell: (row) => html`<span class="mono dim">${row.id}</span>` },
  { id: 'priority', title: t.tasks.priority, width: '60px', from: 720, cell: (row) => html`<${Priority} value=${row.priority} id=${row.id} />` },
  { id: 'title', title: t.tasks.title, width: 'minmax(140px, 3fr)', cell: (row) => html`<${Plain} text=${row.title} max=${200} />` },
  { id: 'status', title: t.tasks.status, width: '104px', cell: (row) => html`<${Status} word=${standing(row)} />` },
  { id: 'who', title: t.tasks.who, width: '130px', from: 620, cell: (row) => who(row) },
  { id: 'project', title: t.tasks.project, width: 'minmax(60px, 0.7fr)', from: 900, cell: (row) => html`<${Plain} text=${row.project} max=${60} />` },
  { id: 'changed', title: t.tasks.changed, width: '92px', right: true, from: 480, cell: (row) => html`<span class="dim"><${Ago} at=${row.updated_at} /></span>` },
];

/** @param {TaskItem} task */
function who(task) {
  if (task.claim) return html`<${Actor} actor=${`agent:${task.claim.agent}`} project=${task.project} />`;
  return task.assignee && html`<span class="dim"><${Plain} text=${t.tasks.isFor(task.assignee)} max=${60} /></span>`;
}

/** @param {{tasks: TaskItem[], chosen: string, text: string}} props */
function Board({ tasks, chosen, text }) {
  const columns = useMemo(() => {
    /** @type {Map<string, TaskItem[]>} */
    const all = new Map(COLUMNS_OF_BOARD.map((word) => [word, []]));
    for (const task of tasks) all.get(standing(task))?.push(task);
    for (const [word, list] of all) {
      if (word === 'ready' || word === 'waiting') list.sort((a, b) => a.priority - b.priority);
      else list.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
    }
    return all;
  }, [tasks]);
  return html`<div class="board" tabindex="0" role="region" aria-label=${t.tasks.views.board}>
    ${[...columns].filter(([word, list]) => list.length > 0 || !['failed', 'cancelled'].includes(word)).map(([word, list]) => html`<section class="column" key=${word} aria-label=${t.words[word] ?? word}>
      <h2><${Status} word=${word} /><span class="count"><${Figure} of=${text ? undefined : `/api/overview#/tasks/${word}`} value=${list.length} /></span></h2>
      <ul>${list.slice(0, CARDS).map((task) => html`<li key=${task.id}>
        <a class="task-card" href=${toTask(task.id)} aria-current=${task.id === chosen ? 'true' : undefined}>
          <span class="task-top"><span class="mono dim">${task.id}</span><${Priority} value=${task.priority} id=${task.id} /><${Attempt} task=${task} /></span>
          <span class="task-title"><${Plain} text=${task.title} max=${160} /></span>
          <span class="task-foot dim">${task.claim ? html`<${Plain} text=${task.claim.agent} max=${40} />` : task.assignee ? html`<${Plain} text=${t.tasks.isFor(task.assignee)} max=${40} />` : ''}${word === 'waiting' ? html`<span>${t.tasks.waitsFor} <${Figure} of=${`/api/tasks/${task.id}#/blockers`} value=${task.blockers} /></span>` : ''}<${Ago} at=${task.updated_at} /></span>
        </a></li>`)}</ul>
      ${list.length > CARDS && html`<a class="more" href=${href('tasks', { view: 'list', status: word })}>${t.tasks.more(list.length - CARDS)}</a>`}
    </section>`)}
  </div>`;
}
