// Icons: strokes on a grid of 16, coloured by the text around them.

import { html } from '../core/html.js';

/** @type {Record<string, string>} */
const PATHS = {
  now: 'M2 8h3l2-5 3 10 2-5h2',
  agents: 'M8 8.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM2.75 13.5c.6-2.3 2.7-3.5 5.25-3.5s4.65 1.2 5.25 3.5',
  tasks: 'M2.5 4l1.2 1.2L6 3M2.5 9l1.2 1.2L6 8M8.5 4.5h5M8.5 9.5h5M2.5 13.5h11',
  requests: 'M8 2.5a5.5 5.5 0 0 1 0 11H2.5l1.4-2.2A5.5 5.5 0 0 1 8 2.5ZM8 5.5v2.75M8 10.5v.01',
  state: 'M8 2.5c3 0 5.25.9 5.25 2S11 6.5 8 6.5s-5.25-.9-5.25-2S5 2.5 8 2.5ZM2.75 4.5v7c0 1.1 2.25 2 5.25 2s5.25-.9 5.25-2v-7M2.75 8c0 1.1 2.25 2 5.25 2s5.25-.9 5.25-2',
  events: 'M2.5 3.5h11M2.5 6.5h7M2.5 9.5h11M2.5 12.5h5',
  leases: 'M4.5 7V5a3.5 3.5 0 0 1 7 0v2M3.5 7h9v6.5h-9z',
  messages: 'M2.5 3.5h11v9h-11zM2.5 4l5.5 4.5L13.5 4',
  settings: 'M2.5 4.5h6M12 4.5h1.5M10.25 6.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5ZM2.5 11.5H4M7.5 11.5h6M5.75 13.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5Z',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5l3 3',
  theme: 'M8 2.5v11M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11ZM8 5a3 3 0 0 1 0 6',
  out: 'M6.5 2.5h-4v11h4M9.5 5l3 3-3 3M12.5 8h-7',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5l3.2 3.2L13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5v9l7.5-4.5z',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.25M8 11.75v.01',
  trace: 'M3 3.5v5a2 2 0 0 0 2 2h7M10 8.5l2 2-2 2M3 3.5h.01',
  back: 'M3 6.5h7a3.25 3.25 0 0 1 0 6.5H6.5M5.5 3.5l-3 3 3 3',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  plus: 'M8 3v10M3 8h10',
  save: 'M8 2.5v7.5M4.75 7L8 10.25 11.25 7M2.5 13.5h11',
  help: 'M5.75 6a2.25 2.25 0 1 1 3.3 2C8.3 8.4 8 8.9 8 9.75M8 12.25v.01',
  person: 'M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3.5 13.5v-1a3 3 0 0 1 3-3h3a3 3 0 0 1 3 3v1',
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d=${PATHS[name] ?? PATHS.more} /></svg>`;
}
