// Who decides what: the policies, and one of them to change.

import { html, useEffect, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { forgetDrafts, keep } from '../../core/drafts.js';
import { changeAsHuman, human, isUnlocked } from '../../core/human.js';
import { useKeys } from '../../core/keys.js';
import { plain } from '../../core/plain.js';
import { filter, setQuery } from '../../core/router.js';
import { session } from '../../core/session.js';
import { notify } from '../../core/store.js';
import { Actor, Tag } from '../../parts/badge.js';
import { Confirm, openDialog } from '../../parts/dialog.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Icon } from '../../parts/icon.js';
import { Detail, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Table } from '../../parts/table.js';
import { Ago, span } from '../../parts/time.js';
import { Unlock } from '../../parts/unlock.js';
import { NEW, PLAIN_KINDS, UNITS, bodyOf, commandOf, fieldsOf, humansFor, isUsual, nameOf, restored } from './fields.js';
import { t } from '../../texts.js';

/** @typedef {import('./fields.js').Policy} Policy */
/** @typedef {import('./fields.js').Fields} Fields */

const texts = t.requests.policy;

export function Policies() {
  const { data, error, reload } = useData((signal) => read('/api/requests/policies', {}, signal), [], { topics: ['coro.request.policy'] });
  useKeys([{ keys: 'n', text: texts.create, run: create }], []);
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  const chosen = filter('policy');
  const found = data.find((/** @type {Policy} */ one) => nameOf(one) === chosen);
  return html`<${Split} detail=${chosen && html`<${Editor} key=${chosen} name=${chosen} found=${found} reload=${reload} />`}>
    <div class="crumbs dim"><span>${texts.text}</span><button type="button" class="button primary spread" onClick=${create} title=${`${texts.create} (n)`}><${Icon} name="plus" />${texts.create}</button></div>
    ${data.length === 0
      ? html`<${Empty} icon="requests" title=${t.requests.noPolicy} text=${t.requests.noPolicyText} command=${t.requests.policyCommand} />`
      : html`<${List} policies=${data} chosen=${chosen} />`}
  <//>`;
}

function create() {
  setQuery({ policy: NEW });
}

/** @param {{policies: Policy[], chosen: string}} props */
function List({ policies, chosen }) {
  /** @type {import('../../parts/table.js').Column<Policy>[]} */
  const columns = [
    { id: 'project', title: t.requests.project, width: 'minmax(56px, 1fr)', cell: (row) => html`<${Plain} text=${row.project} />` },
    { id: 'kind', title: t.requests.kind, width: 'minmax(84px, 130px)', cell: (row) => t.requests.kinds[row.kind] ?? row.kind },
    { id: 'quorum', title: t.requests.quorum, width: '56px', right: true, cell: (row) => html`<${Figure} of=${`/api/requests/policies#/${policies.indexOf(row)}/quorum`} value=${row.quorum} />` },
    { id: 'deciders', title: t.requests.deciders, width: 'minmax(90px, 2fr)', cell: (row) => html`<${Plain} text=${row.deciders.join(', ') || t.requests.anyone} />` },
    { id: 'deputies', title: t.requests.deputies, width: 'minmax(100px, 2fr)', from: 700, cell: (row) => (row.deputies.length > 0 ? html`<${Plain} text=${row.deputies.join(', ')} /> <span class="dim">${t.requests.deputiesAfter(span(row.deputies_after_seconds))}</span>` : html`<span class="dim">${t.none}</span>`) },
    { id: 'set', title: t.requests.setBy, width: '128px', from: 860, cell: (row) => html`<${Actor} actor=${row.set_by} />` },
    { id: 'at', title: t.requests.setAt, width: '92px', right: true, from: 600, cell: (row) => html`<span class="dim"><${Ago} at=${row.set_at} /></span>` },
  ];
  /** @param {Policy} row */
  const open = (row) => setQuery({ policy: nameOf(row) }, { replace: Boolean(chosen) });
  return html`<${Table} label=${t.requests.tabs.policy} rows=${policies} columns=${columns} rowKey=${nameOf} selected=${chosen || null}
    onOpen=${open} onSelect=${(/** @type {Policy} */ row) => chosen && open(row)} />`;
}

/**
 * What is typed of a policy. It follows the policy as long as nobody has typed,
 * and stays when another changes the policy meanwhile.
 * @param {string} name
 * @param {Policy | undefined} found As it is now.
 */
function useTyped(name, found) {
  const draft = `policy.${name}`;
  // What it was made from: a change names that.
  const [base, setBase] = useState(() => restored(draft)?.base ?? found ?? null);
  const [fields, setFields] = useState(() => restored(draft)?.fields ?? fieldsOf(found, name));
  const dirty = JSON.stringify(fields) !== JSON.stringify(fieldsOf(base ?? undefined, name));
  const changed = name !== NEW && found?.digest !== base?.digest;
  /** @param {Policy | undefined} policy */
  const take = (policy) => {
    forgetDrafts(draft);
    setBase(policy ?? null);
    setFields(fieldsOf(policy, name));
  };
  useEffect(() => {
    if (changed && !dirty) take(found);
  }, [found?.digest]);
  /** @param {Partial<Fields>} part */
  const type = (part) => {
    const next = { ...fields, ...part };
    setFields(next);
    keep(draft, JSON.stringify({ base, fields: next }));
  };
  return { base, fields, dirty, changed, take, type };
}

/**
 * One policy, to be changed.
 * @param {{name: string, found: Policy | undefined, reload: () => void}} props
 */
function Editor({ name, found, reload }) {
  const { base, fields, dirty, changed, take, type } = useTyped(name, found);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const isNew = name === NEW;
  const discard = () => {
    setError(null);
    take(found);
  };
  /** @param {any} body */
  const send = async (body) => {
    setBusy(true);
    setError(null);
    try {
      const set = await setPolicy(base, body);
      if (!set) return;
      const gone = isUsual(set);
      notify(gone ? texts.removed : texts.saved);
      take(gone ? undefined : set);
      setQuery({ policy: gone ? '' : nameOf(set) }, { replace: true });
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
      reload();
    }
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (!busy) send(bodyOf(fields));
  };
  // Sent after the dialog has closed: another may follow, to unlock.
  const remove = () => openDialog((close) => html`<${Confirm} title=${texts.removeTitle(plain(name, 100))} action=${texts.remove} danger close=${close}
    run=${async () => { setTimeout(() => send({ project: base?.project, kind: base?.kind })); }}><p>${texts.removeText}</p><//>`);
  const title = isNew ? texts.create : html`<${Plain} text=${fields.project} max=${80} /> <${Tag}>${t.requests.kinds[fields.kind] ?? fields.kind}<//>`;
  return html`<${Detail} title=${title} label=${texts.label} close=${() => setQuery({ policy: '' })}
    sub=${base && html`<span>${t.requests.setBy} <${Actor} actor=${base.set_by} /> <${Ago} at=${base.set_at} /></span>`}
    tools=${base && html`<button type="button" class="button" onClick=${remove}>${texts.remove}</button>`}>
    ${changed && dirty && html`<p class="note bar" role="status"><span>${found ? texts.changed(plain(found.set_by, 60)) : texts.gone}</span><button type="button" class="button spread" onClick=${discard}>${texts.take}</button></p>`}
    ${error && html`<${Failure} error=${error} />`}
    <${Form} fields=${fields} type=${type} submit=${submit} isNew=${isNew} busy=${busy} needs=${humansFor(base, fields.kind)} discard=${dirty && discard} />
    <${Source} json=${base ?? undefined} command=${commandOf(fields, base)} />
  <//>`;
}

/**
 * @param {{fields: Fields, type: (part: Partial<Fields>) => void, submit: (event: SubmitEvent) => void, isNew: boolean, busy: boolean, needs: number, discard: false | (() => void)}} props
 */
function Form({ fields, type, submit, isNew, busy, needs, discard }) {
  const { data: humans } = useData((signal) => read('/api/humans', {}, signal), []);
  const names = (humans ?? []).map((/** @type {any} */ one) => plain(one.name, 80)).join(', ');
  /** @param {keyof Fields} name */
  const field = (name) => ({ name, value: fields[name], onInput: (/** @type {any} */ event) => type({ [name]: event.target.value }) });
  return html`<form onSubmit=${submit}>
    ${isNew && html`<label class="form-row"><span class="label">${t.requests.project}</span><input class="input" required autocomplete="off" readonly=${Boolean(session.value?.project)} ...${field('project')} /></label>
    <label class="form-row"><span class="label">${t.requests.kind}</span><span class="select"><select name="kind" onChange=${(/** @type {any} */ event) => type({ kind: event.target.value })}>
      ${Object.entries(t.requests.kinds).map(([kind, text]) => html`<option key=${kind} value=${kind} selected=${kind === fields.kind}>${text}</option>`)}</select><${Icon} name="down" /></span></label>`}
    <label class="form-row"><span class="label">${texts.quorum}</span><input class="input short" type="number" min="1" max="16" required ...${field('quorum')} /><span class="dim">${texts.quorumHelp}</span></label>
    <label class="form-row"><span class="label">${texts.deciders}</span><textarea class="input" rows="3" spellcheck=${false} ...${field('deciders')}></textarea><span class="dim">${texts.decidersHelp(PLAIN_KINDS.includes(fields.kind))} ${names && texts.humans(names)}</span></label>
    <label class="form-row"><span class="label">${texts.deputies}</span><textarea class="input" rows="2" spellcheck=${false} ...${field('deputies')}></textarea></label>
    <div class="form-row"><label class="label" for="policy-after">${texts.after}</label><span class="bar"><input class="input short" type="number" min="0" required id="policy-after" ...${field('after')} />
      <span class="select"><select name="unit" aria-label=${texts.unit} onChange=${(/** @type {any} */ event) => type({ unit: event.target.value })}>${UNITS.map((unit) => html`<option key=${unit} value=${unit} selected=${String(unit) === fields.unit}>${texts.units[unit]}</option>`)}</select><${Icon} name="down" /></span></span><p class="dim">${texts.afterHelp}</p></div>
    <div class="bar"><button type="submit" class="button primary" disabled=${busy}>${texts.save}</button>
      ${discard && html`<button type="button" class="button" onClick=${discard}>${texts.discard}</button>`}
      <span class="dim">${texts.takes(needs)}</span></div>
  </form>`;
}

/**
 * Sends it with as many humans as it takes; nothing where one of them gives up.
 * @param {Policy | null} base What it replaces.
 * @param {any} body
 * @returns {Promise<Policy | null>}
 */
async function setPolicy(base, body) {
  const sessions = await unlockAll(humansFor(base, body.kind));
  if (!sessions) return null;
  /** @type {Record<string, string>} */
  const headers = base ? { 'If-Match': `"${base.digest}"` } : { 'If-None-Match': '*' };
  if (sessions.length > 0) headers['Coro-Human'] = sessions.join(', ');
  return changeAsHuman('PUT', '/api/requests/policies', { body, headers });
}

/**
 * The sessions of so many humans, who unlock one after the other.
 * @param {number} count
 */
async function unlockAll(count) {
  /** @type {Map<string, string>} */
  const all = new Map();
  const add = () => human.value && all.set(human.value.name, human.value.session);
  if (isUnlocked()) add();
  while (all.size < count) {
    const names = plain([...all.keys()].join(', '), 200);
    if (!await unlockOne(html`<p>${texts.takes(count)}${names && ` ${texts.have(names)}`}</p>`)) return null;
    add();
  }
  return [...all.values()];
}

/** @param {any} why */
function unlockOne(why) {
  return new Promise((done) => {
    let unlocked = false;
    openDialog((close) => html`<${Unlock} close=${() => { close(); done(unlocked); }} then=${async () => { unlocked = true; }}>${why}<//>`);
  });
}
