// Passkeys: the browser asks the authenticator, with what the server gives.

import { change } from './api.js';
import { changeAsHuman, human } from './human.js';
import { session } from './session.js';
import { t } from '../texts.js';

/** @typedef {import('../types/api.js').components['schemas']['Human']} Human */

/** Whether this page, in this browser, can make and use passkeys. */
export function passkeysWork() {
  return isAt() && isSecureContext && 'PublicKeyCredential' in window && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
}

/** How to get to where passkeys work; empty where they do. */
export function passkeysElsewhere() {
  if (passkeysWork()) return '';
  const there = session.value?.passkeys_at;
  if (!there) return t.passkeys.noName;
  return isAt() ? t.passkeys.oldBrowser : t.passkeys.elsewhere(there);
}

/**
 * Whether a human can unlock this page with a passkey.
 * @param {Human | undefined} who
 */
export function hasPasskeyHere(who) {
  return passkeysWork() && (who?.passkeys ?? []).some((one) => one.relying_party === location.hostname);
}

/**
 * Makes a passkey; the first human is made with it and has unlocked.
 * @param {string} whose
 * @param {string} name
 */
export async function addPasskey(whose, name) {
  const asked = await changeAsHuman('POST', '/api/humans/passkeys/options', { body: { human: whose } });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
  const credential = await answer(() => navigator.credentials.create({ publicKey }));
  const added = await changeAsHuman('POST', '/api/humans/passkeys', { body: { name, credential } });
  if (added.unlocked) human.value = added.unlocked;
}

/** @param {string} whose Empty where there is one human only. */
export async function unlockWithPasskey(whose) {
  const asked = await change('POST', '/api/humans/unlock/options', { body: { name: whose || undefined } });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
  const credential = await answer(() => navigator.credentials.get({ publicKey }));
  human.value = await change('POST', '/api/humans/unlock/passkey', { body: { credential } });
}

/**
 * What the authenticator answers, as JSON; what the browser says is in words
 * of its makers and tells little.
 * @param {() => Promise<Credential | null>} ask
 */
async function answer(ask) {
  try {
    const credential = /** @type {PublicKeyCredential | null} */ (await ask());
    if (credential) return credential.toJSON();
  } catch (error) {
    const isKnown = error instanceof DOMException && error.name === 'InvalidStateError';
    throw new Error(isKnown ? t.passkeys.known : t.passkeys.cancelled);
  }
  throw new Error(t.passkeys.cancelled);
}

function isAt() {
  return session.value?.passkeys_at === location.origin;
}
