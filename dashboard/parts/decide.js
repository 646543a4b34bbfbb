// A request, whole, and the decision. What is sent is bound to the digest of
// what was shown.

import { html, useRef } from '../core/html.js';
import { read } from '../core/api.js';
import { useData } from '../core/data.js';
import { draft, forgetDrafts } from '../core/drafts.js';
import { changeAsHuman, isOver, isUnlocked } from '../core/human.js';
import { useKeys } from '../core/keys.js';
import { notify, notifyError } from '../core/store.js';
import { href } from '../core/router.js';
import { plain } from '../core/plain.js';
import { Actor, Status, Tag } from './badge.js';
import { Ago } from './time.js';
import { Diff } from './diff.js';
import { openDialog } from './dialog.js';
import { Failure, Loading } from './empty.js';
import { Facts } from './layout.js';
import { JsonTree } from './json.js';
import { Lines } from './value.js';
import { Plain } from './plain.js';
import { Source } from './source.js';
import { Unlock } from './unlock.js';
import { t } from '../texts.js';

/** @typedef {import('../types/api.js').components['schemas']['Request']} Request */

/** @param {Request} request */
export const waits = (request) => ['open', 'escalated', 'parked'].includes(request.status);

/**
 * Reads a request as it is now.
 * @param {string} number
 * @returns {import('../core/data.js').Data<Request>}
 */
export function useRequest(number) {
  return useData(
    (signal) => read(`/api/requests/${encodeURIComponent(number)}`, {}, signal),
    [number],
    { topics: ['coro.request.'], match: (entry) => entry.subject === number },
  );
}

/**
 * Reads a request and shows it.
 * @param {{number: string}} props
 */
export function RequestView({ number }) {
  return html`<${RequestBody} read=${useRequest(number)} />`;
}

/**
 * Shows a request that was read with `useRequest`.
 * @param {{read: import('../core/data.js').Data<Request>}} props
 */
export function RequestBody({ read: { data, error, reload } }) {
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  return html`<${Whole} request=${data} reload=${reload} />`;
}

/** @param {{request: Request, reload: () => void}} props */
function Whole({ request, reload }) {
  const detail = /** @type {any} */ (request.detail);
  const changed = detail && typeof detail.before === 'string' && typeof detail.after === 'string';
  return html`
    ${request.body && html`<div class="well body"><${Lines} text=${request.body} /></div>`}
    ${changed && html`<${Diff} before=${detail.before} after=${detail.after} label=${t.requests.difference} />`}
    ${detail !== undefined && detail !== null && !changed && html`<section><h3 class="label">${t.requests.detail}</h3><div class="well"><${JsonTree} value=${detail} /></div></section>`}
    <${Facts} rows=${[
      [t.requests.asked, html`<${Actor} actor=${request.asked_by} project=${request.project} /> <${Ago} at=${request.asked_at} />`],
      [t.requests.project, html`<${Plain} text=${request.project} max=${80} />`],
      [waits(request) ? t.requests.expires : t.requests.status, waits(request) ? html`<${Ago} at=${request.expires_at} />, ${t.requests.silence[request.on_silence] ?? request.on_silence}` : html`<${Status} word=${request.status} />`],
      [t.requests.lease, request.lease && html`<a href=${href('leases', { lease: request.lease })}>${request.lease}</a>`],
      [t.requests.decision, request.decision && html`<strong><${Plain} text=${request.decision} /></strong>`],
      [t.requests.by, request.decided_by && html`<${Actor} actor=${request.decided_by} /> <${Ago} at=${request.decided_at} />`],
      [t.requests.why, request.why && html`<${Plain} text=${request.why} max=${2000} />`],
      [t.requests.digest, html`<code title=${request.digest}>${request.digest.slice(0, 12)}</code>`],
    ]} />
    ${(request.votes ?? []).length > 0 && html`<section><h3 class="label">${t.requests.votes}</h3><ul class="timeline">${(request.votes ?? []).map((vote) => html`<li key=${vote.decider}><span class="what"><${Actor} actor=${vote.decider} /> <strong><${Plain} text=${vote.option} /></strong> <${Plain} text=${vote.why} /></span><${Ago} at=${vote.at} /></li>`)}</ul></section>`}
    ${waits(request) && html`<${Options} request=${request} reload=${reload} />`}
    <${Source} json=${request} command=${`coro-cli requests get ${request.number}`} />`;
}

/** @param {{request: Request, reload: () => void}} props */
function Options({ request, reload }) {
  const why = useRef(/** @type {HTMLInputElement | null} */ (null));
  const options = request.options.includes('no') ? request.options : [...request.options, 'no'];
  /** @param {string} option */
  const choose = (option) => decide(request, option, why.current?.value ?? '', reload);
  const keyOf = (/** @type {string} */ option, /** @type {number} */ at) => ({ yes: 'y', no: 'n' })[option] ?? String(at + 1);
  useKeys(options.map((option, at) => ({ keys: keyOf(option, at), text: t.requests.decideWith(plain(option, 40)), run: () => choose(option) })), [request.number, request.digest]);
  return html`<div class="decide" role="group" aria-label=${t.requests.decideLabel(request.number)}>
    <label class="grow"><span class="hidden-text">${t.requests.why}</span><input class="input" ref=${why} placeholder=${t.requests.whyHint} autocomplete="off" ...${draft(`why.${request.number}`)} /></label>
    <div class="bar">${options.map((option, at) => html`<button type="button" key=${option} class=${`button ${option === 'yes' ? 'primary' : ''}`} onClick=${() => choose(option)}>
      <${Plain} text=${option} max=${60} /><kbd>${keyOf(option, at)}</kbd></button>`)}
      ${request.protected && html`<span class="dim">${isUnlocked() ? t.requests.unlocked : t.requests.protectedText}</span>`}</div>
  </div>`;
}

/**
 * @param {Request} request As it was shown.
 * @param {string} option
 * @param {string} why
 * @param {() => void} reload
 */
async function decide(request, option, why, reload) {
  const send = async () => {
    const decided = await changeAsHuman('POST', `/api/requests/${request.number}/decide`, { body: { option, digest: request.digest, why } });
    forgetDrafts(`why.${request.number}`);
    notify(waits(decided) ? t.requests.voted(request.number) : t.requests.decided(request.number, plain(decided.decision ?? option, 60)));
    reload();
  };
  if (request.protected && !isUnlocked()) {
    openDialog((close) => html`<${Unlock} close=${close} then=${send}>
      <p><strong>${request.number}</strong> <${Plain} text=${request.title} max=${500} /></p>
      <p><${Tag}>${t.requests.kinds[request.kind] ?? request.kind}<//> ${t.requests.willBe} <strong><${Plain} text=${option} /></strong> <code class="dim">${request.digest.slice(0, 12)}</code></p><//>`);
    return;
  }
  try {
    await send();
  } catch (error) {
    // Without the session that is over: the dialog opens, or the token is enough.
    if (isOver(error)) {
      if (!request.protected) notify(t.requests.lockedMeanwhile);
      return decide(request, option, why, reload);
    }
    // Somebody else was faster, or it is too late: what holds now is shown.
    notifyError(error);
    reload();
  }
}
