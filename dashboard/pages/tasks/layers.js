// Where the tasks of a graph stand: in layers, so that each is to the right of
// what it waits for (after Sugiyama: layers by the longest path, few crossings
// by the mean of the neighbours).

/** How often the order within the layers is improved. */
const SWEEPS = 8;

/** Long edges bend around the tasks between; with more bends than this they don't. */
const BENDS_MAX = 3000;

/** The size of a task, which the sheet has too, and the space between two, in pixels. */
export const SIZE = { width: 184, height: 48, across: 44, down: 14 };

/**
 * @typedef {object} Edge
 * @property {string} from What is waited for.
 * @property {string} to
 */

/**
 * A task, or a bend of an edge, which has no id.
 * @typedef {object} Place
 * @property {string} id
 * @property {number} layer
 * @property {number} x
 * @property {number} y
 * @property {Place[]} before
 * @property {Place[]} after
 */

/**
 * @typedef {object} Layout
 * @property {Place[]} places The tasks, layer by layer, each from above.
 * @property {{from: string, to: string, way: Place[]}[]} edges
 * @property {number} width
 * @property {number} height
 */

/**
 * @param {string[]} ids
 * @param {Edge[]} edges Between those, without a circle.
 * @returns {Layout}
 */
export function layOut(ids, edges) {
  /** @type {Map<string, Place>} */
  const places = new Map(ids.map((id) => [id, { id, layer: 0, x: 0, y: 0, before: [], after: [] }]));
  const pairs = edges.flatMap((edge) => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    return from && to ? [{ from, to }] : [];
  });
  layer([...places.values()], pairs);
  const bends = pairs.reduce((sum, { from, to }) => sum + to.layer - from.layer - 1, 0);
  const ways = pairs.map(({ from, to }) => connect(from, to, bends <= BENDS_MAX));
  const all = new Set([...places.values(), ...ways.flat()]);
  /** @type {Place[][]} */
  const layers = [];
  for (const place of all) (layers[place.layer] ??= []).push(place);
  order(layers);
  const height = settle(layers);
  return {
    places: layers.flat().filter((place) => place.id),
    edges: pairs.map(({ from, to }, at) => ({ from: from.id, to: to.id, way: ways[at] ?? [] })),
    width: layers.length * (SIZE.width + SIZE.across) - SIZE.across,
    height,
  };
}

/**
 * Each place comes after all that it waits for; what waits for nothing comes
 * just before what waits for it.
 * @param {Place[]} places
 * @param {{from: Place, to: Place}[]} pairs
 */
function layer(places, pairs) {
  /** @type {Map<Place, Place[]>} */
  const after = new Map(places.map((place) => [place, []]));
  const open = new Map(places.map((place) => [place, 0]));
  for (const { from, to } of pairs) {
    after.get(from)?.push(to);
    open.set(to, (open.get(to) ?? 0) + 1);
  }
  const roots = places.filter((place) => open.get(place) === 0);
  const ready = [...roots];
  for (const place of ready) {
    for (const next of after.get(place) ?? []) {
      next.layer = Math.max(next.layer, place.layer + 1);
      const left = (open.get(next) ?? 0) - 1;
      open.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  for (const root of roots) {
    const nearest = Math.min(...(after.get(root) ?? []).map((place) => place.layer));
    if (Number.isFinite(nearest)) root.layer = nearest - 1;
  }
}

/**
 * Makes two places neighbours, by way of a bend in each layer between.
 * @param {Place} from
 * @param {Place} to
 * @param {boolean} bent
 */
function connect(from, to, bent) {
  const way = [from];
  for (let at = from.layer + 1; bent && at < to.layer; at += 1) way.push({ id: '', layer: at, x: 0, y: 0, before: [], after: [] });
  way.push(to);
  for (let at = 1; at < way.length; at += 1) {
    way[at - 1]?.after.push(/** @type {Place} */ (way[at]));
    way[at]?.before.push(/** @type {Place} */ (way[at - 1]));
  }
  return way;
}

/**
 * Sorts each layer by the mean place of the neighbours, forth and back.
 * @param {Place[][]} layers
 */
function order(layers) {
  const number = (/** @type {Place[]} */ list) => list.forEach((place, at) => { place.y = at; });
  layers.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const list of forth ? layers : [...layers].reverse()) {
      const wanted = new Map(list.map((place) => [place, mean(forth ? place.before : place.after, place.y)]));
      list.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      number(list);
    }
  }
}

/**
 * Gives each place its coordinates: near its neighbours, and apart from the
 * others of its layer. Gives the height.
 * @param {Place[][]} layers
 */
function settle(layers) {
  const step = SIZE.height + SIZE.down;
  const room = (/** @type {Place} */ place) => (place.id ? step : step / 2);
  for (const list of layers) {
    for (const [at, place] of list.entries()) {
      place.x = place.layer * (SIZE.width + SIZE.across);
      place.y = at * step;
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const list of forth ? layers : [...layers].reverse()) {
      const wanted = list.map((place) => mean(forth ? place.before : place.after, place.y));
      let least = -Infinity;
      let moved = 0;
      for (const [at, place] of list.entries()) {
        place.y = Math.max(wanted[at] ?? 0, least);
        moved += place.y - (wanted[at] ?? 0);
        least = place.y + room(place);
      }
      // Pushed down by those above; the layer as a whole goes back up.
      for (const place of list) place.y -= moved / list.length;
    }
  }
  let top = Infinity;
  let bottom = 0;
  for (const place of layers.flat()) top = Math.min(top, place.y);
  for (const place of layers.flat()) {
    place.y = Math.round(place.y - top);
    bottom = Math.max(bottom, place.y + SIZE.height);
  }
  return bottom;
}

/**
 * @param {Place[]} places
 * @param {number} otherwise
 */
function mean(places, otherwise) {
  if (places.length === 0) return otherwise;
  return places.reduce((sum, place) => sum + place.y, 0) / places.length;
}
