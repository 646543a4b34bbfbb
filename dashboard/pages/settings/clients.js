// What to copy into the files of each MCP client, from the one table.

import { html } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { filter, href, setQuery } from '../../core/router.js';
import { Tag } from '../../parts/badge.js';
import { Copy } from '../../parts/copy.js';
import { Command, Failure, Loading } from '../../parts/empty.js';
import { Detail, Split } from '../../parts/layout.js';
import { Marked } from '../../parts/marked.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Table } from '../../parts/table.js';
import { t } from '../../texts.js';

/** @typedef {import('../../types/api.js').components['schemas']['ClientSetups']} ClientSetups */
/** @typedef {import('../../types/api.js').components['schemas']['ClientSetup']} ClientSetup */
/** @typedef {import('../../types/api.js').components['schemas']['ClientSnippet']} ClientSnippet */

export function Clients() {
  const chosen = filter('client');
  const { data, error, reload } = useData((signal) => read('/api/clients', {}, signal), []);
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  const setups = /** @type {ClientSetups} */ (data);
  const client = setups.clients.find((one) => one.id === chosen);
  const close = () => setQuery({ client: '' });
  /** @param {ClientSetup} row */
  const open = (row) => setQuery({ client: row.id }, { replace: Boolean(chosen) });
  return html`<${Split} detail=${client && html`<${ClientDetail} key=${client.id} client=${client} setups=${setups} close=${close} />`}>
    <p class="crumbs dim">${t.settings.clients.text} <code>${setups.url}/mcp</code></p>
    <${Table} label=${t.settings.tabs.clients} rows=${setups.clients} columns=${COLUMNS} rowKey=${(/** @type {ClientSetup} */ row) => row.id} selected=${chosen || null}
      onOpen=${open} onSelect=${(/** @type {ClientSetup} */ row) => chosen && open(row)} />
  <//>`;
}

/** @type {import('../../parts/table.js').Column<ClientSetup>[]} */
const COLUMNS = [
  { id: 'name', title: t.settings.clients.name, width: 'minmax(120px, 1fr)', cell: (row) => html`<strong>${row.name}</strong>` },
  { id: 'file', title: t.settings.clients.file, width: 'minmax(140px, 2fr)', cell: (row) => html`<span class="mono">${row.snippets[0]?.file}</span>` },
  { id: 'whose', title: t.settings.clients.whose, width: 'minmax(90px, 1fr)', from: 560, cell: (row) => html`<span class="dim">${row.snippets[0]?.committed ? t.settings.clients.committed : t.settings.clients.own}</span>` },
];

/** @param {{client: ClientSetup, setups: ClientSetups, close: () => void}} props */
function ClientDetail({ client, setups, close }) {
  const texts = t.settings.clients;
  return html`<${Detail} title=${client.name} label=${client.name} close=${close}
    sub=${client.confirmed ? '' : html`<${Tag} tone="warn">${texts.unconfirmed}<//>`}>
    ${client.snippets.map((snippet) => html`<${Snippet} key=${snippet.transport} snippet=${snippet} placeholder=${setups.token_placeholder} />`)}
    ${client.approve && html`<section><h3 class="label">${texts.approve}</h3><p class="marked"><${Marked} text=${client.approve} /></p></section>`}
    ${client.check && html`<section><h3 class="label">${texts.check}</h3><p class="marked"><${Marked} text=${client.check} /></p></section>`}
    <section><h3 class="label">${texts.token}</h3><p class="marked">${texts.tokenText} <a href=${href('settings')}>${t.settings.tabs.tokens}</a></p>
      <${Command} text=${`export ${setups.token_variable}=…`} /></section>
    <${Source} json=${client} command=${`coro-cli clients ${client.id}`} />
  <//>`;
}

/** @param {{snippet: ClientSnippet, placeholder: string}} props */
function Snippet({ snippet, placeholder }) {
  const texts = t.settings.clients;
  const name = texts.transports[snippet.transport] ?? snippet.transport;
  const note = snippet.needs_token ? texts.needsToken(placeholder) : snippet.committed ? texts.committedText : texts.ownText;
  return html`<section class="snippet" aria-label=${name}>
    <div class="bar"><h3>${name}</h3><span class="spread"><${Copy} text=${snippet.text} label=${texts.copy(snippet.file)} small=${false} shown=${t.copy.text} /></span></div>
    <p class="dim"><code class="file"><${Plain} text=${snippet.file} max=${200} /></code> ${note}</p>
    <pre class="well" tabindex="0" role="region" aria-label=${`${snippet.file}, ${snippet.transport}`}>${snippet.text}</pre>
  </section>`;
}
