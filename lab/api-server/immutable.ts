import { deepEqual, type KubeObject } from '@kmm-fleet/runtime';
import { invalid } from './api-error.ts';
import type { HostedKind } from './kinds.ts';

/** Fields that built-in kinds do not let anybody change; enough to catch mistakes of ours. */
export function checkImmutable(kind: HostedKind, live: KubeObject, next: KubeObject): void {
  const refuse = (type: string, field: string, value = '') => {
    const message = `Invalid value: ${value}field is immutable`;
    throw invalid(type, live.metadata.name, [{ reason: 'FieldValueInvalid', field, message }]);
  };
  if (kind.kind === 'DaemonSet' && !deepEqual(selectorOf(live), selectorOf(next)))
    refuse('DaemonSet.apps', 'spec.selector');
  if (kind.kind === 'Pod' && classOf(live) !== classOf(next))
    refuse('Pod', 'status.qosClass', `"${classOf(next)}": `);
}

/** A new status of a pod: who says nothing of its class leaves that as it is. */
export const withClass = (live: KubeObject, status: unknown) => ({
  qosClass: classOf(live),
  ...(status as object),
});

const classOf = ({ status }: KubeObject) => (status as { qosClass?: string } | undefined)?.qosClass;
const selectorOf = ({ spec }: KubeObject) => (spec as { selector?: unknown } | undefined)?.selector;
