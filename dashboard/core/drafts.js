// What somebody types and has not sent yet. It outlives a session that ends and
// the sign-in after it, in this tab only; secrets are never kept here.

const PREFIX = 'coro.draft.';

/** The longest text that is kept, in characters. */
const DRAFT_MAX = 100_000;

/**
 * Properties of a field whose text is kept under a name until it is forgotten.
 * @param {string} name
 */
export function draft(name) {
  return {
    defaultValue: kept(name),
    onInput: (/** @type {Event} */ event) => keep(name, /** @type {HTMLInputElement} */ (event.currentTarget).value),
  };
}

/**
 * They were sent: the text of a name and those below it, such as `task.title`
 * below `task`, are forgotten; without a name all are.
 * @param {string} [name]
 */
export function forgetDrafts(name) {
  const below = name === undefined ? PREFIX : `${PREFIX}${name}.`;
  try {
    for (const one of Object.keys(sessionStorage)) {
      if (one === PREFIX + name || one.startsWith(below)) sessionStorage.removeItem(one);
    }
  } catch {
    // A browser without storage keeps none.
  }
}

/**
 * A text that was kept; empty where there is none.
 * @param {string} name
 */
export function kept(name) {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    if (text && text.length <= DRAFT_MAX) sessionStorage.setItem(PREFIX + name, text);
    else sessionStorage.removeItem(PREFIX + name);
  } catch {
    // Full, or without storage: the field has it still.
  }
}
