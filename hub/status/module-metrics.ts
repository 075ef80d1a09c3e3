import { reasonEntry } from '@kmm-fleet/api';
import type { Metrics } from '@kmm-fleet/runtime';
import type { Tally } from './tally.ts';

/** Series of ManagedClusterModules: they change with their module, and vanish with it. */
export interface ModuleMetrics {
  set(module: string, counts: Tally['counts']): void;
  remove(module: string): void;
}

/** Words of kubelets that the vocabulary does not have, as one: labels must not grow with what others invent. */
const OTHER = { reason: 'Other', severity: 'warning' };

export function createModuleMetrics(metrics: Metrics | undefined): ModuleMetrics {
  /** What was shown of each module, to take back what is not so any more. */
  const shown = new Map<string, ReadonlyMap<string, () => void>>();

  const show = (module: string, counts: Tally['counts']) => {
    const series = new Map<string, () => void>();
    const gauge = (
      name: 'kmm_clusters' | 'kmm_clusters_by_reason' | 'kmm_nodes',
      labels: Readonly<Record<string, string>>,
      value: number,
    ) => {
      metrics?.set(name, labels, value);
      series.set(JSON.stringify([name, labels]), () => metrics?.remove(name, labels));
    };
    for (const [state, count] of Object.entries(counts.states))
      gauge('kmm_clusters', { module, state }, count);
    for (const [state, count] of Object.entries(counts.nodes)) gauge('kmm_nodes', { module, state }, count);
    for (const [labels, count] of byLabels(counts.reasons))
      gauge('kmm_clusters_by_reason', { module, ...labels }, count);
    return series;
  };

  return {
    set(module, counts) {
      const before = shown.get(module) ?? new Map<string, () => void>();
      const now = show(module, counts);
      for (const [key, remove] of before) if (!now.has(key)) remove();
      shown.set(module, now);
    },
    remove(module) {
      for (const remove of shown.get(module)?.values() ?? []) remove();
      shown.delete(module);
    },
  };
}

function byLabels(reasons: ReadonlyMap<string, number>): [typeof OTHER, number][] {
  const known: [typeof OTHER, number][] = [];
  let others = 0;
  for (const [reason, count] of reasons) {
    const entry = reasonEntry(reason);
    if (entry) known.push([{ reason, severity: entry.severity }, count]);
    else others += count;
  }
  return others > 0 ? [...known, [OTHER, others]] : known;
}
