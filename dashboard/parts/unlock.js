// Unlocks the page for decisions that only a human makes. At first use the
// passphrase is set here.

import { html, useState } from '../core/html.js';
import { change, read } from '../core/api.js';
import { useData } from '../core/data.js';
import { unlock } from '../core/human.js';
import { plain } from '../core/plain.js';
import { Modal } from './dialog.js';
import { Failure, Loading } from './empty.js';
import { Ago } from './time.js';
import { t } from '../texts.js';

/** The shortest passphrase that the server takes, in characters. */
const PASSPHRASE_MIN = 10;

/** @param {{close: () => void, children?: any, then?: () => Promise<unknown>}} props */
export function Unlock({ close, children, then }) {
  const { data: humans, error } = useData((signal) => read('/api/humans', {}, signal), []);
  const [wrong, setWrong] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const first = humans?.length === 0;
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [name, passphrase, again] = ['name', 'passphrase', 'again'].map((field) => String(form.get(field) ?? ''));
    if (first && passphrase !== again) {
      setWrong({ message: t.unlock.differ });
      return;
    }
    setBusy(true);
    setWrong(null);
    try {
      if (first) await change('POST', '/api/humans', { body: { name, passphrase } });
      await unlock(name ?? '', passphrase ?? '');
      await then?.();
      close();
    } catch (problem) {
      setWrong(problem);
      setBusy(false);
    }
  };
  return html`<${Modal} title=${first ? t.unlock.firstTitle : t.unlock.title} close=${close}>
    <form class="modal-form" onSubmit=${submit}>
      <div class="modal-body">
        ${children}
        ${error && html`<${Failure} error=${error} />`}
        ${wrong && html`<${Failure} error=${wrong} />`}
        ${!humans && !error && html`<${Loading} />`}
        ${humans && html`<p class="dim">${first ? t.unlock.firstText : t.unlock.text}</p>`}
        ${humans?.filter((/** @type {any} */ one) => one.reset_at).map((/** @type {any} */ one) => html`<p key=${one.name} class="dim reset">${t.unlock.wasReset(plain(one.name, 80))} <${Ago} at=${one.reset_at} /></p>`)}
        ${first && html`<label class="form-row"><span class="label">${t.unlock.name}</span><input class="input" name="name" required autocomplete="username" data-autofocus /></label>`}
        ${humans?.length > 1 && html`<label class="form-row"><span class="label">${t.unlock.name}</span><span class="select"><select name="name">${humans.map((/** @type {any} */ one) => html`<option key=${one.name} value=${one.name}>${plain(one.name, 80)}</option>`)}</select></span></label>`}
        ${humans && html`<label class="form-row"><span class="label">${t.unlock.passphrase}</span><input class="input" type="password" name="passphrase" required minlength=${first ? PASSPHRASE_MIN : undefined} autocomplete=${first ? 'new-password' : 'current-password'} ref=${focusOnce} /></label>`}
        ${first && html`<label class="form-row"><span class="label">${t.unlock.again}</span><input class="input" type="password" name="again" required autocomplete="new-password" /></label>`}
      </div>
      <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class="button primary" disabled=${busy || !humans}>${first ? t.unlock.firstAction : t.unlock.action}</button></footer>
    </form>
  <//>`;
}

/** @param {HTMLInputElement | null} input */
function focusOnce(input) {
  // The list of humans came after the dialog.
  if (input && !input.form?.contains(document.activeElement)) input.focus();
}
