// Calls of the server: with the session's key, errors as problems.

import { observeClock } from './clock.js';
import { key, endSession } from './session.js';
import { t } from '../texts.js';

/** An error of the server, or of the way to it. */
export class Problem extends Error {
  /** @param {{status: number, reason: string, detail: string, next?: string}} told */
  constructor(told) {
    super(told.detail);
    this.status = told.status;
    this.reason = told.reason;
    this.next = told.next ?? '';
  }
}

/**
 * @typedef {object} Options
 * @property {Record<string, string | number | boolean | null | undefined>} [query]
 * @property {unknown} [body] Sent as JSON.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Sends a request and gives the answer, or throws a `Problem`.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
export async function call(method, path, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', ...options.headers };
  const secret = key();
  if (secret) headers['Coro-Session-Key'] = secret;
  /** @type {RequestInit} */
  const init = { method, headers, signal: options.signal, credentials: 'same-origin', cache: 'no-store' };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  let response;
  try {
    response = await fetch(path + queryText(options.query), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem({ status: 0, reason: 'unreachable', detail: t.problem.awayDetail, next: t.problem.awayNext });
  }
  observeClock(response.headers.get('Date'));
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path.startsWith('/api/')) endSession(problem);
  throw problem;
}

/**
 * Reads JSON.
 * @param {string} path
 * @param {Options['query']} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function read(path, query, signal) {
  const response = await call('GET', path, { query, signal });
  return response.json();
}

/**
 * Reads JSON, with the revision at which it was true and the place of the next page.
 * @param {string} path
 * @param {Options['query']} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{data: any, revision: number, next: string}>}
 */
export async function readPage(path, query, signal) {
  const response = await call('GET', path, { query, signal });
  const link = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get('Link') ?? '');
  const revision = Number(response.headers.get('Coro-Revision') ?? 0);
  return { data: await response.json(), revision, next: link?.[1] ?? '' };
}

/**
 * Changes something and reads the answer.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function change(method, path, options = {}) {
  // A repetition after a lost answer must not happen twice.
  const headers = { 'Idempotency-Key': crypto.randomUUID(), ...options.headers };
  const response = await call(method, path, { ...options, headers });
  return response.json();
}

/**
 * Reads at most the first bytes of a value.
 * @param {string} path
 * @param {Options['query']} query
 * @param {number} max
 * @param {AbortSignal} [signal]
 * @returns {Promise<{bytes: Uint8Array, whole: boolean}>}
 */
export async function readBytes(path, query, max, signal) {
  const response = await call('GET', path, { query, signal, headers: { Accept: '*/*' } });
  const reader = response.body?.getReader();
  if (!reader) return { bytes: new Uint8Array(), whole: true };
  /** @type {Uint8Array[]} */
  const chunks = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done || !value) break;
    chunks.push(value);
    length += value.length;
    if (length > max) {
      await reader.cancel();
      break;
    }
  }
  const bytes = new Uint8Array(Math.min(length, max));
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, whole: length <= max };
}

/**
 * A state key as a path: `/` separates, the rest is encoded.
 * @param {string} name
 */
export function keyPath(name) {
  return '/api/state/' + name.split('/').map(encodeURIComponent).join('/');
}

/**
 * Where an entry of the log is answered.
 * @param {number} revision
 */
export function entryPath(revision) {
  return `/api/events/history?last=1&after=${revision - 1}&before=${revision + 1}#/0`;
}

/** @param {Options['query']} query */
function queryText(query) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    params.set(name, String(value));
  }
  const text = params.toString();
  return text ? '?' + text : '';
}

/** @param {Response} response */
async function problemOf(response) {
  let told;
  try {
    told = await response.json();
  } catch {
    told = {};
  }
  return new Problem({
    status: response.status,
    reason: String(told.reason ?? ''),
    detail: String(told.detail ?? t.problem.answered(response.status)),
    next: told.next ? String(told.next) : '',
  });
}
