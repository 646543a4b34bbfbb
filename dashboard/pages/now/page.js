// Now: what needs you, who works on what, what has just happened.

import { html, useEffect, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { listen, newest } from '../../core/live.js';
import { href } from '../../core/router.js';
import { Actor, Status, Tag } from '../../parts/badge.js';
import { Ago, TimeOfDay } from '../../parts/time.js';
import { RequestView } from '../../parts/decide.js';
import { Command, Failure, Loading } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Page } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { t } from '../../texts.js';

/** Entries of the log that are shown. */
const ENTRIES = 12;

/** When agents were last seen is no entry of the log, so it is asked for now and then, in milliseconds. */
const SEEN_MS = 10_000;

const TOPICS = ['coro.agent.', 'coro.task.', 'coro.request.', 'coro.message.', 'coro.lease.'];

/** @typedef {import('../../types/api.js').components['schemas']['Overview']} Overview */

export default function Now() {
  const { data, error, reload } = useData((signal) => read('/api/overview', {}, signal), [], { topics: TOPICS, everyMs: SEEN_MS });
  return html`<${Page} title=${t.pages.now} tools=${data && html`<${Figures} overview=${data} />`}>
    <div class="scroll" tabindex="0" role="region" aria-label=${t.pages.now}>
      ${error && html`<${Failure} error=${error} retry=${reload} />`}
      ${!data && !error && html`<${Loading} />`}
      ${data && html`<div class="now">
        <div class="now-main"><${Requests} overview=${data} /><${Agents} overview=${data} /></div>
        <div class="now-side"><${Pauses} overview=${data} /><${Tasks} overview=${data} /><${Log} /></div>
      </div>
      <${Source} json=${data} command="coro-cli status" />`}
    </div>
  <//>`;
}

/** @param {{overview: Overview}} props */
function Figures({ overview }) {
  /** @type {[string, string, number, string][]} */
  const figures = [
    [t.now.working, 'tasks/claimed', overview.tasks.claimed, href('tasks', { status: 'claimed' })],
    [t.now.ready, 'tasks/ready', overview.tasks.ready, href('tasks', { status: 'ready' })],
    [t.now.leases(overview.leases), 'leases', overview.leases, href('leases')],
    [t.now.unread, 'undelivered', overview.undelivered, href('messages')],
  ];
  return html`<div class="figures">${figures.map(([name, of, value, url]) => html`<a key=${of} href=${url}><strong><${Figure} of=${`/api/overview#/${of}`} value=${value} /></strong> ${name}</a>`)}</div>`;
}

/** @param {{overview: Overview}} props */
function Requests({ overview }) {
  const [open, setOpen] = useState('');
  const list = overview.requests;
  const shown = list.find((one) => one.number === open) ?? list[0];
  return html`<section class="card" aria-label=${t.now.waiting}><header><h2>${t.now.waiting}</h2><span class="count"><${Figure} of="/api/requests?status=waiting#" value=${list.length + overview.requests_more} /></span><a class="more" href=${href('requests')}>${t.all}</a></header>
    ${list.length === 0 ? html`<div class="quiet-empty"><p><${Icon} name="check" /> ${t.now.nothingWaits}</p></div>` : html`<ul class="card-list requests">${list.map((one) => html`<li key=${one.number} class=${one === shown ? 'open' : ''}>
      <div class="request-head">
        <button type="button" class="request-toggle" aria-expanded=${one === shown ? 'true' : 'false'} onClick=${() => setOpen(one.number)}><span class=${`twist ${one === shown ? 'open' : ''}`} aria-hidden="true">›</span><span class="mono dim">${one.number}</span> <span class="grow"><${Plain} text=${one.title} max=${300} /></span></button>
        <${Tag} tone=${one.protected ? 'warn' : 'quiet'}>${t.requests.kinds[one.kind] ?? one.kind}<//>
        <span class="dim"><${Ago} at=${one.expires_at} /></span>
      </div>
      ${one === shown && html`<div class="request-inside"><${RequestView} key=${one.number} number=${one.number} /></div>`}
    </li>`)}</ul>`}
  </section>`;
}

