// Every page and every filter has a URL: the path names the page, the query
// all the rest.

import { batch, computed, signal } from './html.js';

const at = signal(location.pathname + location.search);

window.addEventListener('popstate', () => {
  at.value = location.pathname + location.search;
});

/** The page's id, the first segment of the path. */
export const page = computed(() => at.value.split('?')[0]?.split('/')[1] || 'now');

/** The filters. */
export const query = computed(() => new URLSearchParams(at.value.split('?')[1] ?? ''));

/**
 * Goes to a URL of ours.
 * @param {string} url
 * @param {{replace?: boolean}} [options]
 */
export function go(url, options = {}) {
  const to = new URL(url, location.origin);
  if (to.origin !== location.origin) return;
  const text = to.pathname + to.search;
  if (text === at.value) return;
  history[options.replace ? 'replaceState' : 'pushState'](null, '', text);
  batch(() => {
    at.value = text;
  });
}

/**
 * A URL of a page; filters without a value are left out.
 * @param {string} name
 * @param {Record<string, string | number | null | undefined>} [filters]
 */
export function href(name, filters = {}) {
  const params = new URLSearchParams();
  for (const [filter, value] of Object.entries(filters)) {
    if (value !== undefined && value !== null && value !== '') params.set(filter, String(value));
  }
  // Slashes are allowed in a query, and readable.
  const text = params.toString().replaceAll('%2F', '/');
  return `/${name === 'now' ? '' : name}${text ? '?' + text : ''}`;
}

/**
 * Changes some filters of this page and keeps the others.
 * @param {Record<string, string | number | null | undefined>} filters
 * @param {{replace?: boolean}} [options]
 */
export function setQuery(filters, options) {
  const all = { ...Object.fromEntries(query.value), ...filters };
  go(href(page.value, all), options);
}

/**
 * A filter of this page; empty where it is not set.
 * @param {string} name
 */
export function filter(name) {
  return query.value.get(name) ?? '';
}

// Links of ours change the page without loading it again.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const url = link?.getAttribute('href');
  if (!url?.startsWith('/') || link?.hasAttribute('download') || link?.target) return;
  event.preventDefault();
  go(url);
});
