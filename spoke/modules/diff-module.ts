import { fnv64 } from '@kmm-fleet/api';
import { canonicalJson, isSubset, type KubeObject } from '@kmm-fleet/runtime';
import type { DaemonSetView } from '../views.ts';
import type { ModulePlan } from './plan-module.ts';

export interface ModuleChange {
  readonly apply: readonly KubeObject[];
  readonly remove: readonly string[];
}

/** On DaemonSets: hash of what was applied last. A field that is no longer wanted shows in no other comparison. */
const APPLIED_HASH = 'kmm.node.kubernetes.io/applied-hash';

/** What must be written: DaemonSets that are wanted otherwise than before or were edited, and those that go. */
export function diffModule(plan: ModulePlan, observed: readonly DaemonSetView[]): ModuleChange {
  const known = new Map(observed.map((view) => [view.metadata.name, view.object]));
  return {
    apply: plan.daemonSets
      .map(stamped)
      .filter((desired) => !isSubset(comparable(desired), known.get(desired.metadata.name))),
    remove: plan.removed,
  };
}

/** The hash stands on the DaemonSet, not on its pods: it restarts nobody. */
function stamped(desired: KubeObject): KubeObject {
  const annotations = { [APPLIED_HASH]: fnv64(canonicalJson(desired)) };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/** Without the kind and version, which lists of some servers leave out. */
function comparable({ metadata, spec }: KubeObject) {
  const { labels, annotations, ownerReferences } = metadata;
  return { metadata: { labels, annotations, ownerReferences }, spec };
}
