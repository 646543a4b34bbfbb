// What every part and page is written with, from one place.

import { h } from '../lib/preact.js';
import htm from '../lib/htm.js';

export const html = htm.bind(h);

export { render } from '../lib/preact.js';
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from '../lib/hooks.js';
export { batch, computed, effect, signal } from '../lib/signals.js';

/**
 * What a component may return.
 * @typedef {any} View
 */
