import { counted } from '@kmm-fleet/api';
import type { ClusterPlan } from './plan-clusters.ts';
import { type Effect, loses } from './plan-effects.ts';

/** What one edit does to the nodes of all clusters. */
export interface EffectLine {
  readonly word: 'unloads' | 'replaces' | 'reloads';
  readonly isLoss: boolean;
  readonly sentence: string;
}

const RANK = { unload: 0, replace: 1, reload: 2 } as const;
const WORDS = { unload: 'unloads', replace: 'replaces', reload: 'reloads' } as const;

/** A line per field that changed, what is lost first. Pure. */
export function describeEffects(clusters: readonly ClusterPlan[]): EffectLine[] {
  const byField = Map.groupBy(
    clusters.flatMap(({ effects }) => effects),
    ({ kind, field }) => `${RANK[kind]} ${field}`,
  );
  return [...byField].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, effects]) => lineOf(effects));
}

function lineOf(effects: readonly Effect[]): EffectLine[] {
  const [effect] = effects;
  if (!effect) return [];
  const sentence = `${whatHappens(effect, effects.length)} (now loaded on ${nodesOf(effects)}).`;
  return [{ word: WORDS[effect.kind], isLoss: loses(effect), sentence }];
}

function whatHappens({ kind, field }: Effect, clusters: number): string {
  if (kind === 'replace') return `${field} changes: every node unloads the old module and loads the new`;
  if (kind === 'reload' && field === 'image')
    return 'Another image is pinned: each node unloads the module and loads it again';
  if (kind === 'reload') return `${field} changes: each node unloads the module and loads it again`;
  if (field === 'spec.selector')
    return `${field} matches ${counted(clusters, 'cluster')} no longer: the module leaves every node there`;
  if (field.endsWith('.kernelMappings'))
    return `${field} leaves a kernel without an image: the module leaves the nodes that run it`;
  if (field.endsWith('.moduleLoader')) return `${field} is removed: the module leaves every node`;
  return `${field} changes: the module leaves the nodes that no longer match`;
}

/** Sums what clusters say; where some have said nothing there may be more. */
function nodesOf(effects: readonly Effect[]): string {
  const known = effects.flatMap(({ nodes }) => (nodes === undefined ? [] : [nodes]));
  const clusters = counted(effects.length, 'cluster');
  if (known.length === 0) return `an unknown number of nodes of ${clusters}`;
  const sum = counted(
    known.reduce((total, nodes) => total + nodes, 0),
    'node',
  );
  const silent = effects.length - known.length;
  return `${silent > 0 ? 'at least ' : ''}${sum} of ${clusters}${silent > 0 ? `; ${counted(silent, 'has', 'have')} not reported` : ''}`;
}
