// A policy as it is typed: what the fields hold, and what comes of them.

import { kept } from '../../core/drafts.js';
import { shellWord } from '../../core/plain.js';
import { session } from '../../core/session.js';

/** What a token may decide where no policy says otherwise; all else takes a human. */
export const PLAIN_KINDS = ['question', 'checkpoint'];

/** Units of a time, in seconds; the largest that fits is shown. */
export const UNITS = [86400, 3600, 60, 1];

/** In the URL, a policy that is not set yet. */
export const NEW = 'new';

/** @typedef {import('../../types/api.js').components['schemas']['Policy']} Policy */

/**
 * What is typed.
 * @typedef {object} Fields
 * @property {string} project
 * @property {string} kind
 * @property {string} quorum
 * @property {string} deciders A line each.
 * @property {string} deputies
 * @property {string} after
 * @property {string} unit
 */

/** @param {Policy} policy */
export function nameOf(policy) {
  return `${policy.project}/${policy.kind}`;
}

/**
 * How many humans it takes to change a policy.
 * @param {Policy | null} base
 * @param {string} kind
 */
export function humansFor(base, kind) {
  return base ? base.humans_to_change : PLAIN_KINDS.includes(kind) ? 0 : 1;
}

/** @param {Policy} policy As the server keeps none. */
export function isUsual(policy) {
  return policy.quorum === 1 && policy.deciders.length === 0 && policy.deputies.length === 0;
}

/**
 * @param {Policy | undefined} policy
 * @param {string} name
 * @returns {Fields}
 */
export function fieldsOf(policy, name) {
  const slash = name.lastIndexOf('/');
  const seconds = policy?.deputies_after_seconds ?? 0;
  const unit = seconds === 0 ? 3600 : UNITS.find((one) => seconds % one === 0) ?? 1;
  return {
    project: name === NEW ? session.value?.project ?? 'default' : name.slice(0, slash),
    kind: name === NEW ? 'question' : name.slice(slash + 1),
    quorum: String(policy?.quorum ?? 1),
    deciders: (policy?.deciders ?? []).join('\n'),
    deputies: (policy?.deputies ?? []).join('\n'),
    after: String(seconds / unit),
    unit: String(unit),
  };
}

/** @param {Fields} fields */
export function bodyOf(fields) {
  const lines = (/** @type {string} */ text) => text.split('\n').map((line) => line.trim()).filter(Boolean);
  return {
    project: fields.project.trim(), kind: fields.kind, quorum: Number(fields.quorum),
    deciders: lines(fields.deciders), deputies: lines(fields.deputies),
    deputies_after_seconds: Number(fields.after) * Number(fields.unit),
  };
}

/** @param {Fields} fields @param {Policy | null} base */
export function commandOf(fields, base) {
  const body = bodyOf(fields);
  const words = ['coro-cli requests policy', '--project', shellWord(body.project || 'default'), '--kind', body.kind, '--quorum', String(body.quorum)];
  for (const name of body.deciders) words.push('--decider', shellWord(name));
  for (const name of body.deputies) words.push('--deputy', shellWord(name));
  if (body.deputies_after_seconds > 0) words.push('--deputies-after', `${body.deputies_after_seconds}s`);
  const humans = (base?.deciders ?? []).filter((name) => !name.includes(':'));
  for (const name of humans.slice(0, base?.humans_to_change)) words.push('--as', shellWord(name));
  return words.join(' ');
}

/**
 * What was typed before, and from which policy.
 * @param {string} name
 * @returns {{base: Policy | null, fields: Fields} | undefined}
 */
export function restored(name) {
  try {
    return JSON.parse(kept(name)) ?? undefined;
  } catch {
    return undefined;
  }
}
