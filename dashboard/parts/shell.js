// The frame around every page: where to go, whether it is live, who is here.

import { html, useEffect, useState } from '../core/html.js';
import { read } from '../core/api.js';
import { useData } from '../core/data.js';
import { page, href, go } from '../core/router.js';
import { register } from '../core/keys.js';
import { openPalette } from '../core/palette.js';
import { gap, revision, state } from '../core/live.js';
import { dismiss, notices, overlay, theme } from '../core/store.js';
import { session, signOut } from '../core/session.js';
import { pages } from '../pages/index.js';
import { Help } from './help.js';
import { Figure } from './figure.js';
import { Icon } from './icon.js';
import { Plain } from './plain.js';
import { focusTable } from './table.js';
import { Failure, Loading } from './empty.js';
import { t } from '../texts.js';

/** From here on they are not counted. */
const WAITING_MAX = 100;

/** @type {Map<string, any>} */
const loaded = new Map();

export function Shell() {
  useEffect(() => register([
    { keys: 'Mod+k', text: t.keys.palette, group: t.keys.everywhere, run: openPalette },
    { keys: '?', text: t.keys.help, group: t.keys.everywhere, run: openHelp },
    { keys: 't', text: t.keys.theme, group: t.keys.everywhere, run: nextTheme },
    { keys: 'l', text: t.keys.list, group: t.keys.lists, run: focusTable },
    ...pages.map((one) => ({ keys: `g ${one.key}`, text: one.title, group: t.keys.go, run: () => go(href(one.id)) })),
  ]), []);
  const over = overlay.value;
  return html`<div class="shell">
    <a class="skip" href="#main" onClick=${skip}>${t.shell.skip}</a>
    <${Side} />
    <main id="main" tabindex="-1">
      ${session.value?.demo && html`<p class="demo">${t.shell.demo}</p>`}
      ${gap.value > 0 && html`<p class="note gap">${t.shell.gap(gap.value)} <button type="button" class="button ghost" onClick=${() => { gap.value = 0; }}>${t.close}</button></p>`}
      <${Current} />
    </main>
    <${Notices} />
    ${over && over.view(() => { overlay.value = null; })}
  </div>`;
}

function Side() {
  return html`<div class="side">
    <header class="side-head">
      <a class="brand" href="/"><img src="/icon.svg" alt="" width="22" height="22" />Coro</a>
      <button type="button" class="button ghost square" aria-label=${t.palette.title} title=${`${t.palette.title} (Ctrl K)`} onClick=${openPalette}><${Icon} name="search" /></button>
    </header>
    <nav class="side-nav" aria-label=${t.shell.pages}>
      ${pages.map((one) => html`<a key=${one.id} href=${href(one.id)} aria-current=${page.value === one.id ? 'page' : undefined} title=${`${one.title} (g ${one.key})`}>
        <${Icon} name=${one.icon} /><span class="side-text">${one.title}</span>${one.id === 'requests' && html`<${Waiting} />`}</a>`)}
    </nav>
    <footer class="side-foot">
      <${Live} />
      <div class="side-who">
        <span class="side-name" title=${t.shell.who(session.value?.role ?? '')}><${Icon} name="person" /><span class="side-text"><${Plain} text=${session.value?.name} max=${40} /></span></span>
        <button type="button" class="button ghost square" aria-label=${t.shell.theme(theme.value)} title=${t.shell.theme(theme.value)} onClick=${nextTheme}><${Icon} name="theme" /></button>
        <button type="button" class="button ghost square" aria-label=${t.keys.help} title=${`${t.keys.help} (?)`} onClick=${openHelp}><${Icon} name="help" /></button>
        <button type="button" class="button ghost square" aria-label=${t.session.signOut} title=${t.session.signOut} onClick=${signOut}><${Icon} name="out" /></button>
      </div>
    </footer>
  </div>`;
}

/** How many requests wait for a decision. */
function Waiting() {
  const { data } = useData((signal) => read('/api/requests', { status: 'waiting', limit: WAITING_MAX }, signal), [], { topics: ['coro.request.'] });
  if (!data?.length) return '';
  return html`<span class="pill"><${Figure} of="/api/requests?status=waiting#" value=${data.length}>${data.length < WAITING_MAX ? data.length : `${WAITING_MAX - 1}+`}<//><span class="hidden-text"> ${t.shell.waiting}</span></span>`;
}

function Live() {
  const word = state.value;
  return html`<div class=${`live live-${word}`} title=${t.shell.liveTitle}>
    <span class="live-dot" aria-hidden="true"></span>
    <span role="status" class="live-word">${t.live[word] ?? word}</span>
    <span class="mono dim live-revision" title=${t.shell.revision}><${Figure} of="/api/metrics#/last_event_id" value=${revision.value}>${revision.value}<//></span>
  </div>`;
}

function Current() {
  const id = page.value;
  const entry = pages.find((one) => one.id === id);
  const [, draw] = useState(0);
  const [failed, fail] = useState(/** @type {any} */ (null));
  useEffect(() => {
    document.title = entry ? `${entry.title} · Coro` : 'Coro';
    fail(null);
    if (!entry || loaded.has(id)) return;
    entry.load().then((module) => {
      loaded.set(id, module.default);
      draw((count) => count + 1);
    }, fail);
  }, [id]);
  useEffect(() => state.subscribe((word) => {
    // The server is back: what could not be loaded can be now.
    if (word === 'live' && failed) location.reload();
  }), [failed]);
  if (!entry) return html`<div class="page"><div class="empty"><h1>${t.shell.noPage}</h1><p><a href="/">${pages[0]?.title}</a></p></div></div>`;
  const View = loaded.get(id);
  if (failed) return html`<${Failure} error=${{ message: t.shell.notLoaded, next: String(failed.message ?? failed) }} retry=${() => location.reload()} />`;
  return View ? html`<${View} key=${id} />` : html`<${Loading} />`;
}

function Notices() {
  return html`<div class="notices" role="region" aria-label=${t.shell.notices} aria-live="polite">
    ${notices.value.map((notice) => html`<div key=${notice.id} class=${`notice notice-${notice.kind}`} role=${notice.kind === 'error' ? 'alert' : undefined}>
      <${Icon} name=${notice.kind === 'error' ? 'warning' : 'check'} />
      <div><p>${notice.text}</p>${notice.next && html`<p class="dim">${notice.next}</p>`}</div>
      <button type="button" class="button ghost square" aria-label=${t.close} onClick=${() => dismiss(notice.id)}><${Icon} name="cross" /></button>
    </div>`)}
  </div>`;
}

function nextTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const isDark = theme.value === 'dark' || (theme.value === 'system' && dark);
  theme.value = isDark ? 'light' : 'dark';
}

function openHelp() {
  overlay.value = { view: (close) => html`<${Help} close=${close} />` };
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
