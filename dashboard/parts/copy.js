// Copies a text, and says so.

import { html, useState } from '../core/html.js';
import { notifyError } from '../core/store.js';
import { Icon } from './icon.js';
import { t } from '../texts.js';

/** How long it says that it was copied, in milliseconds. */
const SAID_MS = 1500;

/**
 * A small one is an icon; otherwise `shown` is the word beside it.
 * @param {{text: string | (() => Promise<string> | string), label: string, small?: boolean, shown?: string}} props
 */
export function Copy({ text, label, small = true, shown = label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? await text() : text);
      setDone(true);
      setTimeout(() => setDone(false), SAID_MS);
    } catch {
      notifyError({ message: t.copy.failed, next: t.copy.failedNext });
    }
  };
  return html`<button type="button" class=${small ? 'button ghost square' : 'button'} aria-label=${small || shown !== label ? label : undefined} title=${small ? label : undefined} onClick=${copy}>
    <${Icon} name=${done ? 'check' : 'copy'} />${small ? '' : done ? t.copy.done : shown}
    <span class="hidden-text" role="status">${done ? t.copy.done : ''}</span>
  </button>`;
}
