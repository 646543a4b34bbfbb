// How the server is: health, versions, figures, the audit's chain.

import { html, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { sizeText } from '../../core/plain.js';
import { notifyError } from '../../core/store.js';
import { Status } from '../../parts/badge.js';
import { Figure } from '../../parts/figure.js';
import { Facts } from '../../parts/layout.js';
import { Failure, Loading } from '../../parts/empty.js';
import { span } from '../../parts/time.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { t } from '../../texts.js';

/** How often the figures are read again, in milliseconds. */
const FIGURES_MS = 5000;

export function Server() {
  const { data, error, reload } = useData(async (signal) => {
    const [metrics, whoami, settings] = await Promise.all(['metrics', 'whoami', 'settings'].map((name) => read(`/api/${name}`, {}, signal)));
    return { metrics, whoami, settings };
  }, [], { everyMs: FIGURES_MS });
  if (error && !data) return html`<${Failure} error=${error} retry=${reload} />`;
  if (!data) return html`<${Loading} />`;
  const { metrics, whoami, settings } = data;
  const texts = t.settings.server;
  const figure = (/** @type {string} */ name) => html`<${Figure} of=${`/api/metrics#/${name}`} value=${at(metrics, name)} />`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t.settings.tabs.server}><div class="cards">
    <section class="card"><header><h2>${texts.health}</h2></header><div class="card-body">
      <${Facts} rows=${[
        [texts.health, html`<${Status} word=${error ? 'failed' : 'ok'} />`],
        [texts.uptime, html`<time>${metrics.uptime}</time>`],
        [texts.version, html`<span class="mono"><${Plain} text=${whoami.server_version} /></span>`],
        [texts.tenant, html`<${Plain} text=${whoami.tenant} />`],
        [texts.api, html`<span class="mono"><${Plain} text=${metrics.api_bind} /></span>`],
        [texts.dashboard, html`<span class="mono"><${Plain} text=${metrics.dashboard_bind} /></span>`],
      ]} /><${Source} json=${whoami} command="coro-cli whoami" /></div></section>
    <section class="card"><header><h2>${texts.storage}</h2></header><div class="card-body">
      <${Facts} rows=${[
        [texts.revision, figure('last_event_id')],
        [texts.keys, figure('state_keys')],
        [texts.agents, figure('instances')],
      ]} /><${Audit} /></div></section>
    <section class="card"><header><h2>${texts.tax}</h2></header><div class="card-body">
      <${Facts} rows=${[[texts.mcp, figure('token_tax/mcp_calls')], [texts.rest, figure('token_tax/rest_calls')]]} />
      <p class="dim">${texts.tax1} ${figure('token_tax/rest_tokens_saved')} ${texts.tax2}</p>
      <${Source} json=${metrics} command="coro-cli metrics" /></div></section>
    <${Kept} settings=${settings} />
  </div></div>`;
}

/**
 * The value of a path of members.
 * @param {any} value
 * @param {string} path
 */
function at(value, path) {
  return path.split('/').reduce((inside, name) => inside[name], value);
}

/**
 * What is kept for how long, and when an agent counts as gone.
 * @param {{settings: import('../../types/api.js').components['schemas']['Settings']}} props
 */
function Kept({ settings }) {
  const texts = t.settings.server;
  /** @param {string} name @param {(n: number) => string} unit @param {(n: number) => string} [rounded] In a larger unit. */
  const row = (name, unit, rounded) => {
    const [value, of] = [at(settings, name), `/api/settings#/${name}`];
    const larger = rounded && rounded(value) !== `${value} ${unit(value)}` && html`, <${Figure} of=${of} value=${value} rounded=${rounded(value)} />`;
    return /** @type {[string, any]} */ ([texts.names[name], html`<${Figure} of=${of} value=${value} /> <span class="dim">${unit(value)}${larger}</span>`]);
  };
  return html`<section class="card"><header><h2>${texts.kept}</h2></header><div class="card-body">
      <${Facts} rows=${[
        [texts.database, texts.databases[settings.database] ?? settings.database],
        row('retention/events_days', texts.days),
        row('retention/events_bytes', bytes, sizeText),
        row('retention/audit_days', texts.days),
        row('retention/history_versions', texts.versions),
        row('retention/history_days', texts.days),
        row('body_bytes', bytes, sizeText),
      ]} /><p class="dim">${texts.fileText}</p></div></section>
    <section class="card"><header><h2>${texts.alive}</h2></header><div class="card-body">
      <${Facts} rows=${[
        row('liveness/sweep_seconds', seconds, span),
        row('liveness/stale_after_seconds', seconds, span),
        row('liveness/ended_after_seconds', seconds, span),
        row('liveness/forgotten_after_days', texts.days),
        row('claim_silent_after_seconds', seconds, span),
        row('continuations_max', texts.times),
      ]} /><${Source} json=${settings} command="coro-cli settings" /></div></section>`;
}

const seconds = () => 's';
const bytes = () => 'B';

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
    <div role="status">${found && html`<p><${Status} word=${found.ok ? 'ok' : 'failed'} /> ${found.ok ? html`<${Figure} of="/api/audit/verify#/checked" value=${found.checked}>${texts.verified(found.checked)}<//>` : html`<${Plain} text=${found.fault ?? found.head_fault} />`}</p>
      <p class="dim" title=${texts.head}><code>${found.head.slice(0, 32)}…</code></p>`}</div></section>`;
}
