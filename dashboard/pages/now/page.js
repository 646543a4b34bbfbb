// Now: what needs you, who works on what, what has just happened.

import { html, useEffect, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { listen, newest } from '../../core/live.js';
import { href } from '../../core/router.js';
import { Actor, Status } from '../../parts/badge.js';
import { Ago, Clock } from '../../parts/time.js';
import { Command, Failure } from '../../parts/empty.js';
import { Page } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { t } from '../../texts.js';

/** Entries of the log that are shown. */
const ENTRIES = 14;

/** @typedef {import('../../types/api.js').components['schemas']['Agent']} Agent */

export default function Now() {
  const agents = useData((signal) => read('/api/instances', {}, signal), [], { topics: ['coro.agent.'], everyMs: 10_000 });
  return html`<${Page} title=${t.pages.now}>
    <div class="scroll" tabindex="0" role="region" aria-label=${t.pages.now}>
      ${agents.error && html`<${Failure} error=${agents.error} retry=${agents.reload} />`}
      <div class="cards now">
        <${Agents} list=${agents.data} />
        <${Log} />
      </div>
    </div>
  <//>`;
}

/** @param {{list?: Agent[]}} props */
function Agents({ list }) {
  return html`<section class="card"><header><h2>${t.pages.agents}</h2>${list && html`<span class="count">${list.length}</span>`}<a class="more" href=${href('agents')}>${t.all}</a></header>
    ${list && list.length === 0
      ? html`<div class="quiet-empty"><p>${t.agents.emptyText}</p><${Command} text=${t.agents.emptyCommand} /></div>`
      : html`<ul class="card-list">${list?.map((agent) => html`<li key=${agent.id}>
          <${Status} word=${agent.status} quiet />
          <a href=${href('agents', { agent: `${agent.project}/${agent.name}` })}><strong><${Plain} text=${agent.name} max=${60} /></strong></a>
          <span class=${`grow ${agent.intent ? '' : 'dim'}`}>${agent.intent ? html`<${Plain} text=${agent.intent} max=${160} />` : t.agents.noIntent}</span>
          <span class="dim"><${Ago} at=${agent.last_seen} /></span></li>`)}</ul>`}
  </section>`;
}

function Log() {
  const [entries, setEntries] = useState(() => newest().slice(0, ENTRIES));
  useEffect(() => {
    setEntries(newest().slice(0, ENTRIES));
    return listen(() => setEntries(newest().slice(0, ENTRIES)));
  }, []);
  return html`<section class="card"><header><h2>${t.pages.events}</h2><a class="more" href=${href('events')}>${t.all}</a></header>
    ${entries.length === 0
      ? html`<div class="quiet-empty"><p>${t.events.emptyText}</p><${Command} text=${t.events.emptyCommand} /></div>`
      : html`<ul class="card-list">${entries.map((entry) => html`<li key=${entry.revision}>
          <span class="dim"><${Clock} at=${entry.created_at} /></span>
          <span class="grow"><a class="row-topic" href=${href('events', { at: entry.revision })}><${Plain} text=${entry.topic} max=${100} /></a> <${Plain} text=${entry.subject} max=${100} /></span>
          <${Actor} actor=${entry.actor} /></li>`)}</ul>`}
  </section>`;
}
