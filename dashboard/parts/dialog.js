// Dialogs keep the focus inside and give it back where it came from. The
// browser's own `<dialog>` does the first.

import { html, useEffect, useId, useRef, useState } from '../core/html.js';
import { notifyError, overlay } from '../core/store.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

/** @param {{title: string, close: () => void, children?: any, class?: string, bare?: boolean}} props */
export function Modal({ title, close, children, class: name = '', bare = false }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const shown = dialog.current;
    shown?.showModal();
    /** @type {HTMLElement | null | undefined} */ (shown?.querySelector('[data-autofocus]'))?.focus();
    return () => {
      shown?.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  /** @param {MouseEvent} event */
  const outside = (event) => {
    if (event.target === dialog.current) close();
  };
  return html`<dialog ref=${dialog} class=${`modal ${name}`} aria-labelledby=${id} onClick=${outside}
    onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); close(); }}>
    <div class="modal-inside">
      ${bare
        ? html`<h2 id=${id} class="hidden-text">${title}</h2>`
        : html`<header class="modal-head"><h2 id=${id}>${title}</h2>
            <button type="button" class="button ghost square" aria-label=${t.close} onClick=${close}><${Icon} name="cross" /></button></header>`}
      ${children}
    </div>
  </dialog>`;
}

/**
 * Asks before something is done, and shows what.
 * @param {{title: string, children?: any, action: string, danger?: boolean, ready?: boolean, close: () => void, run: () => Promise<unknown>}} props
 */
export function Confirm({ title, children, action, danger = false, ready = true, close, run }) {
  const [busy, setBusy] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy || !ready) return;
    setBusy(true);
    try {
      await run();
      close();
    } catch (error) {
      notifyError(error);
      setBusy(false);
    }
  };
  return html`<${Modal} title=${title} close=${close}>
    <form onSubmit=${submit} class="modal-form">
      <div class="modal-body">${children}</div>
      <footer class="modal-foot">
        <button type="button" class="button" onClick=${close}>${t.cancel}</button>
        <button type="submit" class=${`button ${danger ? 'danger' : 'primary'}`} disabled=${busy || !ready} data-autofocus=${danger ? undefined : true}>${action}</button>
      </footer>
    </form>
  <//>`;
}

/** @param {(close: () => void) => any} view */
export function openDialog(view) {
  overlay.value = { view };
}
