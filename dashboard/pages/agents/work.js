// What an agent has: its tasks, its leases, the messages for it.

import { html } from '../../core/html.js';
import { read, readPage } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { href } from '../../core/router.js';
import { session } from '../../core/session.js';
import { Actor, Status } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Failure } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { Attempt } from '../tasks/task.js';
import { t } from '../../texts.js';

/** The most that is shown of each. */
const ROWS = 30;

/** That a message was read is no entry of the log, so it is asked for now and then, in milliseconds. */
const RECEIPTS_MS = 10_000;

/** Roles that see the messages of others. */
const LEADERS = ['owner', 'controller'];

/** @typedef {import('../../types/api.js').components['schemas']['Agent']} Agent */
/** @typedef {import('../../types/api.js').components['schemas']['Lease']} Lease */
/** @typedef {import('../../types/api.js').components['schemas']['Message']} Message */
/** @typedef {import('../../types/api.js').components['schemas']['TaskItem']} TaskItem */

/** @param {{agent: Agent}} props */
export function Work({ agent }) {
  const { name, project } = agent;
  const { data, error } = useData(async (signal) => {
    const [tasks, leases] = await Promise.all([
      read('/api/tasks', { claimed_by: name, project }, signal),
      read('/api/leases', { holder: name, project }, signal),
    ]);
    return { tasks: /** @type {TaskItem[]} */ (tasks), leases: /** @type {Lease[]} */ (leases) };
  }, [agent.id], { topics: ['coro.task.', 'coro.lease.'] });
  if (!data) return error ? html`<${Failure} error=${error} />` : '';
  const query = new URLSearchParams({ project }).toString();
  const who = encodeURIComponent(name);
  return html`
    <${Part} title=${t.agents.tasks} count=${data.tasks.length} figure=${`/api/tasks?claimed_by=${who}&${query}#`} none=${t.agents.noTask}>
      ${data.tasks.slice(0, ROWS).map((task) => html`<li key=${task.id}><a class="mono" href=${href('tasks', { task: task.id })}>${task.id}</a>
        <span class="grow"><${Plain} text=${task.title} max=${200} /></span><${Attempt} task=${task} /><span class="dim"><${Ago} at=${task.claim?.claimed_at} /></span></li>`)}<//>
    <${Part} title=${t.agents.leases} count=${data.leases.length} figure=${`/api/leases?holder=${who}&${query}#`} none=${t.agents.noLease}>
      ${data.leases.slice(0, ROWS).map((lease) => html`<li key=${lease.id}><a class="mono" href=${href('leases', { lease: lease.id })}>${lease.id}</a>
        <span class="grow mono"><${Plain} text=${lease.pattern} max=${200} /></span><${Status} word=${lease.status} /><span class="dim">${lease.expires_at ? html`<${Ago} at=${lease.expires_at} />` : lease.task ?? ''}</span></li>`)}<//>
    ${LEADERS.includes(session.value?.role ?? '') && html`<${Inbox} agent=${agent} />`}`;
}

/** @param {{agent: Agent}} props */
function Inbox({ agent }) {
  const { data, error } = useData((signal) => readPage('/api/messages', { recipient: agent.id, limit: ROWS }, signal), [agent.id], { topics: ['coro.message.'], everyMs: RECEIPTS_MS });
  if (!data) return error ? html`<${Failure} error=${error} />` : '';
  /** @type {Message[]} */
  const messages = data.data;
  return html`<${Part} title=${t.agents.inbox} count=${messages.length} more=${Boolean(data.next)} figure=${`/api/messages?limit=${ROWS}&recipient=${agent.id}#`} none=${t.agents.noMessage}>
    ${messages.map((message) => html`<li key=${message.number}><a class="mono" href=${href('messages', { message: message.number })}>${message.number}</a>
      <span class="grow"><${Actor} actor=${message.sender} project=${message.project} /> <${Plain} text=${message.text.replaceAll('\n', ' ')} max=${200} /></span>
      ${message.receipts?.[0] && html`<${Status} word=${message.receipts[0].state} />`}<span class="dim"><${Ago} at=${message.created_at} /></span></li>`)}<//>`;
}

/** @param {{title: string, count: number, more?: boolean, figure: string, none: string, children?: any}} props */
function Part({ title, count, more = false, figure, none, children }) {
  return html`<section aria-label=${title}><h3 class="label">${title} ${count > 0 && html`<${Figure} of=${figure} value=${count} />`}${more ? '+' : ''}</h3>
    ${count === 0 ? html`<p class="dim">${none}</p>` : html`<ul class="has-list">${children}</ul>`}</section>`;
}
