// The versions of a key: who wrote each, what it changed, and back to it.

import { html } from '../../core/html.js';
import { change, keyPath, read, readBytes } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { filter, href, setQuery } from '../../core/router.js';
import { notify } from '../../core/store.js';
import { plain, shellWord, sizeText } from '../../core/plain.js';
import { Actor, Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Confirm, openDialog } from '../../parts/dialog.js';
import { Diff } from '../../parts/diff.js';
import { Failure, Loading } from '../../parts/empty.js';
import { Icon } from '../../parts/icon.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { SHOWN_BYTES, ValueView, readValue } from '../../parts/value.js';
import { indentJson } from '../../parts/json.js';
import { t } from '../../texts.js';

/** Versions that are listed; the server keeps as many by default. */
const VERSIONS = 100;

/** @typedef {import('../../types/api.js').components['schemas']['StateItem']} StateItem */
/** @typedef {import('../../types/api.js').components['schemas']['StateVersion']} StateVersion */

/** @param {{name: string, item: StateItem | null | undefined}} props `item` is null where the key is deleted. */
export function History({ name, item }) {
  const { data, error } = useData(
    (signal) => read(keyPath(name), { history: '1', limit: VERSIONS }, signal),
    [name],
    { topics: ['coro.state.'], match: (entry) => entry.subject === name },
  );
  if (error) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} />`;
  /** @type {StateVersion[]} */
  const versions = data.versions;
  const chosen = versions.find((one) => one.version === Number(filter('v'))) ?? versions[0];
  const chosenAt = chosen ? versions.indexOf(chosen) : 0;
  const before = versions[chosenAt + 1];
  const place = versionPath(name, VERSIONS);
  return html`
    <section><h3 class="label">${t.state.versions}</h3>
      <ol class="versions">
        ${versions.map((one, at) => html`<li key=${one.version}>
          <a href=${href('state', { prefix: filter('prefix'), key: name, view: 'history', v: one.version })} aria-current=${one === chosen ? 'true' : undefined}>
            <${Version} of=${place(at)} value=${one.version} />
            <span><${Plain} text=${one.updated_by.replace(/^\w+:/, '')} max=${60} />${one.version === item?.version ? html` <${Tag} tone="info">${t.state.current}<//>` : ''}</span>
            <span class="dim"><${Figure} of=${`${place(at)}/size`} value=${one.size} rounded=${sizeText(one.size)} /></span>
            <span class="dim"><${Ago} at=${one.updated_at} /></span>
          </a></li>`)}
      </ol></section>
    ${chosen && html`<${Change} key=${`${before?.version}-${chosen.version}`} name=${name} before=${before} after=${chosen} item=${item} at=${chosenAt} place=${place} />`}
    <${Source} json=${data} command=${`coro-cli state history ${shellWord(name)}`} />`;
}

/**
 * What a version has changed. `place` says where the API answers a version of
 * the list, and `at` which one `after` is.
 * @param {{
 *   name: string, before: StateVersion | undefined, after: StateVersion, item: StateItem | null | undefined,
 *   at: number, place: (at: number) => string, label?: string
 * }} props
 */
export function Change({ name, before, after, item, at, place, label }) {
  const { data, error } = useData(async (signal) => {
    const [old, now] = await Promise.all([before ? load(name, before.version, signal) : null, load(name, after.version, signal)]);
    return { old, now };
  }, [name, before?.version, after.version]);
  const isCurrent = item?.version === after.version;
  const title = before ? t.state.compareWith(before.version, after.version) : t.state.first;
  return html`<section>
    ${label && html`<h3 class="label">${label}</h3>`}
    <div class="bar"><h3>${before ? html`<${Version} of=${place(at + 1)} value=${before.version} /> → <${Version} of=${place(at)} value=${after.version} />` : title}</h3><${Actor} actor=${after.updated_by} />
      ${!isCurrent && item !== undefined && html`<button type="button" class="button spread" onClick=${() => askRollback(name, after, item)}><${Icon} name="back" />${t.state.rollback}</button>`}
    </div>
    ${error && html`<${Failure} error=${error} />`}
    ${data && (data.old ? html`<${Difference} before=${data.old} after=${data.now} label=${title} />` : html`<${ValueView} bytes=${data.now.bytes} whole=${data.now.whole} size=${after.size} figure=${`${place(at)}/size`} />`)}
  </section>`;
}

/**
 * Where the API answers a version of a key, in a list of the newest ones.
 * @param {string} name
 * @param {number} limit
 * @returns {(at: number) => string}
 */
export function versionPath(name, limit) {
  return (at) => `${keyPath(name)}?history&limit=${limit}#/versions/${at}`;
}

/** @param {{of: string, value: number}} props */
function Version({ of, value }) {
  return html`<span class="mono">v<${Figure} of=${`${of}/version`} value=${value} /></span>`;
}

/** @typedef {{bytes: Uint8Array, whole: boolean}} Loaded */

/** @param {{before: Loaded, after: Loaded, label: string}} props */
function Difference({ before, after, label }) {
  const [old, now] = [before, after].map((side) => readValue(side.bytes, side.whole));
  if (!old || !now || old.kind === 'bytes' || now.kind === 'bytes') return html`<p class="dim">${t.state.binary}</p>`;
  const text = (/** @type {typeof old} */ value) => (value.kind === 'json' ? indentJson(value.text) : value.text);
  return html`<${Diff} before=${text(old)} after=${text(now)} label=${label} />`;
}

/**
 * @param {string} name
 * @param {number} version
 * @param {AbortSignal} [signal]
 */
function load(name, version, signal) {
  return readBytes(keyPath(name), { version }, SHOWN_BYTES, signal);
}

/**
 * @param {string} name
 * @param {StateVersion} version
 * @param {StateItem | null} item
 */
function askRollback(name, version, item) {
  openDialog((close) => html`<${Rollback} name=${name} version=${version} item=${item} close=${close} />`);
}

/** @param {{name: string, version: StateVersion, item: StateItem | null, close: () => void}} props */
function Rollback({ name, version, item, close }) {
  const { data, error } = useData(async (signal) => {
    const [now, then] = await Promise.all([item ? load(name, item.version, signal) : { bytes: new Uint8Array(), whole: true }, load(name, version.version, signal)]);
    return { now, then };
  }, []);
  const run = async () => {
    // What is replaced must still be what was shown.
    /** @type {Record<string, string>} */
    const headers = item ? { 'If-Match': `"v${item.version}-${item.hash.slice(0, 16)}"` } : { 'If-None-Match': '*' };
    const done = await change('POST', `${keyPath(name)}?rollback=${version.version}`, { headers });
    notify(t.state.rolledBack(plain(name), done.version));
    setQuery({ v: '' });
  };
  return html`<${Confirm} title=${t.state.rollbackTitle(version.version)} action=${t.state.rollback} ready=${Boolean(data)} close=${close} run=${run}>
    <p>${t.state.rollbackText(plain(name))}</p>
    ${error && html`<${Failure} error=${error} />`}
    ${data && html`<${Difference} before=${data.now} after=${data.then} label=${t.state.rollback} />`}
  <//>`;
}
