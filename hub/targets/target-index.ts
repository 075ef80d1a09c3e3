import { matchesSelector } from '@kmm-fleet/api';
import type { Cache } from '@kmm-fleet/runtime';
import type { ClusterView } from '../clusters/cluster-view.ts';

type Selector = Readonly<Record<string, string>>;

/** Name of the cache index that {@link clustersFor} uses. */
export const LABEL_INDEX = 'label';

/** `key=value` of each label: the posting lists of the inverted index. */
export const labelTerms = ({ labels }: ClusterView): string[] =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`);

/** Clusters that a selector matches, found through its rarest label; the empty selector matches all. Sorted by name. */
export function clustersFor(clusters: Cache<ClusterView>, selector: Selector): string[] {
  const terms = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  if (terms.length === 0) return [...clusters.all()].map(({ metadata }) => metadata.name).sort();
  const lists = terms.map((term) => clusters.by(LABEL_INDEX, term));
  const [shortest = []] = lists.sort((a, b) => a.length - b.length);
  return shortest
    .filter(({ labels }) => matchesSelector(selector, labels))
    .map(({ metadata }) => metadata.name);
}

/**
 * Which modules a cluster's labels meet. Modules are found by one of their labels, so an event of a cluster costs the
 * modules that share a label with it.
 */
export interface ModuleIndex {
  set(module: string, selector: Selector | undefined): void;
  modulesFor(labels: Readonly<Record<string, string>>): string[];
}

export function createModuleIndex(): ModuleIndex {
  const selectors = new Map<string, Selector>();
  /** term → modules that are looked up by it; '' holds those that select everything. */
  const byTerm = new Map<string, Set<string>>();
  const termOf = (selector: Selector) => {
    const [first] = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
    return first ? `${first[0]}=${first[1]}` : '';
  };
  return {
    set(module, selector) {
      const before = selectors.get(module);
      if (before) byTerm.get(termOf(before))?.delete(module);
      selectors.delete(module);
      if (!selector) return;
      selectors.set(module, selector);
      const term = termOf(selector);
      byTerm.set(term, (byTerm.get(term) ?? new Set()).add(module));
    },
    modulesFor(labels) {
      const terms = ['', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
      const candidates = terms.flatMap((term) => [...(byTerm.get(term) ?? [])]);
      return candidates.filter((module) => matchesSelector(selectors.get(module) ?? {}, labels)).sort();
    },
  };
}
