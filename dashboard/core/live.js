// The log as it happens: one WebSocket for the whole page. It resumes after the
// last revision that was seen, so a lost connection loses and doubles nothing.

import { signal } from './html.js';
import { call, read } from './api.js';
import { endSession, identity, key, session } from './session.js';
import { notifyError } from './store.js';
import { t } from '../texts.js';

/** The newest entries that are kept. */
const RING = 2000;

/** The entries that are read to begin with. */
const FIRST_ENTRIES = 300;

/** The longest data that an entry keeps, in characters; more is fetched when somebody looks. */
const DATA_MAX = 2048;

/** The longest that entries wait for a frame: a page that is hidden, or is about to be, has none. */
const FLUSH_MS = 250;

/** Waits between two tries to connect, in milliseconds. */
const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 8000, 15000];

/**
 * An entry of the log, ready to be shown.
 * @typedef {object} Entry
 * @property {number} revision
 * @property {string} topic
 * @property {string} subject
 * @property {string} actor
 * @property {string} created_at
 * @property {string} trace The trace's id; empty where there is none.
 * @property {string} data JSON, cut after a while.
 * @property {boolean} cut
 */

/** `off`, `connecting`, `live` or `reconnecting`. */
export const state = signal('off');

/** The revision of the newest entry that was seen. */
export const revision = signal(0);

/** Grows with each batch of entries that was taken in. */
export const batches = signal(0);

/** Where what follows was no longer kept: entries up to this revision are missing. */
export const gap = signal(0);

/** @type {Entry[]} */
const ring = [];
let start = 0;
let count = 0;

/** @type {WebSocket | null} */
let socket = null;
let tries = 0;
let seen = 0;
let timer = 0;
let scheduled = false;
let frame = 0;
let late = 0;

/** @type {Entry[]} */
let fresh = [];

/** @typedef {(entries: Entry[]) => void} Listener */
/** @type {Set<Listener>} */
const listeners = new Set();

/** The kept entries, the newest first. */
export function newest() {
  const list = new Array(count);
  for (let i = 0; i < count; i += 1) list[i] = ring[(start + count - 1 - i) % RING];
  return /** @type {Entry[]} */ (list);
}

/**
 * Calls back with each batch of new entries, in order, at most once a frame.
 * @param {Listener} listener
 * @returns {() => void} Ends it.
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @param {any} event */
export function entryOf(event) {
  const data = JSON.stringify(event.data ?? null);
  const cut = data.length > DATA_MAX;
  return {
    revision: Number(event.revision),
    topic: String(event.topic),
    subject: String(event.subject ?? ''),
    actor: String(event.actor ?? ''),
    created_at: String(event.created_at),
    trace: String(event.traceparent ?? '').split('-')[1] ?? '',
    data: cut ? data.slice(0, DATA_MAX) : data,
    cut,
  };
}

/** Reads the newest entries, then what follows them, for whoever has signed in. */
export async function follow() {
  const [who, at] = [identity.peek(), session.peek()?.revision ?? 0];
  disconnect();
  gap.value = 0;
  /** @type {Entry[]} */
  let entries = [];
  try {
    entries = await readNewest();
  } catch (error) {
    notifyError(error);
  }
  // Whoever has signed in meanwhile is followed by another call.
  if (identity.peek() !== who) return;
  begin(entries, at);
  connect();
}

/** @returns {Promise<Entry[]>} */
async function readNewest() {
  const events = await read('/api/events/history', { last: FIRST_ENTRIES });
  return events.map(entryOf);
}

/**
 * Begins with entries that are there already, the newest first.
 * @param {Entry[]} entries
 * @param {number} at
 */
function begin(entries, at) {
  forget();
  for (const entry of entries.slice(0, RING).reverse()) push(entry);
  seen = Math.max(at, entries[0]?.revision ?? 0);
  revision.value = seen;
  batches.value += 1;
}

function forget() {
  start = 0;
  count = 0;
  fresh = [];
}

function connect() {
  close();
  if (!session.value) return;
  state.value = tries === 0 && state.value !== 'reconnecting' ? 'connecting' : 'reconnecting';
  const url = new URL(`/api/events/subscribe?from=${seen}`, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const opened = new WebSocket(url, ['coro', `key.${key()}`]);
  socket = opened;
  opened.onopen = () => {
    tries = 0;
    state.value = 'live';
  };
  opened.onmessage = (message) => {
    if (socket === opened) take(message.data);
  };
  opened.onclose = (closed) => {
    if (socket === opened) again(closed.code);
  };
}

/** Nothing of whoever was signed in stays. */
export function disconnect() {
  close();
  tries = 0;
  forget();
  state.value = 'off';
}

function close() {
  clearTimeout(timer);
  const old = socket;
  socket = null;
  old?.close();
}

/** @param {number} code Ours is 4000 and the HTTP status of the reason. */
function again(code) {
  socket = null;
  if (code === 4401) {
    endSession({ message: t.session.ended, next: t.session.again });
    return;
  }
  if (code === 4410) {
    reload();
    return;
  }
  state.value = 'reconnecting';
  const wait = BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)] ?? 15000;
  tries += 1;
  timer = setTimeout(retry, wait * (0.75 + Math.random() / 2));
}

async function retry() {
  const who = identity.peek();
  // A refused upgrade and a server that is away look alike to a WebSocket, so
  // the same is asked in a way that has an answer.
  try {
    await call('GET', '/api/events', { query: { from: seen, limit: 1 } });
    if (identity.peek() !== who) return;
  } catch (error) {
    if (identity.peek() !== who) return;
    const problem = /** @type {import('./api.js').Problem} */ (error);
    // 410: the log was cut above what was seen. 400: it ends below, as after a
    // restored backup.
    if (problem.status === 410 || problem.status === 400) reload();
    else if (problem.status !== 401) again(0);
    return;
  }
  connect();
}

/** What follows is no longer kept: begins anew, and says so. */
async function reload() {
  const [who, before] = [identity.peek(), seen];
  try {
    // Read first: whoever sees none of the kept entries begins at the present.
    const { revision: at } = await read('/session');
    const entries = await readNewest();
    if (identity.peek() !== who) return;
    begin(entries, at);
    // Told last: the lists are read anew then, and find the new beginning.
    gap.value = before;
    connect();
  } catch {
    again(0);
  }
}

/** @param {string} text */
function take(text) {
  let entry;
  try {
    entry = entryOf(JSON.parse(text));
  } catch {
    return;
  }
  if (!(entry.revision > seen)) return;
  seen = entry.revision;
  push(entry);
  fresh.push(entry);
  if (fresh.length > RING) fresh.splice(0, fresh.length - RING);
  if (scheduled) return;
  scheduled = true;
  frame = requestAnimationFrame(flush);
  late = setTimeout(flush, FLUSH_MS);
}

function flush() {
  cancelAnimationFrame(frame);
  clearTimeout(late);
  scheduled = false;
  const entries = fresh;
  fresh = [];
  revision.value = seen;
  batches.value += 1;
  for (const listener of listeners) listener(entries);
}

/** @param {Entry} entry */
function push(entry) {
  ring[(start + count) % RING] = entry;
  if (count < RING) count += 1;
  else start = (start + 1) % RING;
}

window.addEventListener('online', () => {
  if (state.value === 'reconnecting') {
    clearTimeout(timer);
    retry();
  }
});
