// One key: its value, its history, its changes as they happen.

import { html } from '../../core/html.js';
import { entryPath, keyPath, read, readBytes, call } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { filter, href, setQuery } from '../../core/router.js';
import { notifyError } from '../../core/store.js';
import { shellWord } from '../../core/plain.js';
import { Actor, Tag } from '../../parts/badge.js';
import { Ago, Clock } from '../../parts/time.js';
import { Detail, Facts, Tabs } from '../../parts/layout.js';
import { Failure, Loading } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { SHOWN_BYTES, ValueView } from '../../parts/value.js';
import { Change, History, versionPath } from './history.js';
import { t } from '../../texts.js';

/** The newest version and the one before: the last change. */
const LAST = 2;

/** Changes that the watch shows. */
const WATCHED = 100;

/** @typedef {import('../../types/api.js').components['schemas']['StateItem']} StateItem */

/** @param {{name: string}} props */
export function KeyDetail({ name }) {
  const view = filter('view') || 'value';
  const mine = (/** @type {{subject: string}} */ entry) => entry.subject === name;
  const { data: item, error } = useData(
    (signal) => read(keyPath(name), { meta: '1' }, signal),
    [name],
    { topics: ['coro.state.'], match: mine },
  );
  const gone = error?.status === 404;
  const close = () => setQuery({ key: '', view: '', v: '' });
  const tabs = ['value', 'history', 'watch'].map((id) => ({
    id, title: t.state.tabs[/** @type {'value'} */ (id)], href: href('state', { prefix: filter('prefix'), key: name, view: id === 'value' ? '' : id }),
  }));
  const tools = item && !gone && html`<button type="button" class="button ghost square" aria-label=${t.state.download} title=${t.state.download} onClick=${() => save(name)}><${Icon} name="save" /></button>`;
  return html`<${Detail} title=${html`<span class="mono"><${Plain} text=${name} max=${512} /></span>`} label=${t.state.key} close=${close} tools=${tools}
    sub=${item && !gone && html`<span class="mono">v<${Figure} of=${`${keyPath(name)}?meta#/version`} value=${item.version} /></span><${Ago} at=${item.updated_at} /><${Actor} actor=${item.updated_by} />`}>
    <${Tabs} label=${t.state.key} tabs=${tabs} chosen=${view} />
    ${gone && view !== 'history' && html`<div class="note"><p>${t.state.deleted}</p><p class="dim">${t.state.deletedText}</p></div>`}
    ${error && !gone && html`<${Failure} error=${error} />`}
    ${view === 'value' && item && !gone && html`<${Value} name=${name} item=${item} />`}
    ${view === 'history' && html`<${History} name=${name} item=${gone ? null : item} />`}
    ${view === 'watch' && html`<${Watch} name=${name} />`}
  <//>`;
}

/** @param {{name: string, item: StateItem}} props */
function Value({ name, item }) {
  const { data, error } = useData((signal) => readBytes(keyPath(name), {}, SHOWN_BYTES, signal), [name, item.version]);
  return html`
    ${error && html`<${Failure} error=${error} />`}
    ${data ? html`<${ValueView} bytes=${data.bytes} whole=${data.whole} size=${item.size} figure=${`${keyPath(name)}?meta#/size`} />` : !error && html`<${Loading} />`}
    <${LastChange} name=${name} item=${item} />
    <${Facts} rows=${[
      [t.state.type, html`<${Plain} text=${item.content_type} max=${200} />`],
      [t.state.revision, html`<a class="mono" href=${href('events', { at: item.revision })}><${Figure} of=${`${keyPath(name)}?meta#/revision`} value=${item.revision}>${item.revision}<//></a>`],
      [t.state.hash, html`<code title=${item.hash}>${item.hash.slice(0, 16)}…</code>`],
      [t.state.expires, item.expires_at && html`<${Ago} at=${item.expires_at} />`],
    ]} />
    ${item.conditional && html`<p><${Tag}>${t.state.conditional}<//></p>`}
    <${Source} json=${item} command=${`coro-cli state get ${shellWord(name)}`} />`;
}

/**
 * What was there before, and who changed it: asked of a key more often than
 * anything older.
 * @param {{name: string, item: StateItem}} props
 */
function LastChange({ name, item }) {
  const { data, error } = useData((signal) => read(keyPath(name), { history: '1', limit: LAST }, signal), [name, item.version]);
  if (error) return html`<${Failure} error=${error} />`;
  const [after, before] = /** @type {import('./history.js').StateVersion[]} */ (data?.versions ?? []);
  // The first version, or one whose predecessor is no longer kept.
  if (!after || !before) return '';
  return html`<${Change} key=${after.version} name=${name} before=${before} after=${after} item=${item} at=${0} place=${versionPath(name, LAST)} label=${t.state.lastChange} />`;
}

/** @param {{name: string}} props */
function Watch({ name }) {
  const { data, error } = useData(
    (signal) => read('/api/events/history', { topic: 'coro.state.*', subject: name, last: WATCHED }, signal),
    [name],
    { topics: ['coro.state.'], match: (entry) => entry.subject === name },
  );
  if (error) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} />`;
  return html`<section><h3 class="label">${t.state.watching}</h3>
    <ol class="timeline" aria-live="polite">
      ${data.map((/** @type {any} */ event) => html`<li key=${event.revision}>
        <span class="what"><${Actor} actor=${event.actor} /> <a href=${href('events', { at: event.revision })}>${verb(event.topic)}</a>${event.data?.version ? html` <a class="mono" href=${href('state', { key: name, view: 'history', v: event.data.version })}>v<${Figure} of=${`${entryPath(event.revision)}/data/version`} value=${event.data.version} /></a>` : ''}</span>
        <${Clock} at=${event.created_at} />
      </li>`)}
    </ol></section>
    <${Source} command=${`coro-cli state watch ${shellWord(name)}`} />`;
}

/** @param {string} topic */
function verb(topic) {
  const word = topic.split('.').at(-1) ?? '';
  return t.state.verbs[word] ?? word;
}

/**
 * Saves the whole value as a file. Its type is none that a browser would open.
 * @param {string} name
 */
async function save(name) {
  try {
    const response = await call('GET', keyPath(name), { headers: { Accept: '*/*' } });
    const blob = new Blob([await response.arrayBuffer()], { type: 'application/octet-stream' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name.split('/').at(-1) ?? 'value';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    notifyError(error);
  }
}
