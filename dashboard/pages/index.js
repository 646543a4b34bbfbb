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
  { id: 'tasks', title: t.pages.tasks, icon: 'tasks', key: 't', load: () => import('./tasks/page.js') },
  { id: 'requests', title: t.pages.requests, icon: 'requests', key: 'r', load: () => import('./requests/page.js') },
  { id: 'state', title: t.pages.state, icon: 'state', key: 's', load: () => import('./state/page.js') },
  { id: 'events', title: t.pages.events, icon: 'events', key: 'e', load: () => import('./events/page.js') },
  { id: 'leases', title: t.pages.leases, icon: 'leases', key: 'l', load: () => import('./leases/page.js') },
  { id: 'messages', title: t.pages.messages, icon: 'messages', key: 'm', load: () => import('./messages/page.js') },
  { id: 'settings', title: t.pages.settings, icon: 'settings', key: ',', load: () => import('./settings/page.js') },
];
