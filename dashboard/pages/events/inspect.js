// One entry of the log, whole.

import { html } from '../../core/html.js';
import { entryPath, read } from '../../core/api.js';
import { entryOf } from '../../core/live.js';
import { useData } from '../../core/data.js';
import { href } from '../../core/router.js';
import { Actor } from '../../parts/badge.js';
import { exactTime, Ago } from '../../parts/time.js';
import { Detail, Facts } from '../../parts/layout.js';
import { Failure } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { JsonTree } from '../../parts/json.js';
import { Icon } from '../../parts/icon.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { t } from '../../texts.js';

/** @param {{revision: number, entry?: import('../../core/live.js').Entry, close: () => void}} props */
export function Inspect({ revision, entry: known, close }) {
  const { data: event, error, loading } = useData(async (signal) => {
    const list = await read('/api/events/history', { last: 1, after: revision - 1, before: revision + 1 }, signal);
    return list[0] ?? null;
  }, [revision]);
  const entry = event ? entryOf(event) : known;
  if (!entry) {
    return html`<${Detail} title=${`#${revision}`} label=${t.events.revision} close=${close}>
      ${error ? html`<${Failure} error=${error} />` : !loading && html`<p class="dim">${t.events.gone}</p>`}
    <//>`;
  }
  const key = entry.topic.startsWith('coro.state.') ? entry.subject : '';
  const tools = entry.trace && html`<a class="button" href=${href('events', { trace: entry.trace, at: revision })} title=${t.events.followText}><${Icon} name="trace" />${t.events.follow}</a>`;
  const command = `coro-cli events history --after ${revision - 1} --before ${revision + 1} --json`;
  return html`<${Detail} title=${html`<span class="row-topic"><${Plain} text=${entry.topic} max=${512} /></span>`} label=${`${t.events.revision} ${revision}`}
    sub=${html`<span class="mono">#<${Figure} of=${`${entryPath(revision)}/revision`} value=${revision}>${revision}<//></span><${Ago} at=${entry.created_at} />`} tools=${tools} close=${close}>
    <${Facts} rows=${[
      [t.events.subject, entry.subject && (key ? html`<a href=${href('state', { key })}><${Plain} text=${entry.subject} max=${512} /></a>` : html`<${Plain} text=${entry.subject} max=${512} />`)],
      [t.events.who, html`<${Actor} actor=${entry.actor} />`],
      [t.events.time, html`<time>${exactTime(entry.created_at)}</time>`],
      [t.events.trace, entry.trace && html`<a class="mono" href=${href('events', { trace: entry.trace })}><${Plain} text=${entry.trace} max=${40} /></a>`],
    ]} />
    <section><h3 class="label">${t.events.data}</h3>
      <div class="well" tabindex="0" role="region" aria-label=${t.events.data}>
        ${event ? html`<${JsonTree} value=${event.data} />` : html`<code class="mono"><${Plain} text=${entry.data} max=${2000} /></code>`}
      </div></section>
    <${Source} json=${event ?? undefined} command=${command} />
  <//>`;
}
