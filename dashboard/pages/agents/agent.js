// One agent: what it is doing, what it has done.

import { html } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { href } from '../../core/router.js';
import { Status, Tag, Actor } from '../../parts/badge.js';
import { Ago, Clock } from '../../parts/time.js';
import { Detail, Facts } from '../../parts/layout.js';
import { Failure, Loading } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Work } from './work.js';
import { t } from '../../texts.js';

/** Entries of the timeline. */
const ENTRIES = 60;

/** @typedef {import('../../types/api.js').components['schemas']['Agent']} Agent */
/** @typedef {import('../../types/api.js').components['schemas']['AuditEntry']} AuditEntry */

/** @param {{name: string, agent?: Agent, close: () => void}} props */
export function AgentDetail({ name, agent, close }) {
  if (!agent) {
    return html`<${Detail} title=${html`<${Plain} text=${name} />`} label=${t.agents.name} close=${close}><div class="note"><p>${t.agents.gone}</p><p class="dim">${t.agents.goneText}</p></div><//>`;
  }
  return html`<${Detail} title=${html`<${Plain} text=${agent.name} max=${512} />`} label=${t.agents.name} close=${close}
    sub=${html`<${Status} word=${agent.status} /><span><${Plain} text=${agent.project} max=${120} /></span><${Ago} at=${agent.last_seen} />`}>
    <p class=${agent.intent ? '' : 'dim'}>${agent.intent ? html`<${Plain} text=${agent.intent} max=${2000} />` : t.agents.noIntent}</p>
    ${agent.capabilities.length > 0 && html`<div class="tags" aria-label=${t.agents.capabilities}>${agent.capabilities.map((word) => html`<${Tag} key=${word}><${Plain} text=${word} max=${60} /><//>`)}</div>`}
    <${Work} agent=${agent} />
    <${Facts} rows=${[
      [t.agents.client, agent.client && html`<${Plain} text=${`${agent.client} ${agent.client_version}`} max=${120} />`],
      [t.agents.stack, agent.stack && html`<${Plain} text=${agent.stack} max=${120} />`],
      [t.agents.workspace, agent.workspace && html`<span class="mono"><${Plain} text=${agent.workspace} max=${512} /></span>`],
      [t.agents.registered, html`<${Ago} at=${agent.registered_at} />`],
      [t.agents.generation, html`<${Figure} of=${`/api/instances/${agent.id}#/generation`} value=${agent.generation} />`],
      [t.agents.id, html`<code>${agent.id}</code>`],
    ]} />
    <${Timeline} agent=${agent} />
    <${Source} json=${agent} command=${`coro-cli instances get ${agent.id}`} />
  <//>`;
}

/** @param {{agent: Agent}} props */
function Timeline({ agent }) {
  const { name, project } = agent;
  const actor = `agent:${name}`;
  const { data, error } = useData(async (signal) => {
    const [did, done] = await Promise.all([
      read('/api/audit', { actor, project, limit: ENTRIES }, signal),
      read('/api/audit', { resource: name, project, action: 'agent.*', limit: ENTRIES }, signal),
    ]);
    /** @type {Map<number, AuditEntry>} */
    const all = new Map([...did, ...done].map((entry) => [entry.id, entry]));
    return [...all.values()].sort((a, b) => b.id - a.id).slice(0, ENTRIES);
  }, [agent.id], { topics: [''], match: (entry) => entry.actor === actor || entry.subject === name });
  return html`<section><h3 class="label">${t.agents.timeline}</h3>
    ${error ? html`<${Failure} error=${error} />` : !data ? html`<${Loading} />` : data.length === 0 ? html`<p class="dim">${t.agents.noTimeline}</p>` : html`<ol class="timeline">
      ${data.map((entry) => html`<li key=${entry.id}>
        <span class="what"><a class="row-topic" href=${href('events', { at: entry.id })}><${Plain} text=${entry.action} max=${120} /></a>
          ${entry.resource && entry.resource !== name && html` <${Resource} entry=${entry} />`}${said(entry)}
          ${entry.actor !== actor && html` <${Actor} actor=${entry.actor} />`}${entry.outcome !== 'success' && html` <${Status} word=${entry.outcome} />`}</span>
        <${Clock} at=${entry.timestamp} />
      </li>`)}</ol>`}
  </section>`;
}

/** @param {{entry: AuditEntry}} props */
function Resource({ entry }) {
  const text = html`<${Plain} text=${entry.resource} max=${160} />`;
  return entry.action.startsWith('state.') ? html`<a href=${href('state', { key: entry.resource, view: 'history' })}>${text}</a>` : text;
}

/**
 * What it said that it does, where the entry tells.
 * @param {AuditEntry} entry
 */
function said(entry) {
  if (entry.action !== 'agent.intent' && entry.action !== 'agent.registered') return '';
  try {
    const { intent } = JSON.parse(entry.detail);
    return intent ? html` <span class="dim">“<${Plain} text=${String(intent)} max=${200} />”</span>` : '';
  } catch {
    return '';
  }
}