/** @param {{overview: Overview}} props */
function Agents({ overview }) {
  const list = overview.agents;
  return html`<section class="card" aria-label=${t.pages.agents}><header><h2>${t.pages.agents}</h2><span class="count"><${Figure} of="/api/instances#" value=${list.length + overview.agents_more} /></span><a class="more" href=${href('agents')}>${t.all}</a></header>
    ${list.length === 0
      ? html`<div class="quiet-empty"><p>${t.agents.emptyText}</p><${Command} text=${t.agents.emptyCommand} /></div>`
      : html`<ul class="card-list">${list.map((agent, index) => html`<li key=${`${agent.project}/${agent.name}`}>
          <${Status} word=${agent.status} quiet />
          <a class="agent-name" href=${href('agents', { agent: `${agent.project}/${agent.name}` })}><strong><${Plain} text=${agent.name} max=${60} /></strong></a>
          <span class="grow agent-does">${agent.task && html`<a href=${href('tasks', { task: agent.task.number })}><span class="mono">${agent.task.number}</span> <${Plain} text=${agent.task.title} max=${160} /></a> `}<span class="dim">${agent.task && agent.intent && '· '}${agent.intent ? html`<${Plain} text=${agent.intent} max=${160} />` : agent.task ? '' : t.agents.noIntent}</span></span>
          ${agent.unread > 0 && html`<${Tag} tone="warn"><span><${Figure} of=${`/api/overview#/agents/${index}/unread`} value=${agent.unread} /> ${t.now.unread}</span><//>`}
          <span class="dim"><${Ago} at=${agent.last_seen} /></span></li>`)}</ul>`}
  </section>`;
}

/** @param {{overview: Overview}} props */
function Pauses({ overview }) {
  if (overview.pauses.length === 0) return '';
  return html`<section class="card" aria-label=${t.now.paused}><header><h2>${t.now.paused}</h2></header><ul class="card-list">${overview.pauses.map((one) => html`<li key=${one.id}><${Status} word="paused" quiet /><strong><${Plain} text=${one.id} max=${80} /></strong><span class="grow dim"><${Plain} text=${one.reason} max=${160} /></span></li>`)}</ul></section>`;
}

/** @param {{overview: Overview}} props */
function Tasks({ overview }) {
  const words = /** @type {const} */ (['ready', 'waiting', 'claimed', 'done', 'failed', 'cancelled']);
  return html`<section class="card" aria-label=${t.pages.tasks}><header><h2>${t.pages.tasks}</h2><a class="more" href=${href('tasks')}>${t.now.board}</a></header>
    <ul class="task-counts">${words.map((word) => html`<li key=${word}><a class=${overview.tasks[word] === 0 ? 'none' : ''} href=${href('tasks', { status: word })}><strong><${Figure} of=${`/api/overview#/tasks/${word}`} value=${overview.tasks[word]} /></strong><${Status} word=${word} /></a></li>`)}</ul></section>`;
}

function Log() {
  const [entries, setEntries] = useState(() => newest().slice(0, ENTRIES));
  useEffect(() => {
    setEntries(newest().slice(0, ENTRIES));
    return listen(() => setEntries(newest().slice(0, ENTRIES)));
  }, []);
  return html`<section class="card" aria-label=${t.now.log}><header><h2>${t.now.log}</h2><a class="more" href=${href('events')}>${t.all}</a></header>
    ${entries.length === 0
      ? html`<div class="quiet-empty"><p>${t.events.emptyText}</p></div>`
      : html`<ul class="card-list log">${entries.map((entry) => html`<li key=${entry.revision}>
          <span class="dim"><${TimeOfDay} at=${entry.created_at} /></span>
          <span class="grow"><a class="row-topic" href=${href('events', { at: entry.revision })}><${Plain} text=${entry.topic} max=${100} /></a> <${Plain} text=${entry.subject} max=${100} /></span>
          <${Actor} actor=${entry.actor} /></li>`)}</ul>`}
  </section>`;
}
