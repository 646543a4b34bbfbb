// How tasks wait for each other, drawn: links in layers, and the lines between
// them. The lines are for the eye only; each link says in words what it waits for.

import { html, useEffect, useMemo, useRef } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { Status } from '../../parts/badge.js';
import { Empty, Failure, Loading } from '../../parts/empty.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { Source } from '../../parts/source.js';
import { SIZE, layOut } from './layers.js';
import { Trees, standing, toTask } from './graph.js';
import { t } from '../../texts.js';

/** The most lines; more can't be told apart. */
const LINES_MAX = 1000;

/** The space around the drawing, in pixels. */
const MARGIN = 16;

/** @typedef {import('../../types/api.js').components['schemas']['TaskGraph']} TaskGraph */
/** @typedef {import('../../types/api.js').components['schemas']['TaskNode']} TaskNode */
/** @typedef {import('./layers.js').Place} Place */

/**
 * The whole queue, or what of it has a text.
 * @param {{text: string, chosen: string}} props
 */
export function QueueGraph({ text, chosen }) {
  const { data, error, reload } = useData((signal) => read('/api/tasks/graph', {}, signal), [], { topics: ['coro.task.'] });
  const graph = useMemo(() => data && narrowed(data, text), [data, text]);
  if (!data) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  if (data.edges.length === 0) return html`<${Empty} icon="tasks" title=${t.tasks.graph.empty} text=${t.tasks.graph.emptyText} command=${t.tasks.graph.emptyCommand} />`;
  return html`<div class="flow-page">
    <${Legend} heading="h2" graph=${graph} figure=${text ? '' : '/api/tasks/graph'} />
    <${Drawing} graph=${graph} chosen=${chosen} />
    <div class="flow-source"><${Source} json=${data} command="coro-cli tasks graph" /></div>
  </div>`;
}

/**
 * What leads to a task, and away from it: drawn, and as text.
 * @param {{id: string, changed: string}} props
 */
export function TaskGraphView({ id, changed }) {
  const { data } = useData((signal) => read('/api/tasks/graph', { task: id }, signal), [id, changed], { topics: ['coro.task.'] });
  if (!data || data.edges.length === 0) return '';
  return html`<section aria-label=${t.tasks.graph.title}>
      <${Legend} heading="h3" graph=${data} figure=${`/api/tasks/graph?task=${id}`} />
      <${Drawing} graph=${data} chosen=${id} />
    </section>
    <${Trees} id=${id} graph=${data} />`;
}

