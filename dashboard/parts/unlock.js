// Unlocks the page for decisions that only a human makes. At first use the
// passkey or the passphrase is set here.

import { html, useState } from '../core/html.js';
import { change, read } from '../core/api.js';
import { useData } from '../core/data.js';
import { unlock } from '../core/human.js';
import { addPasskey, hasPasskeyHere, passkeysElsewhere, passkeysWork, unlockWithPasskey } from '../core/passkeys.js';
import { plain } from '../core/plain.js';
import { Modal } from './dialog.js';
import { Failure, Loading } from './empty.js';
import { Ago } from './time.js';
import { t } from '../texts.js';

/** The shortest passphrase that the server takes, in characters. */
export const PASSPHRASE_MIN = 10;

/** @typedef {import('../types/api.js').components['schemas']['Human']} Human */

/**
 * `name` is who is chosen at first.
 * @param {{name?: string, close: () => void, children?: any, then?: () => Promise<unknown>}} props
 */
export function Unlock({ name = '', close, children, then }) {
  const { data: humans, error } = useData((signal) => read('/api/humans', {}, signal), []);
  const [wrong, setWrong] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  /** @param {() => Promise<unknown>} prove */
  const attempt = async (prove) => {
    setBusy(true);
    setWrong(null);
    try {
      await prove();
      await then?.();
      close();
    } catch (problem) {
      setWrong(problem);
      setBusy(false);
    }
  };
  const inside = html`${children}${wrong && html`<${Failure} error=${wrong} />`}`;
  return html`<${Modal} title=${humans?.length === 0 ? t.unlock.firstTitle(passkeysWork()) : t.unlock.title} close=${close}>
    ${humans
      ? humans.length === 0
        ? html`<${First} attempt=${attempt} setWrong=${setWrong} busy=${busy} close=${close}>${inside}<//>`
        : html`<${Known} humans=${humans} first=${name} attempt=${attempt} busy=${busy} close=${close}>${inside}<//>`
      : html`<div class="modal-body">${children}${error ? html`<${Failure} error=${error} />` : html`<${Loading} />`}</div>`}
  <//>`;
}

/**
 * @typedef {object} FormProps
 * @property {(prove: () => Promise<unknown>) => void} attempt
 * @property {boolean} busy
 * @property {() => void} close
 * @property {any} [children]
 */

/**
 * Whoever comes first makes themselves.
 * @param {FormProps & {setWrong: (wrong: {message: string}) => void}} props
 */
function First({ attempt, setWrong, busy, close, children }) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const [name = '', passphrase = '', again] = fields(event, ['name', 'passphrase', 'again']);
    if (passphrase !== again) {
      setWrong({ message: t.unlock.differ });
      return;
    }
    attempt(async () => {
      await change('POST', '/api/humans', { body: { name, passphrase } });
      await unlock(name, passphrase);
    });
  };
  /** @param {MouseEvent} event */
  const make = (event) => {
    const form = /** @type {HTMLButtonElement} */ (event.currentTarget).form;
    const name = /** @type {HTMLInputElement | null} */ (form?.elements.namedItem('name') ?? null);
    if (name?.reportValidity()) attempt(() => addPasskey(name.value, t.passkeys.firstName));
  };
  return html`<form class="modal-form" onSubmit=${submit}>
    <div class="modal-body">
      ${children}
      <p class="dim">${t.unlock.firstText(PASSPHRASE_MIN)}</p>
      <label class="form-row"><span class="label">${t.unlock.name}</span><input class="input" name="name" required autocomplete="username" ref=${focusOnce} /></label>
      ${passkeysWork() && html`<div class="form-row"><button type="button" class="button primary" disabled=${busy} onClick=${make}>${t.passkeys.make}</button><p class="dim">${t.passkeys.makeHelp}</p></div>`}
      <label class="form-row"><span class="label">${t.unlock.passphrase}</span><input class="input" type="password" name="passphrase" required minlength=${PASSPHRASE_MIN} autocomplete="new-password" /></label>
      <label class="form-row"><span class="label">${t.unlock.again}</span><input class="input" type="password" name="again" required autocomplete="new-password" /></label>
      <${Elsewhere} />
    </div>
    <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class=${`button ${passkeysWork() ? '' : 'primary'}`} disabled=${busy}>${t.unlock.firstAction}</button></footer>
  </form>`;
}

/** @param {FormProps & {humans: Human[], first: string}} props */
function Known({ humans, first, attempt, busy, close, children }) {
  const [name, setName] = useState(first || (humans[0]?.name ?? ''));
  const who = humans.find((one) => one.name === name);
  const withPasskey = hasPasskeyHere(who);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const [passphrase = ''] = fields(event, ['passphrase']);
    attempt(() => unlock(name, passphrase));
  };
  return html`<form class="modal-form" onSubmit=${submit}>
    <div class="modal-body">
      ${children}
      <p class="dim">${t.unlock.text}</p>
      ${humans.filter((one) => one.reset_at).map((one) => html`<p key=${one.name} class="dim reset">${t.unlock.wasReset(plain(one.name, 80))} <${Ago} at=${one.reset_at} /></p>`)}
      ${humans.length > 1 && html`<label class="form-row"><span class="label">${t.unlock.name}</span><span class="select"><select name="name" value=${name} onChange=${(/** @type {any} */ event) => setName(event.target.value)}>${humans.map((one) => html`<option key=${one.name} value=${one.name}>${plain(one.name, 80)}</option>`)}</select></span></label>`}
      ${withPasskey && html`<div class="form-row"><button type="button" class="button primary" disabled=${busy} ref=${focusOnce} onClick=${() => attempt(() => unlockWithPasskey(name))}>${t.passkeys.use}</button></div>`}
      ${who?.has_passphrase && html`<label class="form-row" key="passphrase"><span class="label">${t.unlock.passphrase}</span><input class="input" type="password" name="passphrase" required autocomplete="current-password" ref=${withPasskey ? undefined : focusOnce} /></label>`}
      ${!who?.has_passphrase && !withPasskey && html`<p class="note">${t.passkeys.onlyThere(places(who))}</p>`}
      <${Elsewhere} />
    </div>
    <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button>${who?.has_passphrase && html`<button type="submit" class=${`button ${withPasskey ? '' : 'primary'}`} disabled=${busy}>${t.unlock.action}</button>`}</footer>
  </form>`;
}

/** How to get passkeys, where this page has none. */
export function Elsewhere() {
  const where = passkeysElsewhere();
  return where && html`<p class="dim">${where}</p>`;
}

/** @param {Human | undefined} who */
function places(who) {
  return [...new Set((who?.passkeys ?? []).map((one) => plain(one.relying_party, 80)))].join(', ');
}

/**
 * @param {SubmitEvent} event
 * @param {string[]} names
 * @returns {string[]}
 */
function fields(event, names) {
  const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
  return names.map((name) => String(form.get(name) ?? ''));
}

/** @param {HTMLElement | null} field */
function focusOnce(field) {
  // The list of humans came after the dialog.
  const form = field?.closest('form');
  if (field && !form?.contains(document.activeElement)) field.focus();
}
