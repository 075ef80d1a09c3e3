import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import type { DaemonSetView } from '../views.ts';
import type { ModulePlan } from './plan-module.ts';

export interface ModuleChange {
  readonly apply: readonly KubeObject[];
  readonly remove: readonly string[];
}

/** What must be written: DaemonSets that differ in a field we set, and those that go. */
export function diffModule(plan: ModulePlan, observed: readonly DaemonSetView[]): ModuleChange {
  const known = new Map(observed.map((view) => [view.metadata.name, view.object]));
  return {
    apply: plan.daemonSets.filter(
      (desired) => !isSubset(comparable(desired), known.get(desired.metadata.name)),
    ),
    remove: plan.removed,
  };
}

/** Without the kind and version, which lists of some servers leave out. */
function comparable({ metadata, spec }: KubeObject) {
  return { metadata: { labels: metadata.labels, ownerReferences: metadata.ownerReferences }, spec };
}
