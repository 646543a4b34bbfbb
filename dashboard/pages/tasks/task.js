// One task: why it stands where it stands, what it waits for, what happened.

import { html } from '../../core/html.js';
import { change, read } from '../../core/api.js';
import { draft, forgetDrafts } from '../../core/drafts.js';
import { useData } from '../../core/data.js';
import { href } from '../../core/router.js';
import { notify } from '../../core/store.js';
import { Actor, Status, Tag } from '../../parts/badge.js';
import { Ago, Clock } from '../../parts/time.js';
import { Confirm, openDialog } from '../../parts/dialog.js';
import { Figure } from '../../parts/figure.js';
import { Detail, Facts } from '../../parts/layout.js';
import { Failure, Loading } from '../../parts/empty.js';
import { JsonTree } from '../../parts/json.js';
import { Lines } from '../../parts/value.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { TaskGraphView } from './drawing.js';
import { standing } from './graph.js';
import { t } from '../../texts.js';

/** @typedef {import('../../types/api.js').components['schemas']['Task']} Task */

/** @param {{id: string, close: () => void}} props */
export function TaskDetail({ id, close }) {
  const { data, error, reload } = useData(async (signal) => {
    const path = `/api/tasks/${encodeURIComponent(id)}`;
    const [task, why] = await Promise.all([read(path, {}, signal), read(`${path}/why`, {}, signal)]);
    return { task: /** @type {Task} */ (task), why: String(why.why) };
  }, [id], { topics: ['coro.task.', 'coro.lease.', 'coro.agent.'] });
  if (!data) return html`<${Detail} title=${id} label=${id} close=${close}>${error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`}<//>`;
  const { task, why } = data;
  const closed = Boolean(task.closed_at);
  const tools = closed
    ? html`<button type="button" class="button" onClick=${() => ask(task, 'reopen')}>${t.tasks.reopen}</button>`
    : html`<button type="button" class="button" onClick=${() => ask(task, 'cancel')}>${t.tasks.cancel}</button>`;
  return html`<${Detail} title=${html`<span class="mono dim">${task.id}</span> <${Plain} text=${task.title} max=${300} />`} label=${task.id} close=${close} tools=${tools}
    sub=${html`<${Status} word=${standing(task)} /><${Priority} value=${task.priority} id=${task.id} /><span><${Plain} text=${task.project} max=${80} /></span>`}>
    ${error && html`<${Failure} error=${error} />`}
    <p class="why"><span class="label">${t.tasks.why}</span><${Plain} text=${why} max=${600} /></p>
    ${task.body && html`<div class="well body"><${Lines} text=${task.body} /></div>`}
    <${TaskGraphView} id=${task.id} changed=${task.updated_at} />
    ${task.result !== undefined && task.result !== null && html`<section><h3 class="label">${t.tasks.result}</h3><div class="well">${typeof task.result === 'string' ? html`<${Lines} text=${task.result} />` : html`<${JsonTree} value=${task.result} />`}</div></section>`}
    <${Facts} rows=${[
      [t.tasks.claimed, task.claim && html`<${Actor} actor=${`agent:${task.claim.agent}`} project=${task.project} /> <${Ago} at=${task.claim.claimed_at} />`],
      [t.tasks.assignee, task.assignee && html`<${Plain} text=${task.assignee} />`],
      [t.tasks.attempts, html`<${Figure} of=${`/api/tasks/${task.id}#/attempt`} value=${task.attempt} /> / <${Figure} of=${`/api/tasks/${task.id}#/attempts_max`} value=${task.attempts_max} />`],
      [t.tasks.needs, task.capabilities.length > 0 && html`<span class="tags">${task.capabilities.map((word) => html`<${Tag} key=${word}><${Plain} text=${word} max=${60} /><//>`)}</span>`],
      [t.tasks.paths, task.paths.length > 0 && html`<span class="mono"><${Plain} text=${task.paths.join('  ')} max=${1000} /></span>`],
      [t.tasks.labels, task.labels.length > 0 && html`<span class="tags">${task.labels.map((word) => html`<${Tag} key=${word}><${Plain} text=${word} max=${60} /><//>`)}</span>`],
      [t.tasks.made, html`<${Actor} actor=${task.created_by} /> <${Ago} at=${task.created_at} />`],
    ].map(([name, value]) => /** @type {[string, any]} */ ([name, value || '']))} />
    ${task.notes.length > 0 && html`<section><h3 class="label">${t.tasks.notes}</h3><ol class="timeline">${task.notes.map((note) => html`<li key=${note.at + note.actor}><span class="what"><${Actor} actor=${note.actor} /> <${Plain} text=${note.text} max=${4096} /></span><${Ago} at=${note.at} /></li>`)}</ol></section>`}
    <${History} id=${task.id} />
    <${Source} json=${task} command=${`coro-cli tasks get ${task.id}`} />
  <//>`;
}

/**
 * How urgent it is: 0 is the most.
 * @param {{value: number, id: string}} props
 */
export function Priority({ value, id }) {
  return html`<span class=${`priority priority-${value}`} title=${t.tasks.priorities[value]}>P<${Figure} of=${`/api/tasks/${id}#/priority`} value=${value} /></span>`;
}

/**
 * That it was tried before.
 * @param {{task: import('./page.js').TaskItem}} props
 */
export function Attempt({ task }) {
  if (task.attempt < 2) return '';
  return html`<${Tag} tone="warn"><${Figure} of=${`/api/tasks/${task.id}#/attempt`} value=${task.attempt}>${t.tasks.attempt(task.attempt)}<//><//>`;
}

/** @param {{id: string}} props */
function History({ id }) {
  const { data } = useData((signal) => read('/api/events/history', { subject: id, topic: 'coro.task.*', last: 60 }, signal), [id], { topics: ['coro.task.'], match: (entry) => entry.subject === id });
  return html`<section><h3 class="label">${t.tasks.history}</h3><ol class="timeline">
    ${(data ?? []).map((/** @type {any} */ event) => html`<li key=${event.revision}><span class="what"><a class="row-topic" href=${href('events', { at: event.revision })}>${event.topic.replace('coro.task.', '')}</a> <${Actor} actor=${event.actor} /></span><${Clock} at=${event.created_at} /></li>`)}
  </ol></section>`;
}

/** @param {Task} task @param {'cancel' | 'reopen'} what */
function ask(task, what) {
  const texts = t.tasks[what === 'cancel' ? 'cancelling' : 'reopening'];
  openDialog((close) => html`<${Confirm} title=${texts.title(task.id)} action=${texts.action} danger=${what === 'cancel'} close=${close}
    run=${async () => {
      const why = /** @type {HTMLInputElement | null} */ (document.querySelector('dialog [name=why]'))?.value ?? '';
      await change('POST', `/api/tasks/${task.id}/${what}`, { body: { why } });
      forgetDrafts(`${what}.${task.id}`);
      notify(texts.done(task.id));
    }}>
    <p>${texts.text}</p><label class="form-row"><span class="label">${t.tasks.reason}</span><input class="input" name="why" maxlength="2000" autocomplete="off" ...${draft(`${what}.${task.id}`)} /></label><//>`);
}
