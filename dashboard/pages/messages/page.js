// Messages: what agents tell each other, and how far it has come.

import { html, useState } from '../../core/html.js';
import { change, read, readPage } from '../../core/api.js';
import { draft, forgetDrafts } from '../../core/drafts.js';
import { useData } from '../../core/data.js';
import { useKeys } from '../../core/keys.js';
import { filter, href, setQuery } from '../../core/router.js';
import { notify, notifyError } from '../../core/store.js';
import { session } from '../../core/session.js';
import { Actor, Status, Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/time.js';
import { Modal, openDialog } from '../../parts/dialog.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { Icon } from '../../parts/icon.js';
import { JsonTree } from '../../parts/json.js';
import { Lines } from '../../parts/value.js';
import { Detail, Facts, Page, Split } from '../../parts/layout.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Table } from '../../parts/table.js';
import { t } from '../../texts.js';

/** The newest messages that are listed: each has a text, and new ones are frequent. */
const NEWEST = 500;

/** @typedef {import('../../types/api.js').components['schemas']['Message']} Message */

export default function Messages() {
  const thread = filter('thread');
  const chosen = filter('message');
  const { data, error, reload } = useData((signal) => readPage('/api/messages', { thread, limit: NEWEST }, signal), [thread], { topics: ['coro.message.'] });
  /** @type {Message[]} */
  const rows = data?.data ?? [];
  useKeys([{ keys: 'n', text: t.messages.create, run: create }], []);
  /** @param {Message} row */
  const open = (row) => setQuery({ message: row.number }, { replace: Boolean(chosen) });
  return html`<${Page} title=${t.pages.messages} count=${data && t.messages.count(rows.length, data.next)} figure=${`/api/messages?limit=${NEWEST}${thread && `&thread=${encodeURIComponent(thread)}`}#`}
    tools=${html`<button type="button" class="button primary" onClick=${create} title=${`${t.messages.create} (n)`}><${Icon} name="plus" />${t.messages.create}</button>`}>
    ${error && html`<${Failure} error=${error} retry=${reload} />`}
    ${data?.next && html`<p class="note gap">${t.newestOnly}</p>`}
    ${thread && html`<div class="crumbs"><span>${t.messages.thread} <span class="mono"><${Plain} text=${thread} /></span></span><a href=${href('messages')}>${t.clear}</a></div>`}
    <${Split} detail=${chosen && html`<${MessageDetail} key=${chosen} number=${chosen} close=${() => setQuery({ message: '' })} />`}>
      ${!data ? !error && html`<${Loading} />` : rows.length === 0
        ? html`<${Empty} icon="messages" title=${t.messages.empty} text=${t.messages.emptyText} command=${t.messages.emptyCommand} />`
        : html`<${Table} label=${t.pages.messages} rows=${rows} columns=${COLUMNS} rowKey=${(/** @type {Message} */ row) => row.number} selected=${chosen || null} onOpen=${open} onSelect=${(/** @type {Message} */ row) => chosen && open(row)} />`}
    <//>
  <//>`;
}

/** @type {import('../../parts/table.js').Column<Message>[]} */
const COLUMNS = [
  { id: 'number', title: t.messages.number, width: '56px', cell: (row) => html`<span class="mono dim">${row.number}</span>` },
  { id: 'from', title: t.messages.from, width: '124px', cell: (row) => html`<${Actor} actor=${row.sender} project=${row.project} />` },
  { id: 'to', title: t.messages.to, width: 'minmax(80px, 0.8fr)', from: 480, cell: (row) => to(row) },
  { id: 'text', title: t.messages.text, width: 'minmax(120px, 3fr)', cell: (row) => html`<${Plain} text=${row.text.replaceAll('\n', ' ')} max=${200} />` },
  { id: 'wants', title: t.messages.wants, width: '128px', from: 760, cell: (row) => wants(row) },
  { id: 'sent', title: t.messages.sent, width: '92px', right: true, from: 420, cell: (row) => html`<span class="dim"><${Ago} at=${row.created_at} /></span>` },
];

/** @param {Message} row */
function to(row) {
  const text = row.to_kind === 'project' ? t.messages.all(row.to) : row.to_kind === 'role' ? t.messages.role(row.to) : row.to;
  return html`<${Plain} text=${text} max=${80} />`;
}

/** @param {Message} row */
function wants(row) {
  if (row.ask) return html`<${Status} word=${row.ask.state} />`;
  if (row.blocking) return html`<${Tag} tone="warn">${t.messages.blocking}<//>`;
  return row.needs_ack && html`<${Tag}>${t.messages.needsAck}<//>`;
}

/** @param {{number: string, close: () => void}} props */
function MessageDetail({ number, close }) {
  const { data, error } = useData((signal) => read(`/api/messages/${encodeURIComponent(number)}`, { peek: '1' }, signal), [number], { topics: ['coro.message.'], everyMs: 10_000 });
  if (!data) return html`<${Detail} title=${number} label=${number} close=${close}>${error ? html`<${Failure} error=${error} />` : html`<${Loading} />`}<//>`;
  const message = /** @type {Message} */ (data);
  return html`<${Detail} title=${html`<span class="mono dim">${message.number}</span>`} label=${message.number} close=${close}
    sub=${html`<${Actor} actor=${message.sender} project=${message.project} /><span>→ ${to(message)}</span><${Ago} at=${message.created_at} />`}>
    <div class="well body"><${Lines} text=${message.text} /></div>
    ${message.ask && html`<section><h3 class="label">${t.messages.answer}</h3><p><${Status} word=${message.ask.state} /> ${message.ask.failure && html`<${Plain} text=${message.ask.failure} max=${500} />`}</p>${message.ask.answer !== undefined && html`<div class="well"><${JsonTree} value=${message.ask.answer} /></div>`}</section>`}
    ${(message.receipts ?? []).length > 0 && html`<section><h3 class="label">${t.messages.receipts}</h3><ul class="timeline">${(message.receipts ?? []).map((one) => html`<li key=${one.agent_id}><span class="what"><${Actor} actor=${`agent:${one.agent}`} project=${message.project} /> <${Status} word=${one.state} /> ${one.how && html`<span class="dim">${t.messages.by(one.how)}</span>`}</span><${Ago} at=${one.acknowledged_at ?? one.read_at ?? one.delivered_at} /></li>`)}</ul></section>`}
    <${Facts} rows=${[
      [t.messages.thread, html`<a href=${href('messages', { thread: message.thread })}>${message.thread}</a>`],
      [t.messages.replyTo, message.reply_to && html`<a href=${href('messages', { message: message.reply_to })}>${message.reply_to}</a>`],
      [t.messages.expires, message.expires_at && html`<${Ago} at=${message.expires_at} />`],
      [t.messages.wants, wants(message) || ''],
    ]} />
    <${Source} json=${message} command=${`coro-cli messages get ${message.number}`} /><//>`;
}

function create() {
  openDialog((close) => html`<${NewMessage} close=${close} />`);
}

/** @param {{close: () => void}} props */
function NewMessage({ close }) {
  const [busy, setBusy] = useState(false);
  const { data: agents } = useData((signal) => read('/api/instances', {}, signal), []);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [project, ...rest] = String(form.get('to')).split('/');
    setBusy(true);
    try {
      const sent = await change('POST', '/api/messages', { body: {
        to: rest.join('/'), project: session.value?.project ? undefined : project, text: String(form.get('text')),
        blocking: form.get('blocking') === 'on',
      } });
      forgetDrafts('message');
      notify(t.messages.sentNotice(sent.number));
      close();
    } catch (error) {
      notifyError(error);
      setBusy(false);
    }
  };
  return html`<${Modal} title=${t.messages.create} close=${close}><form class="modal-form" onSubmit=${submit}>
    <div class="modal-body">
      <label class="form-row"><span class="label">${t.messages.to}</span><span class="select"><select name="to" required>${(agents ?? []).map((/** @type {any} */ agent) => html`<option key=${agent.id} value=${`${agent.project}/${agent.name}`}>${agent.name}</option>`)}</select></span></label>
      <label class="form-row"><span class="label">${t.messages.text}</span><textarea class="input" name="text" required rows="5" data-autofocus ...${draft('message.text')}></textarea></label>
      <label class="check"><input type="checkbox" name="blocking" />${t.messages.blockingHelp}</label>
    </div>
    <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class="button primary" disabled=${busy || !agents?.length}>${t.messages.send}</button></footer>
  </form><//>`;
}
