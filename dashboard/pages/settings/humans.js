// Humans: who decides what is protected, and with what they unlock.

import { html, useState } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { changeAsHuman, human, isUnlocked, unlock } from '../../core/human.js';
import { addPasskey, passkeysWork } from '../../core/passkeys.js';
import { notify } from '../../core/store.js';
import { plain } from '../../core/plain.js';
import { session } from '../../core/session.js';
import { Ago } from '../../parts/time.js';
import { Confirm, Modal, openDialog } from '../../parts/dialog.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { Elsewhere, PASSPHRASE_MIN, Unlock } from '../../parts/unlock.js';
import { t } from '../../texts.js';

/** Who sees one project only has no entries of humans in their log, so they are asked for now and then, in milliseconds. */
const HUMANS_MS = 10_000;

/** @typedef {import('../../types/api.js').components['schemas']['Human']} Human */
/** @typedef {import('../../types/api.js').components['schemas']['Passkey']} Passkey */

export function Humans() {
  const { data, error, reload } = useData((signal) => read('/api/humans', {}, signal), [human.value?.name], { topics: ['coro.human.'], everyMs: HUMANS_MS });
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  /** @param {string} name */
  const begin = (name) => openDialog((close) => html`<${Unlock} name=${name} close=${close} then=${async () => reload()} />`);
  if (data.length === 0) {
    return html`<${Empty} icon="person" title=${t.humans.empty} text=${t.humans.emptyText}><button type="button" class="button primary" onClick=${() => begin('')}>${t.humans.first}</button><${Elsewhere} /><//>`;
  }
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t.settings.tabs.humans}>
    <div class="cards">${data.map((/** @type {Human} */ one) => html`<${Card} key=${one.name} one=${one} unlock=${() => begin(one.name)} reload=${reload} />`)}</div>
  </div>`;
}

/** @param {{one: Human, unlock: () => void, reload: () => void}} props */
function Card({ one, unlock, reload }) {
  const isOwner = session.value?.role === 'owner';
  const hasUnlocked = isUnlocked() && human.value?.name === one.name;
  const isMe = isOwner && hasUnlocked;
  const texts = t.humans;
  return html`<section class="card" aria-label=${plain(one.name, 80)}>
    <header><h2><${Plain} text=${one.name} max=${80} /></h2>${!hasUnlocked && html`<button type="button" class="button" onClick=${unlock}>${t.unlock.action}</button>`}</header>
    <ul class="card-list">
      <li><span class="grow">${t.unlock.passphrase}</span><span class="dim">${one.has_passphrase ? html`<${Ago} at=${one.changed_at} />` : t.none}</span>
        ${isMe && html`<button type="button" class="button ghost" onClick=${() => openDialog((close) => html`<${SetPassphrase} name=${one.name} close=${close} reload=${reload} />`)}>${one.has_passphrase ? texts.changePassphrase : texts.setPassphrase}</button>`}</li>
      ${(one.passkeys ?? []).map((passkey) => html`<${Row} key=${passkey.id} passkey=${passkey} isMe=${isMe} reload=${reload} />`)}
    </ul>
    <div class="card-body">
      ${isMe && passkeysWork() && html`<div class="bar"><button type="button" class="button" onClick=${() => openDialog((close) => html`<${AddPasskey} name=${one.name} close=${close} reload=${reload} />`)}>${t.passkeys.add}</button></div>`}
      ${isMe ? html`<${Elsewhere} />` : html`<p class="dim">${isOwner ? texts.locked : texts.ownerOnly}</p>`}
      <${Source} json=${one} command="coro-cli humans list" />
    </div>
  </section>`;
}

/** @param {{passkey: Passkey, isMe: boolean, reload: () => void}} props */
function Row({ passkey, isMe, reload }) {
  const name = plain(passkey.name, 80);
  const remove = () => openDialog((close) => html`<${Confirm} title=${t.passkeys.removeTitle(name)} action=${t.passkeys.remove} danger close=${close} run=${async () => {
    await changeAsHuman('DELETE', `/api/humans/passkeys/${encodeURIComponent(passkey.id)}`);
    notify(t.passkeys.removed(name));
    reload();
  }}><p>${t.passkeys.removeText}</p><//>`);
  return html`<li><span class="grow">${t.passkeys.one} <strong><${Plain} text=${passkey.name} max=${80} /></strong> <span class="dim"><${Plain} text=${passkey.relying_party} max=${80} /></span></span>
    <span class="dim">${passkey.last_used_at ? html`${t.passkeys.used} <${Ago} at=${passkey.last_used_at} />` : html`${t.passkeys.made} <${Ago} at=${passkey.made_at} />`}</span>
    ${isMe && html`<button type="button" class="button ghost" aria-label=${`${t.passkeys.remove}: ${name}`} onClick=${remove}>${t.passkeys.remove}</button>`}</li>`;
}

/** @param {{name: string, close: () => void, reload: () => void}} props */
function AddPasskey({ name, close, reload }) {
  return html`<${Asked} title=${t.passkeys.add} action=${t.passkeys.make} close=${close} run=${async (/** @type {FormData} */ form) => {
    const called = String(form.get('called') ?? '');
    await addPasskey(name, called);
    notify(t.passkeys.added(plain(called, 80)));
    reload();
  }}>
    <label class="form-row"><span class="label">${t.passkeys.name}</span><input class="input" name="called" required maxlength="100" autocomplete="off" data-autofocus /><p class="dim">${t.passkeys.nameHelp}</p></label><//>`;
}

/** @param {{name: string, close: () => void, reload: () => void}} props */
function SetPassphrase({ name, close, reload }) {
  return html`<${Asked} title=${t.humans.setPassphrase} action=${t.humans.set} close=${close} run=${async (/** @type {FormData} */ form) => {
    const passphrase = String(form.get('passphrase') ?? '');
    if (passphrase !== form.get('again')) throw new Error(t.unlock.differ);
    await changeAsHuman('POST', '/api/humans', { body: { name, passphrase } });
    // It has ended the human's sessions, this page's too.
    await unlock(name, passphrase);
    notify(t.humans.isSet);
    reload();
  }}>
    <p class="dim">${t.humans.setText(PASSPHRASE_MIN)}</p>
    <label class="form-row"><span class="label">${t.unlock.passphrase}</span><input class="input" type="password" name="passphrase" required minlength=${PASSPHRASE_MIN} autocomplete="new-password" data-autofocus /></label>
    <label class="form-row"><span class="label">${t.unlock.again}</span><input class="input" type="password" name="again" required autocomplete="new-password" /></label><//>`;
}

/**
 * A dialog with fields, which stays with what is typed where it fails.
 * @param {{title: string, action: string, close: () => void, run: (form: FormData) => Promise<unknown>, children?: any}} props
 */
function Asked({ title, action, close, run, children }) {
  const [wrong, setWrong] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setBusy(true);
    setWrong(null);
    try {
      await run(form);
      close();
    } catch (problem) {
      setWrong(problem);
      setBusy(false);
    }
  };
  return html`<${Modal} title=${title} close=${close}>
    <form class="modal-form" onSubmit=${submit}>
      <div class="modal-body">${wrong && html`<${Failure} error=${wrong} />`}${children}</div>
      <footer class="modal-foot"><button type="button" class="button" onClick=${close}>${t.cancel}</button><button type="submit" class="button primary" disabled=${busy}>${action}</button></footer>
    </form>
  <//>`;
}
