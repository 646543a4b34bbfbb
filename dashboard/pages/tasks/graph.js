// What a task waits for, and what waits for it, each as a tree.

import { html } from '../../core/html.js';
import { filter, href } from '../../core/router.js';
import { Actor, Status } from '../../parts/badge.js';
import { Figure } from '../../parts/figure.js';
import { Plain } from '../../parts/plain.js';
import { t } from '../../texts.js';

/** How far each tree goes, in steps, and the most branches of one task. */
const STEPS = 6;
const BRANCHES = 40;

/** @typedef {import('../../types/api.js').components['schemas']['TaskGraph']} TaskGraph */
/** @typedef {import('../../types/api.js').components['schemas']['TaskNode']} TaskNode */

/**
 * A tree: of each task that is opened what comes after it. A task that is
 * reached twice is opened where it is nearest.
 * @typedef {Map<string, {id: string, opens: boolean}[]>} Tree
 */

/** @param {{id: string, graph: TaskGraph}} props */
export function Trees({ id, graph }) {
  const nodes = new Map(graph.tasks.map((task) => [task.id, task]));
  const below = grow(id, graph.edges.map((edge) => [edge.task, edge.depends_on]));
  const above = grow(id, graph.edges.map((edge) => [edge.depends_on, edge.task]));
  // What is left out of the graph is missing here too.
  const whole = graph.left_out === 0;
  return html`
    <${Side} id=${id} nodes=${nodes} tree=${below} title=${t.tasks.dependsOn} figure=${whole ? `/api/tasks/${id}#/depends_on` : undefined} />
    <${Side} id=${id} nodes=${nodes} tree=${above} title=${t.tasks.waitsForIt} figure=${whole ? `/api/tasks?depends_on=${id}#` : undefined} />`;
}

/**
 * @param {string} id
 * @param {[string, string][]} edges From each task to one that comes after it.
 */
function grow(id, edges) {
  /** @type {Map<string, string[]>} */
  const after = new Map();
  for (const [from, to] of edges) after.set(from, [...(after.get(from) ?? []), to]);
  /** @type {Tree} */
  const tree = new Map();
  const known = new Set([id]);
  let front = [id];
  for (let step = 0; step < STEPS && front.length > 0; step += 1) {
    /** @type {string[]} */
    const next = [];
    for (const from of front) {
      tree.set(from, (after.get(from) ?? []).map((to) => ({ id: to, opens: !known.has(to) })));
      for (const to of after.get(from) ?? []) {
        if (!known.has(to)) next.push(to);
        known.add(to);
      }
    }
    front = next;
  }
  return tree;
}

/** @param {{id: string, nodes: Map<string, TaskNode>, tree: Tree, title: string, figure: string | undefined}} props */
function Side({ id, nodes, tree, title, figure }) {
  const count = tree.get(id)?.length ?? 0;
  if (count === 0) return '';
  return html`<section aria-label=${title}><h3 class="label">${title} <${Figure} of=${figure} value=${count} /></h3><${Branch} id=${id} nodes=${nodes} tree=${tree} /></section>`;
}

/** @param {{id: string, nodes: Map<string, TaskNode>, tree: Tree}} props */
function Branch({ id, nodes, tree }) {
  const after = tree.get(id) ?? [];
  return html`<ul class="graph">${after.slice(0, BRANCHES).map((branch) => {
    const one = nodes.get(branch.id);
    return one && html`<li key=${one.id}>
      <a href=${toTask(one.id)}><span class="mono">${one.id}</span></a> <${Status} word=${standing(one)} /> <span><${Plain} text=${one.title} max=${120} /></span>
      ${one.claimed_by && html` <${Actor} actor=${`agent:${one.claimed_by}`} project=${one.project} />`}
      ${one.result && html`<span class="dim"> <${Plain} text=${one.result} max=${160} /></span>`}
      ${branch.opens && (tree.get(one.id)?.length ?? 0) > 0 && html`<${Branch} id=${one.id} nodes=${nodes} tree=${tree} />`}</li>`;
  })}
    ${after.length > BRANCHES && html`<li class="dim">${t.tasks.more(after.length - BRANCHES)}</li>`}</ul>`;
}

/**
 * Opens another task beside the same board, list or graph.
 * @param {string} id
 */
export function toTask(id) {
  return href('tasks', { q: filter('q'), view: filter('view'), status: filter('status'), task: id });
}

/**
 * Where a task stands; an open one is ready, or waits for others.
 * @param {{status: string, blockers: number}} task
 */
export function standing(task) {
  return task.status !== 'open' ? task.status : task.blockers > 0 ? 'waiting' : 'ready';
}
