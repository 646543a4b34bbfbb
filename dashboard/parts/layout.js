// The frame of a page: a head with title and filters, a list, and beside it
// the detail of what is chosen. Where there is no room the detail covers the list.

import { html, useEffect, useRef } from '../core/html.js';
import { useKeys } from '../core/keys.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

/**
 * `figure` says where the API answers the number in `count`.
 * @param {{title: string, count?: any, figure?: string, tools?: any, children?: any}} props
 */
export function Page({ title, count, figure, tools, children }) {
  return html`<div class="page">
    <header class="page-head">
      <h1>${title}</h1>
      ${count !== undefined && html`<span class="count" data-figure=${figure}>${count}</span>`}
      <div class="page-tools">${tools}</div>
    </header>
    ${children}
  </div>`;
}

/** @param {{children?: any, detail?: any}} props */
export function Split({ children, detail }) {
  return html`<div class=${`split ${detail ? 'has-detail' : ''}`}>
    <div class="split-list">${children}</div>
    ${detail}
  </div>`;
}

/** @param {{title: any, label: string, sub?: any, tools?: any, close: () => void, children?: any}} props */
export function Detail({ title, label, sub, tools, close, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useKeys([{ keys: 'Escape', text: t.keys.closeDetail, group: t.keys.lists, run: close }], [close]);
  useEffect(() => {
    // Beside the list the focus stays there; above it, it comes along.
    if (box.current && getComputedStyle(box.current).position === 'absolute') box.current.focus();
  }, []);
  return html`<section class="detail" aria-label=${label} tabindex="-1" ref=${box}>
    <header class="detail-head">
      <div class="detail-title"><h2>${title}</h2>${sub && html`<div class="detail-sub dim">${sub}</div>`}</div>
      <div class="detail-tools">${tools}
        <button type="button" class="button ghost square" aria-label=${t.close} title=${`${t.close} (Esc)`} onClick=${close}><${Icon} name="cross" /></button>
      </div>
    </header>
    <div class="detail-body">${children}</div>
  </section>`;
}

/**
 * Names and values.
 * @param {{rows: [string, any][]}} props
 */
export function Facts({ rows }) {
  return html`<dl class="facts">${rows.filter(([, value]) => value !== undefined && value !== '' && value !== null).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/**
 * Links between the views of one thing; each has a URL.
 * @param {{label: string, tabs: {id: string, title: any, href: string}[], chosen: string}} props
 */
export function Tabs({ label, tabs, chosen }) {
  return html`<nav class="tabs" aria-label=${label}>${tabs.map((tab) => html`<a key=${tab.id} href=${tab.href} aria-current=${tab.id === chosen ? 'page' : undefined}>${tab.title}</a>`)}</nav>`;
}
