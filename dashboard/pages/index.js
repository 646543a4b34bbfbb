// Every page: one line each, in the order of the menu. To add a page, make a
// folder with a `page.js` that exports a component as default, and its line.

import { t } from '../texts.js';

/**
 * @typedef {object} PageEntry
 * @property {string} id The first segment of its URL.
 * @property {string} title
 * @property {string} icon A name of `parts/icon.js`.
 * @property {string} key Opens it after `g`.
 * @property {() => Promise<{default: any}>} load
 */

/** @type {PageEntry[]} */
export const pages = [
  { id: 'now', title: t.pages.now, icon: 'now', key: 'n', load: () => import('./now/page.js') },
  { id: 'agents', title: t.pages.agents, icon: 'agents', key: 'a', load: () => import('./agents/page.js') },
  { id: 'state', title: t.pages.state, icon: 'state', key: 's', load: () => import('./state/page.js') },
  { id: 'events', title: t.pages.events, icon: 'events', key: 'e', load: () => import('./events/page.js') },
  { id: 'settings', title: t.pages.settings, icon: 'settings', key: ',', load: () => import('./settings/page.js') },
];