/** @param {{heading: string, graph: TaskGraph, figure: string}} props */
function Legend({ heading, graph, figure }) {
  const lines = graph.edges.length - LINES_MAX;
  return html`<div class="flow-legend">
    <${heading} class="label">${t.tasks.graph.title} <${Figure} of=${figure && `${figure}#/tasks`} value=${graph.tasks.length} /> ${t.tasks.graph.tasks(graph.tasks.length)}<//>
    ${graph.left_out > 0 && html`<span class="label flow-left-out"><${Figure} of=${figure && `${figure}#/left_out`} value=${graph.left_out} /> ${t.tasks.graph.leftOut}</span>`}
    ${lines > 0 && html`<span class="label">${t.tasks.graph.lines(lines)}</span>`}
    <span class="flow-key dim" aria-hidden="true"><svg width="28" height="8"><path class="line-blocks" d="M0 4h28" /></svg>${t.tasks.graph.blocks} <svg width="28" height="8"><path class="line-done" d="M0 4h28" /></svg>${t.tasks.graph.isDone}</span>
  </div>`;
}

/** @param {{graph: TaskGraph, chosen: string}} props */
function Drawing({ graph, chosen }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { layout, tasks, waitsFor } = useMemo(() => {
    const tasks = new Map(graph.tasks.map((task) => [task.id, task]));
    /** @type {Map<string, string[]>} */
    const waitsFor = new Map();
    for (const edge of graph.edges) {
      const list = waitsFor.get(edge.task) ?? [];
      waitsFor.set(edge.task, list);
      list.push(edge.depends_on);
    }
    // Where not all lines are drawn, those that block are.
    const isDone = (/** @type {string} */ id) => Number(tasks.get(id)?.status === 'done');
    const edges = [...graph.edges].sort((a, b) => isDone(a.depends_on) - isDone(b.depends_on)).slice(0, LINES_MAX);
    const layout = layOut([...tasks.keys()], edges.map((edge) => ({ from: edge.depends_on, to: edge.task })));
    return { layout, tasks, waitsFor };
  }, [graph]);
  const drawn = layout.places.length > 0;
  useEffect(() => {
    const shown = box.current;
    const at = layout.places.find((place) => place.id === chosen);
    if (shown && at) {
      shown.scrollLeft = at.x + MARGIN - (shown.clientWidth - SIZE.width) / 2;
      shown.scrollTop = at.y + MARGIN - (shown.clientHeight - SIZE.height) / 2;
    }
  }, [chosen, drawn]);
  const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
  if (!drawn) return html`<p class="loading dim">${t.tasks.graph.noMatch}</p>`;
  return html`<div class="flow" ref=${box} role="region" aria-label=${t.tasks.graph.label} tabindex="0">
    <div class="flow-inside" style=${{ width: `${width}px`, height: `${height}px` }}>
      <svg class="flow-lines" aria-hidden="true" width=${width} height=${height}>
        ${layout.edges.map((edge) => html`<path key=${`${edge.from} ${edge.to}`} class=${tasks.get(edge.from)?.status === 'done' ? 'line-done' : 'line-blocks'} d=${lineOf(edge.way)} />`)}
      </svg>
      <ol>${layout.places.map((place) => {
        const task = tasks.get(place.id);
        return task && html`<${Node} key=${place.id} task=${task} place=${place} waitsFor=${waitsFor.get(place.id) ?? []} chosen=${place.id === chosen} />`;
      })}</ol>
    </div>
  </div>`;
}

/** @param {{task: TaskNode, place: Place, waitsFor: string[], chosen: boolean}} props */
function Node({ task, place, waitsFor, chosen }) {
  const word = standing(task);
  return html`<li style=${{ transform: `translate(${place.x + MARGIN}px, ${place.y + MARGIN}px)` }}>
    <a class=${`flow-task flow-${word}`} data-layer=${place.layer} href=${toTask(task.id)} aria-current=${chosen ? 'true' : undefined}>
      <span class="flow-top"><span class="mono">${task.id}</span><${Status} word=${word} /></span>
      <span class="flow-title"><${Plain} text=${task.title} max=${120} /></span>
      ${waitsFor.length > 0 && html`<span class="hidden-text">, ${t.tasks.waitsFor} ${waitsFor.join(', ')}</span>`}
    </a></li>`;
}

/**
 * From the right side of the first place to the left side of the last one.
 * @param {Place[]} way
 */
function lineOf(way) {
  const points = way.map((place, at) => ({
    // A line passes straight through the layer of a bend.
    left: place.x + MARGIN,
    right: place.x + MARGIN + (at === way.length - 1 ? 0 : SIZE.width),
    y: place.y + MARGIN + SIZE.height / 2,
  }));
  const [first, ...rest] = points;
  let path = first ? `M${first.right} ${first.y}` : '';
  let at = first;
  for (const next of rest) {
    const middle = ((at?.right ?? 0) + next.left) / 2;
    path += `C${middle} ${at?.y} ${middle} ${next.y} ${next.left} ${next.y}`;
    if (next.right > next.left) path += `H${next.right}`;
    at = next;
  }
  return path;
}

/**
 * The tasks that have a text, and the lines between them.
 * @param {TaskGraph} graph
 * @param {string} text
 * @returns {TaskGraph}
 */
function narrowed(graph, text) {
  if (!text) return graph;
  const tasks = graph.tasks.filter((task) => `${task.id} ${task.title} ${task.project}`.toLowerCase().includes(text));
  const kept = new Set(tasks.map((task) => task.id));
  return { ...graph, tasks, edges: graph.edges.filter((edge) => kept.has(edge.task) && kept.has(edge.depends_on)) };
}
