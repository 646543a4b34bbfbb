// Moments, as distances from the server's now.

import { html } from '../core/html.js';
import { now, tick } from '../core/clock.js';
import { t } from '../texts.js';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

/**
 * "5 s ago", with the exact moment beside it.
 * @param {{at: string | null | undefined}} props
 */
export function Ago({ at }) {
  if (!at) return html`<span class="dim">${t.none}</span>`;
  // The tick draws it again; what is newer than the tick is not in the future.
  const moment = Date.parse(at);
  return html`<time datetime=${at} title=${exactTime(at)}>${distance(moment - Math.max(tick.value, now() - 1000))}</time>`;
}

/**
 * The time of day with milliseconds, as in a log.
 * @param {{at: string}} props
 */
export function Clock({ at }) {
  const date = new Date(at);
  const text = `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return html`<time class="mono" datetime=${at} title=${exactTime(at)}>${text}</time>`;
}

/**
 * The time of day, where a second is exact enough.
 * @param {{at: string}} props
 */
export function TimeOfDay({ at }) {
  return html`<time class="mono" datetime=${at} title=${exactTime(at)}>${clock.format(new Date(at))}</time>`;
}

/** @param {string} at */
export function exactTime(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : exact.format(date);
}

/** @param {number} ms Negative for the past. */
function distance(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  // Clocks differ by that much, and nobody wants to read "in 0 s".
  if (seconds < 2) return t.time.now;
  return ms <= 0 ? t.time.ago(span(seconds)) : t.time.within(span(seconds));
}

/** @param {number} seconds */
export function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return seconds < 6 * 3600 && minutes > 0 ? `${Math.floor(seconds / 3600)} h ${minutes} min` : `${Math.floor(seconds / 3600)} h`;
  }
  return `${Math.floor(seconds / 86400)} d`;
}
