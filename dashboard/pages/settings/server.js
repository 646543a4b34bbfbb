// How the server is: health, versions, figures, the audit's chain.

import { html, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { notifyError } from '../../core/store.js';
import { Status } from '../../parts/badge.js';
import { Facts } from '../../parts/layout.js';
import { Failure, Loading } from '../../parts/empty.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { t } from '../../texts.js';

/** How often the figures are read again, in milliseconds. */
const FIGURES_MS = 5000;

export function Server() {
  const { data, error, reload } = useData(async (signal) => {
    const [metrics, whoami] = await Promise.all([read('/api/metrics', {}, signal), read('/api/whoami', {}, signal)]);
    return { metrics, whoami };
  }, [], { everyMs: FIGURES_MS });
  if (error && !data) return html`<${Failure} error=${error} retry=${reload} />`;
  if (!data) return html`<${Loading} />`;
  const { metrics, whoami } = data;
  const texts = t.settings.server;
  const figure = (/** @type {number} */ n) => html`<span data-figure>${n.toLocaleString('en')}</span>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t.settings.tabs.server}><div class="cards">
    <section class="card"><header><h2>${texts.health}</h2></header><div class="card-body">
      <${Facts} rows=${[
        [texts.health, html`<${Status} word=${error ? 'failed' : 'ok'} />`],
        [texts.uptime, metrics.uptime],
        [texts.version, html`<span class="mono"><${Plain} text=${whoami.server_version} /></span>`],
        [texts.tenant, html`<${Plain} text=${whoami.tenant} />`],
        [texts.api, html`<span class="mono"><${Plain} text=${metrics.api_bind} /></span>`],
        [texts.dashboard, html`<span class="mono"><${Plain} text=${metrics.dashboard_bind} /></span>`],
      ]} /><${Source} json=${whoami} command="coro-cli status" /></div></section>
    <section class="card"><header><h2>${texts.storage}</h2></header><div class="card-body">
      <${Facts} rows=${[
        [texts.revision, figure(metrics.last_event_id)],
        [texts.keys, figure(metrics.state_keys)],
        [texts.agents, figure(metrics.instances)],
      ]} /><${Audit} /></div></section>
    <section class="card"><header><h2>${texts.tax}</h2></header><div class="card-body">
      <${Facts} rows=${[[texts.mcp, figure(metrics.token_tax.mcp_calls)], [texts.rest, figure(metrics.token_tax.rest_calls)]]} />
      <p class="dim">${texts.taxText(metrics.token_tax.rest_tokens_saved.toLocaleString('en'))}</p>
      <${Source} json=${metrics} command="coro-cli metrics" /></div></section>
  </div></div>`;
}

/** Checks on request that each entry of the log fits the one before. */
function Audit() {
  const [found, setFound] = useState(/** @type {import('../../types/api.js').components['schemas']['AuditVerification'] | null} */ (null));
  const [busy, setBusy] = useState(false);
  const texts = t.settings.server;
  const verify = async () => {
    setBusy(true);
    try {
      setFound(await read('/api/audit/verify'));
    } catch (error) {
      notifyError(error);
    }
    setBusy(false);
  };
  return html`<section class="source"><div class="bar"><h3>${texts.audit}</h3><button type="button" class="button spread" disabled=${busy} onClick=${verify}>${texts.verify}</button></div>
    <div role="status">${found && html`<p><${Status} word=${found.ok ? 'ok' : 'failed'} /> ${found.ok ? texts.verified(found.checked.toLocaleString('en')) : html`<${Plain} text=${found.fault ?? found.head_fault} />`}</p>
      <p class="mono dim" title=${texts.head}>${found.head.slice(0, 32)}…</p>`}</div></section>`;
}
