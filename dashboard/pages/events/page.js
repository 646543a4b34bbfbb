// Events: the log as it happens, and as it was.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../core/html.js';
import { batches, entryOf, gap, listen, newest } from '../../core/live.js';
import { filter, href, setQuery, go } from '../../core/router.js';
import { matcher, plain } from '../../core/plain.js';
import { entryPath, readPage } from '../../core/api.js';
import { useKeys } from '../../core/keys.js';
import { Actor } from '../../parts/badge.js';
import { Clock } from '../../parts/time.js';
import { Empty, Failure } from '../../parts/empty.js';
import { FilterField } from '../../parts/field.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Table } from '../../parts/table.js';
import { Inspect } from './inspect.js';
import { t } from '../../texts.js';

/** Older entries that one reading asks for, and the most that are kept here. */
const OLDER = 500;
const OLDER_MAX = 10_000;

/** How often new entries are announced to a screen reader, in milliseconds. */
const ANNOUNCE_MS = 5000;

/** @typedef {import('../../core/live.js').Entry} Entry */

export default function Events() {
  const pattern = filter('topic');
  const trace = filter('trace');
  const chosen = Number(filter('at')) || null;
  const { live, paused, waiting, toggle } = useTail();
  const { older, ended, error, loadOlder } = useOlder(pattern);
  useKeys([{ keys: 'p', text: `${t.events.pause} / ${t.events.resume}`, run: toggle }], [toggle]);

  const rows = useMemo(() => {
    const matches = matcher(pattern || '*');
    const wanted = (/** @type {Entry} */ entry) =>
      matches(entry.topic) && (!trace || entry.trace === trace);
    const oldest = live.at(-1)?.revision ?? Infinity;
    return [...live, ...older.filter((entry) => entry.revision < oldest)].filter(wanted);
  }, [live, older, pattern, trace]);
  const entry = chosen === null ? undefined : rows.find((row) => row.revision === chosen);

  const tools = html`
    <${FilterField} name="topic" label=${t.events.pattern} placeholder=${t.events.patternHint} />
    <button type="button" class="button" aria-pressed=${paused ? 'true' : 'false'} onClick=${toggle} title=${`${paused ? t.events.resume : t.events.pause} (p)`}>
      <${Icon} name=${paused ? 'play' : 'pause'} />${paused ? t.events.resume : t.events.pause}</button>`;
  const count = paused ? t.events.paused(waiting) : ended ? t.events.count(rows.length) : t.events.newest(rows.length);
  const answered = !paused && !trace && rows.length > 0 && rows.length <= OLDER_MAX;
  const figure = answered ? `/api/events/history?last=${rows.length}${pattern && `&topic=${encodeURIComponent(pattern)}`}#` : undefined;
  return html`<${Page} title=${t.pages.events} count=${count} figure=${figure} tools=${tools}>
    <${Announce} rows=${rows} />
    ${trace && html`<div class="crumbs" role="group" aria-label=${t.events.following}>
      <${Icon} name="trace" /><span>${t.events.following}</span> <span class="mono"><${Plain} text=${trace} max=${32} /></span>
      <a href=${href('events', { topic: pattern })}>${t.clear}</a></div>`}
    ${error && html`<${Failure} error=${error} retry=${loadOlder} />`}
    <${Split} detail=${chosen !== null && html`<${Inspect} key=${chosen} revision=${chosen} entry=${entry} close=${() => setQuery({ at: '' })} />`}>
      ${rows.length === 0 && ended
        ? html`<${Nothing} filtered=${Boolean(pattern || trace)} />`
        : html`<${Table} label=${t.events.label} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {Entry} */ row) => row.revision}
            selected=${chosen} onSelect=${(/** @type {Entry} */ row) => chosen !== null && setQuery({ at: row.revision }, { replace: true })}
            onOpen=${(/** @type {Entry} */ row) => setQuery({ at: row.revision }, { replace: chosen !== null })}
            onEnd=${loadOlder} foot=${ended ? t.events.end : undefined} />`}
    <//>
  <//>`;
}

