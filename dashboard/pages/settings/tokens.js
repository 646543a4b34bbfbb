// Tokens: made here with the secret shown once, revoked here.

import { html, useState } from '../../core/html.js';
import { change, read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { useKeys } from '../../core/keys.js';
import { filter, setQuery } from '../../core/router.js';
import { notify, notifyError } from '../../core/store.js';
import { plain } from '../../core/plain.js';
import { session } from '../../core/session.js';
import { Actor, Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Confirm, Modal, openDialog } from '../../parts/dialog.js';
import { Copy } from '../../parts/copy.js';
import { Command, Empty, Failure, Loading } from '../../parts/empty.js';
import { Icon } from '../../parts/icon.js';
import { Detail, Facts, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Table } from '../../parts/table.js';
import { t } from '../../texts.js';

const ROLES = ['agent', 'controller', 'viewer', 'enrol', 'runner', 'owner'];

/** @typedef {import('../../types/api.js').components['schemas']['Token']} Token */
/** @typedef {import('../../types/api.js').components['schemas']['IssuedToken']} IssuedToken */

export function Tokens() {
  const isOwner = session.value?.role === 'owner';
  const { data, error, loading, reload } = useData(
    async (signal) => (isOwner ? read('/api/tokens', {}, signal) : []),
    [isOwner],
    { topics: ['coro.token.'] },
  );
  useKeys(isOwner ? [{ keys: 'n', text: t.settings.tokens.create, run: create }] : [], [isOwner]);
  if (!isOwner) return html`<${Empty} icon="person" title=${t.settings.tokens.ownerOnly} />`;
  if (error) return html`<${Failure} error=${error} retry=${reload} />`;
  if (!data) return loading && html`<${Loading} />`;
  const chosen = filter('token');
  const token = data.find((/** @type {Token} */ one) => one.id === chosen);
  /** @param {Token} row */
  const open = (row) => setQuery({ token: row.id }, { replace: Boolean(chosen) });
  return html`<${Split} detail=${token && html`<${TokenDetail} key=${chosen} token=${token} />`}>
    <${Table} label=${t.settings.tokens.label} rows=${data} columns=${COLUMNS} rowKey=${(/** @type {Token} */ row) => row.id} selected=${chosen || null}
      onOpen=${open} onSelect=${(/** @type {Token} */ row) => chosen && open(row)} />
  <//>`;
}

export function NewTokenButton() {
  if (session.value?.role !== 'owner') return '';
  return html`<button type="button" class="button primary" onClick=${create} title=${`${t.settings.tokens.create} (n)`}><${Icon} name="plus" />${t.settings.tokens.create}</button>`;
}

/** @type {import('../../parts/table.js').Column<Token>[]} */
const COLUMNS = [
  { id: 'name', title: t.settings.tokens.name, width: 'minmax(90px, 1.2fr)', cell: (row) => html`<strong><${Plain} text=${row.name} max=${120} /></strong>` },
  { id: 'role', title: t.settings.tokens.role, width: '96px', cell: (row) => html`<${Tag}>${row.role}<//>` },
  { id: 'project', title: t.settings.tokens.project, width: 'minmax(70px, 1fr)', from: 620, cell: (row) => (row.project ? html`<${Plain} text=${row.project} max=${80} />` : html`<span class="dim">${t.settings.tokens.anyProject}</span>`) },
  { id: 'prefixes', title: t.settings.tokens.prefixes, width: 'minmax(70px, 1fr)', from: 980, cell: (row) => html`<span class="mono"><${Plain} text=${(row.key_prefixes ?? []).join(' ')} max=${120} /></span>` },
  { id: 'expires', title: t.settings.tokens.expires, width: '90px', from: 760, cell: (row) => (row.expires_at ? html`<${Ago} at=${row.expires_at} />` : html`<span class="dim">${t.settings.tokens.never}</span>`) },
  { id: 'made', title: t.settings.tokens.made, width: '96px', from: 520, cell: (row) => html`<span class="dim"><${Ago} at=${row.created_at} /></span>` },
  { id: 'by', title: t.settings.tokens.by, width: '120px', from: 900, cell: (row) => html`<${Actor} actor=${row.created_by} />` },
  { id: 'revoke', title: html`<span class="hidden-text">${t.settings.tokens.revoke}</span>`, width: '80px', right: true, cell: (row) => html`<button type="button" class="button ghost" aria-label=${`${t.settings.tokens.revoke}: ${plain(row.name, 60)}`} onClick=${() => revoke(row)}>${t.settings.tokens.revoke}</button>` },
];

/** @param {{token: Token}} props */
function TokenDetail({ token }) {
  const texts = t.settings.tokens;
  return html`<${Detail} title=${html`<${Plain} text=${token.name} max=${512} />`} label=${texts.name} close=${() => setQuery({ token: '' })}
    sub=${html`<${Tag}>${token.role}<//>`} tools=${html`<button type="button" class="button" onClick=${() => revoke(token)}>${texts.revoke}</button>`}>
    <p>${texts.roleHelp[token.role]}</p>
    <${Facts} rows=${[
      [texts.project, token.project ? html`<${Plain} text=${token.project} max=${120} />` : texts.anyProject],
      [texts.prefixes, (token.key_prefixes ?? []).length > 0 && html`<span class="mono"><${Plain} text=${(token.key_prefixes ?? []).join(' ')} max=${1000} /></span>`],
      [texts.expires, token.expires_at ? html`<${Ago} at=${token.expires_at} />` : texts.never],
      [texts.made, html`<${Actor} actor=${token.created_by} /> <${Ago} at=${token.created_at} />`],
    ].map(([name, value]) => /** @type {[string, any]} */ ([name, value || '']))} />
    <${Source} json=${token} command="coro-cli tokens list" />
  <//>`;
}

/** @param {Token} token */
function revoke(token) {
  openDialog((close) => html`<${Confirm} title=${t.settings.tokens.revokeTitle(plain(token.name, 80))} action=${t.settings.tokens.revoke} danger close=${close}
    run=${async () => {
      await change('DELETE', `/api/tokens/${encodeURIComponent(token.id)}`);
      notify(t.settings.tokens.revoked(plain(token.name, 80)));
    }}><p>${t.settings.tokens.revokeText}</p><//>`);
}

function create() {
  openDialog((close) => html`<${NewToken} close=${close} />`);
}

/** @param {{close: () => void}} props */
function NewToken({ close }) {
  const [issued, setIssued] = useState(/** @type {IssuedToken | null} */ (null));
  const [role, setRole] = useState('agent');
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const field = (/** @type {string} */ name) => String(form.get(name) ?? '').trim();
    setBusy(true);
    try {
      const body = {
        name: field('name'), role, project: field('project') || undefined,
        expires_in: field('expires') ? Number(field('expires')) : undefined,
      };
      setIssued(await change('POST', '/api/tokens', { body }));
    } catch (error) {
      notifyError(error);
    }
    setBusy(false);
  };
  if (issued) {
    return html`<${Modal} title=${t.settings.tokens.secretTitle} close=${close}>
      <div class="modal-body"><p>${t.settings.tokens.secretText}</p>
        <div class="secret"><code data-secret>${issued.token}</code><${Copy} text=${issued.token} label=${t.copy.secret} /></div>
        <p class="dim">${t.settings.tokens.secretUse}</p><${Command} text=${`export CORO_TOKEN=${issued.token}`} /></div>
      <footer class="modal-foot"><button type="button" class="button primary" onClick=${close} data-autofocus>${t.settings.tokens.done}</button></footer><//>`;
  }
  const texts = t.settings.tokens;
  return html`<${Modal} title=${texts.create} close=${close}>
    <form class="modal-form" onSubmit=${submit}>
      <div class="modal-body">
        <label class="form-row"><span class="label">${texts.name}</span><input class="input" name="name" required maxlength="512" autocomplete="off" data-autofocus /><p class="dim">${texts.nameHelp}</p></label>
        <label class="form-row"><span class="label">${texts.role}</span>
          <span class="select"><select name="role" value=${role} onChange=${(/** @type {any} */ event) => setRole(event.target.value)}>${ROLES.map((word) => html`<option key=${word} value=${word}>${word}</option>`)}</select><${Icon} name="down" /></span>
          <p class="dim">${texts.roleHelp[role]}</p></label>
        <label class="form-row"><span class="label">${texts.project}</span><input class="input" name="project" maxlength="512" autocomplete="off" /><p class="dim">${texts.projectHelp}</p></label>
        <label class="form-row"><span class="label">${texts.expiry}</span>
          <span class="select"><select name="expires">${texts.expiries.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select><${Icon} name="down" /></span></label>
      </div>
      <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class="button primary" disabled=${busy}>${texts.createAction}</button></footer>
    </form>
  <//>`;
}
