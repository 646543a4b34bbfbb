// Data of the server that a view shows, read again when the log says that it
// has changed.

import { useCallback, useEffect, useRef, useState } from './html.js';
import { gap, listen, state } from './live.js';

/** The most rows of a list: the server gives no more at once. */
export const ROWS = 10_000;

/** The shortest time between two readings of the same data, in milliseconds. */
const PAUSE_MS = 400;

/**
 * @template T
 * @typedef {object} Data
 * @property {T | undefined} data
 * @property {import('./api.js').Problem | undefined} error
 * @property {boolean} loading
 * @property {() => void} reload
 */

/**
 * Reads when the view appears, when `deps` change, when an entry of the log has
 * a topic that begins with one of `topics`, and every so often.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} deps
 * @param {{topics?: string[], match?: (entry: import('./live.js').Entry) => boolean, everyMs?: number}} [options]
 * @returns {Data<T>}
 */
export function useData(load, deps, options = {}) {
  const [shown, show] = useState(/** @type {{data?: T, error?: any, loading: boolean}} */ ({ loading: true }));
  const latest = useRef(load);
  latest.current = load;
  const wanted = useRef(options);
  wanted.current = options;
  const reloading = useRef(() => {});

  useEffect(() => {
    let abort = new AbortController();
    let busy = false;
    let due = false;
    let timer = 0;

    /** @param {boolean} fresh */
    const run = async (fresh) => {
      if (busy && !fresh) {
        due = true;
        return;
      }
      abort.abort();
      abort = new AbortController();
      const mine = abort;
      busy = true;
      due = false;
      const began = performance.now();
      try {
        const data = await latest.current(mine.signal);
        if (!mine.signal.aborted) show({ data, loading: false });
      } catch (error) {
        if (!mine.signal.aborted) show((old) => ({ data: old.data, error, loading: false }));
      }
      if (mine.signal.aborted) return;
      // What takes long is read less often.
      const pause = Math.max(PAUSE_MS, 3 * (performance.now() - began));
      timer = setTimeout(() => {
        busy = false;
        if (due) run(false);
      }, pause);
    };

    show((old) => ({ ...old, loading: true, error: undefined }));
    run(true);
    reloading.current = () => {
      clearTimeout(timer);
      run(true);
    };
    const stopListening = listen((entries) => {
      const { topics = [], match } = wanted.current;
      const concerns = entries.some((entry) => topics.some((topic) => entry.topic.startsWith(topic)) && (!match || match(entry)));
      if (concerns) run(false);
    });
    const { everyMs } = wanted.current;
    const interval = everyMs ? setInterval(() => !document.hidden && run(false), everyMs) : 0;
    // Entries may be missing, so anything may have changed.
    const stopGap = gap.subscribe((at) => at > 0 && run(false));
    const stopState = state.subscribe((word) => word === 'live' && shownError.current && run(false));
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearInterval(interval);
      stopListening();
      stopGap();
      stopState();
    };
  }, deps);

  const shownError = useRef(false);
  shownError.current = Boolean(shown.error);
  const reload = useCallback(() => reloading.current(), []);
  return { data: shown.data, error: shown.error, loading: shown.loading, reload };
}