/** @type {import('../../parts/table.js').Column<Entry>[]} */
const COLUMNS = [
  { id: 'time', title: t.events.time, width: '96px', cell: (row) => html`<${Clock} at=${row.created_at} />` },
  { id: 'topic', title: t.events.topic, width: 'minmax(120px, 1.1fr)', cell: (row) => html`<span class="row-topic"><${Plain} text=${row.topic} max=${120} /></span>` },
  { id: 'subject', title: t.events.subject, width: 'minmax(80px, 1fr)', from: 620, cell: (row) => html`<${Plain} text=${row.subject} max=${120} />` },
  { id: 'who', title: t.events.who, width: '128px', from: 460, cell: (row) => html`<${Actor} actor=${row.actor} />` },
  { id: 'data', title: t.events.data, width: 'minmax(80px, 1.6fr)', from: 900, cell: (row) => html`<span class="mono dim"><${Plain} text=${row.data === 'null' ? '' : row.data} max=${200} /></span>` },
  { id: 'revision', title: t.events.revision, width: '76px', right: true, from: 540, cell: (row) => html`<span class="mono dim"><${Figure} of=${`${entryPath(row.revision)}/revision`} value=${row.revision}>${row.revision}<//></span>` },
];

/** @param {{filtered: boolean}} props */
function Nothing({ filtered }) {
  if (!filtered) return html`<${Empty} icon="events" title=${t.events.empty} text=${t.events.emptyText} command=${t.events.emptyCommand} />`;
  return html`<${Empty} icon="events" title=${t.events.noMatch} text=${t.events.noMatchText}><button type="button" class="button" onClick=${() => go(href('events'))}>${t.events.all}</button><//>`;
}

/** The kept entries, which stand still while the page is paused. */
function useTail() {
  const [live, setLive] = useState(newest);
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  // At once: an entry that comes before the next frame waits too.
  useLayoutEffect(() => {
    if (paused) return listen((entries) => setWaiting((count) => count + entries.length));
    setWaiting(0);
    return batches.subscribe(() => setLive(newest()));
  }, [paused]);
  const toggle = useRef(() => setPaused((old) => !old)).current;
  return { live, paused, waiting, toggle };
}

/**
 * Entries before those that the page keeps, read when somebody scrolls there.
 * @param {string} pattern
 */
function useOlder(pattern) {
  const [older, setOlder] = useState(/** @type {Entry[]} */ ([]));
  const [ended, setEnded] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const cursor = useRef(0);
  /** The one reading that is under way. */
  const reading = useRef(/** @type {AbortController | null} */ (null));

  const load = async () => {
    if (reading.current) return;
    const mine = new AbortController();
    reading.current = mine;
    setError(null);
    const before = cursor.current || (pattern ? 0 : (newest().at(-1)?.revision ?? 0));
    try {
      const { data, next } = await readPage('/api/events/history', { last: OLDER, topic: pattern, before: before > 0 ? before : undefined }, mine.signal);
      if (mine.signal.aborted) return;
      const entries = data.map(entryOf);
      cursor.current = Number(new URLSearchParams(next.split('?')[1] ?? '').get('before')) || (entries.at(-1)?.revision ?? 0);
      setOlder((old) => [...old, ...entries].slice(0, OLDER_MAX));
      setEnded(!next);
    } catch (problem) {
      if (mine.signal.aborted) return;
      setError(problem);
    }
    reading.current = null;
  };
  useEffect(() => {
    setOlder([]);
    setEnded(false);
    setError(null);
    cursor.current = 0;
    load();
    return () => {
      // What it brings is not asked for any more.
      reading.current?.abort();
      reading.current = null;
    };
    // After a gap those that were read before it are not what comes next.
  }, [pattern, gap.value]);
  return { older, ended, error, loadOlder: () => !ended && older.length < OLDER_MAX && load() };
}

/**
 * Tells a screen reader how many entries are new, now and then.
 * @param {{rows: Entry[]}} props
 */
function Announce({ rows }) {
  const latest = useRef(rows);
  latest.current = rows;
  const [text, setText] = useState('');
  useEffect(() => {
    let seen = latest.current[0]?.revision ?? 0;
    const timer = setInterval(() => {
      const fresh = latest.current.findIndex((row) => row.revision <= seen);
      seen = latest.current[0]?.revision ?? seen;
      if (fresh > 0) setText(`${t.events.announced(fresh)}: ${plain(latest.current[0]?.topic ?? '', 80)}`);
    }, ANNOUNCE_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<p class="hidden-text" aria-live="polite">${text}</p>`;
}

