// What a task waits for, and what waits for it, each as a tree.

import { html } from '../../core/html.js';
import { read } from '../../core/api.js';
import { useData } from '../../core/data.js';
import { href } from '../../core/router.js';
import { Actor, Status } from '../../parts/badge.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { t } from '../../texts.js';

/** How far each tree goes, in tasks and in steps. */
const TASKS = 40;
const STEPS = 6;

/** @typedef {import('../../types/api.js').components['schemas']['Task']} Task */
/** @typedef {import('../../types/api.js').components['schemas']['TaskItem']} TaskItem */

/**
 * @typedef {object} Node
 * @property {string} id
 * @property {string} title
 * @property {string} status
 * @property {string} [result] The beginning of what was handed in.
 * @property {string} [project]
 * @property {string} [claimedBy]
 */

/**
 * One direction of the graph: the nodes after each one that was looked at.
 * @typedef {Map<string, Node[]>} Edges
 */

/**
 * Goes from a task from step to step, as far as is shown.
 * @param {string} id
 * @param {(id: string) => Promise<Node[]>} after
 * @returns {Promise<Edges>}
 */
async function walk(id, after) {
  /** @type {Edges} */
  const edges = new Map();
  const known = new Set([id]);
  let front = [id];
  for (let step = 0; step < STEPS && front.length > 0 && known.size < TASKS; step += 1) {
    const found = await Promise.all(front.map(after));
    for (const [at, nodes] of found.entries()) edges.set(front[at] ?? '', nodes);
    const next = new Set(found.flat().map((one) => one.id).filter((one) => !known.has(one)));
    front = [...next].slice(0, TASKS - known.size);
    for (const one of front) known.add(one);
  }
  return edges;
}

/** @param {{task: Task}} props */
export function Graph({ task }) {
  const { data } = useData(async (signal) => {
    /** @type {Map<string, Task>} */
    const whole = new Map();
    const [before, after] = await Promise.all([
      walk(task.id, async (id) => {
        const one = id === task.id ? task : await read(`/api/tasks/${id}`, {}, signal);
        whole.set(id, one);
        return dependencies(one);
      }),
      walk(task.id, async (id) => (await read('/api/tasks', { depends_on: id }, signal)).map(nodeOf)),
    ]);
    // Who has a task is told by the task itself only.
    for (const node of [...before.values()].flat()) Object.assign(node, nodeOf(whole.get(node.id) ?? node));
    return { before, after };
  }, [task.id, task.updated_at], { topics: ['coro.task.'] });
  const before = data?.before ?? new Map([[task.id, dependencies(task)]]);
  return html`
    <${Side} id=${task.id} edges=${before} title=${t.tasks.dependsOn} figure=${`/api/tasks/${task.id}#/depends_on`} />
    <${Side} id=${task.id} edges=${data?.after ?? new Map()} title=${t.tasks.waitsForIt} figure=${`/api/tasks?depends_on=${task.id}#`} />`;
}

/** @param {{id: string, edges: Edges, title: string, figure: string}} props */
function Side({ id, edges, title, figure }) {
  const count = edges.get(id)?.length ?? 0;
  if (count === 0) return '';
  return html`<section aria-label=${title}><h3 class="label">${title} <${Figure} of=${figure} value=${count} /></h3><${Branch} id=${id} edges=${edges} path=${[id]} /></section>`;
}

/** @param {{id: string, edges: Edges, path: string[]}} props */
function Branch({ id, edges, path }) {
  const nodes = edges.get(id) ?? [];
  return html`<ul class="graph">${nodes.slice(0, TASKS).map((one) => html`<li key=${one.id}>
    <a href=${href('tasks', { task: one.id })}><span class="mono">${one.id}</span></a> <${Status} word=${one.status} /> <span><${Plain} text=${one.title} max=${120} /></span>
    ${one.claimedBy && html` <${Actor} actor=${`agent:${one.claimedBy}`} project=${one.project} />`}
    ${one.result && html`<span class="dim"> <${Plain} text=${one.result} max=${160} /></span>`}
    ${!path.includes(one.id) && (edges.get(one.id)?.length ?? 0) > 0 && html`<${Branch} id=${one.id} edges=${edges} path=${[...path, one.id]} />`}</li>`)}
    ${nodes.length > TASKS && html`<li class="dim">${t.tasks.more(nodes.length - TASKS)}</li>`}</ul>`;
}

/**
 * @param {Task} task
 * @returns {Node[]}
 */
function dependencies(task) {
  return task.depends_on.map((one) => ({ id: one.id, title: one.title, status: one.status, result: one.result ?? undefined }));
}

/**
 * @param {TaskItem | Node} task
 * @returns {Node}
 */
function nodeOf(task) {
  if (!('blockers' in task)) return task;
  return { id: task.id, title: task.title, status: standing(task), project: task.project, claimedBy: task.claim?.agent };
}

/**
 * Where a task stands; an open one is ready, or waits for others.
 * @param {{status: string, blockers: number}} task
 */
export function standing(task) {
  return task.status !== 'open' ? task.status : task.blockers > 0 ? 'waiting' : 'ready';
}
