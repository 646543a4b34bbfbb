// Each object shows its JSON, and the command that shows the same.

import { html, useState } from '../core/html.js';
import { Command } from './empty.js';
import { Copy } from './copy.js';
import { JsonTree } from './json.js';
import { t } from '../texts.js';

/** @param {{json?: unknown, command?: string}} props */
export function Source({ json, command }) {
  const [open, setOpen] = useState(false);
  return html`<div class="source" role="group" aria-label=${t.source.title}>
    ${command && html`<h3 class="label">${t.source.cli}</h3>`}
    <div class="source-row">
      ${command && html`<${Command} text=${command} />`}
      ${json !== undefined && html`<button type="button" class="button" aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)}>${t.source.json}</button>`}
      ${open && html`<${Copy} text=${() => JSON.stringify(json, null, 2)} label=${t.copy.json} />`}
    </div>
    ${open && html`<div class="well"><${JsonTree} value=${json} /></div>`}
  </div>`;
}
