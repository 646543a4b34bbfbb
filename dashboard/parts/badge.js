// How something stands: a shape, a word and a colour, never the colour alone.

import { html } from '../core/html.js';
import { Plain } from './plain.js';
import { href } from '../core/router.js';
import { t } from '../texts.js';

/** @type {Record<string, {tone: string, shape: string}>} */
const LOOKS = {
  active: { tone: 'good', shape: 'full' },
  pending: { tone: 'quiet', shape: 'ring' },
  stale: { tone: 'warn', shape: 'half' },
  ended: { tone: 'quiet', shape: 'cross' },
  open: { tone: 'quiet', shape: 'ring' },
  ready: { tone: 'info', shape: 'ring' },
  waiting: { tone: 'quiet', shape: 'dots' },
  claimed: { tone: 'info', shape: 'half' },
  done: { tone: 'good', shape: 'check' },
  failed: { tone: 'bad', shape: 'cross' },
  cancelled: { tone: 'quiet', shape: 'cross' },
  escalated: { tone: 'warn', shape: 'up' },
  parked: { tone: 'warn', shape: 'bars' },
  decided: { tone: 'good', shape: 'check' },
  expired: { tone: 'bad', shape: 'cross' },
  withdrawn: { tone: 'quiet', shape: 'cross' },
  held: { tone: 'info', shape: 'full' },
  queued: { tone: 'warn', shape: 'ring' },
  delivered: { tone: 'info', shape: 'half' },
  read: { tone: 'good', shape: 'full' },
  acknowledged: { tone: 'good', shape: 'check' },
  undeliverable: { tone: 'bad', shape: 'cross' },
  answered: { tone: 'good', shape: 'check' },
  success: { tone: 'good', shape: 'check' },
  refused: { tone: 'bad', shape: 'cross' },
  ok: { tone: 'good', shape: 'full' },
  block: { tone: 'bad', shape: 'bars' },
  confirm: { tone: 'warn', shape: 'half' },
  warn: { tone: 'warn', shape: 'ring' },
  paused: { tone: 'warn', shape: 'bars' },
};

/** @type {Record<string, string>} */
const SHAPES = {
  full: 'M6 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z',
  ring: 'M6 2.75a3.25 3.25 0 1 1 0 6.5 3.25 3.25 0 0 1 0-6.5Z',
  half: 'M6 2.75a3.25 3.25 0 1 1 0 6.5 3.25 3.25 0 0 1 0-6.5Z',
  dots: 'M2.5 6h.01M6 6h.01M9.5 6h.01',
  check: 'M2.5 6.5l2.3 2.3L9.5 3.5',
  cross: 'M3 3l6 6M9 3l-6 6',
  up: 'M6 9.5v-7M3 5l3-3 3 3',
  bars: 'M4 3v6M8 3v6',
};

/** @param {{word: string, quiet?: boolean}} props */
export function Status({ word, quiet = false }) {
  const look = LOOKS[word] ?? { tone: 'quiet', shape: 'ring' };
  const text = t.words[word] ?? word;
  return html`<span class=${`status tone-${look.tone}`}>
    <svg viewBox="0 0 12 12" class=${`shape shape-${look.shape}`} aria-hidden="true"><path d=${SHAPES[look.shape]} /></svg>
    <span class=${quiet ? 'hidden-text' : ''}>${text}</span>
  </span>`;
}

/**
 * A small word in a frame.
 * @param {{children?: any, tone?: string}} props
 */
export function Tag({ children, tone = 'quiet' }) {
  return html`<span class=${`tag tone-${tone}`}>${children}</span>`;
}

/**
 * Who did it, such as `agent:frontend`; agents lead to their page.
 * @param {{actor: string, project?: string}} props
 */
export function Actor({ actor, project }) {
  const at = actor.indexOf(':');
  const kind = at < 0 ? '' : actor.slice(0, at);
  const name = at < 0 ? actor : actor.slice(at + 1);
  const mark = html`<span class=${`actor-mark actor-${t.kinds[kind] ? kind : 'other'}`} aria-hidden="true">${(name[0] ?? '?').toUpperCase()}</span>`;
  const label = html`<span class="actor-name"><${Plain} text=${name} max=${60} /></span><span class="hidden-text">, ${t.kinds[kind] ?? kind}</span>`;
  if (kind !== 'agent') return html`<span class="actor" title=${t.kinds[kind] ?? kind}>${mark}${label}</span>`;
  const target = project ? `${project}/${name}` : name;
  return html`<a class="actor" href=${href('agents', { agent: target })} title=${t.kinds.agent}>${mark}${label}</a>`;
}
