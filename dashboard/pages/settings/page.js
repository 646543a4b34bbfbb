// Settings: who may call, who decides, how clients are set up, how the server is.

import { html } from '../../core/html.js';
import { filter, href } from '../../core/router.js';
import { Page, Tabs } from '../../parts/layout.js';
import { Clients } from './clients.js';
import { Humans } from './humans.js';
import { Server } from './server.js';
import { NewTokenButton, Tokens } from './tokens.js';
import { t } from '../../texts.js';

/** @type {Record<string, () => any>} */
const VIEWS = { tokens: Tokens, humans: Humans, clients: Clients, server: Server };

export default function Settings() {
  const tab = filter('tab') in VIEWS ? filter('tab') : 'tokens';
  const View = VIEWS[tab];
  const tabs = Object.keys(VIEWS).map((id) => ({ id, title: t.settings.tabs[/** @type {'tokens'} */ (id)], href: href('settings', { tab: id === 'tokens' ? '' : id }) }));
  return html`<${Page} title=${t.pages.settings} tools=${tab === 'tokens' && html`<${NewTokenButton} />`}>
    <${Tabs} label=${t.pages.settings} tabs=${tabs} chosen=${tab} />
    <${View} key=${tab} />
  <//>`;
}
