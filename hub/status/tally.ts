import type { ItemState, NodeCounts } from '../works/item-status.ts';

/** Sums over the clusters of one module, kept step by step: an event costs one cluster, not the fleet. */
export interface Tally {
  /** Replaces the state of one cluster; undefined when the module has nothing to do with it any more. */
  set(cluster: string, state: ItemState | undefined): void;
  get(cluster: string): ItemState | undefined;
  clusters(): IterableIterator<string>;
  readonly counts: TallyCounts;
  /** The first clusters in a state, by name. */
  examples(
    state: ItemState['state'],
    max: number,
  ): readonly { readonly cluster: string; readonly item: ItemState }[];
}

export interface TallyCounts {
  readonly states: Readonly<Record<ItemState['state'], number>>;
  /** Clusters by reason; those without any are left out. */
  readonly reasons: ReadonlyMap<string, number>;
  readonly nodes: NodeCounts;
  readonly works: { readonly exist: number; readonly applied: number; readonly degraded: number };
}

export function createTally(): Tally {
  const items = new Map<string, ItemState>();
  const names = { Ready: [], Progressing: [], Waiting: [], Degraded: [], Deleting: [] } as Record<
    ItemState['state'],
    string[]
  >;
  const reasons = new Map<string, number>();
  const nodes = { selected: 0, desired: 0, available: 0 };
  const works = { exist: 0, applied: 0, degraded: 0 };

  const add = (item: ItemState, by: 1 | -1) => {
    const count = (reasons.get(item.reason) ?? 0) + by;
    if (count > 0) reasons.set(item.reason, count);
    else reasons.delete(item.reason);
    nodes.selected += by * item.nodes.selected;
    nodes.desired += by * item.nodes.desired;
    nodes.available += by * item.nodes.available;
    works.exist += by * Number(item.work.exists);
    works.applied += by * Number(item.work.isApplied);
    works.degraded += by * Number(item.work.isDegraded);
  };

  return {
    set(cluster, state) {
      const before = items.get(cluster);
      if (before) add(before, -1);
      if (before && before.state !== state?.state) removeSorted(names[before.state], cluster);
      if (state && before?.state !== state.state) insertSorted(names[state.state], cluster);
      if (state) add(state, 1);
      if (state) items.set(cluster, state);
      else items.delete(cluster);
    },
    get: (cluster) => items.get(cluster),
    clusters: () => items.keys(),
    get counts() {
      const states = Object.fromEntries(Object.entries(names).map(([state, list]) => [state, list.length]));
      return {
        reasons,
        states: states as Record<ItemState['state'], number>,
        nodes: { ...nodes },
        works: { ...works },
      };
    },
    examples: (state, max) =>
      names[state].slice(0, max).flatMap((cluster) => {
        const item = items.get(cluster);
        return item ? [{ cluster, item }] : [];
      }),
  };
}

/** Index of the first name that is not before `name`. */
function position(list: readonly string[], name: string): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted(list: string[], name: string): void {
  list.splice(position(list, name), 0, name);
}

function removeSorted(list: string[], name: string): void {
  const at = position(list, name);
  if (list[at] === name) list.splice(at, 1);
}
