import type { Toleration } from '@kmm-fleet/api';
import { matchesSelector } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The part of a Node that scheduling reads. */
export interface NodeView extends KubeObject {
  readonly spec?: { readonly taints?: readonly Taint[]; readonly unschedulable?: boolean };
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Term {
  readonly matchExpressions?: readonly Requirement[];
  readonly matchFields?: readonly Requirement[];
}

/** The part of a pod's spec that says where it may run. */
export interface Placement {
  readonly nodeName?: string;
  readonly nodeSelector?: Record<string, string>;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly Term[];
      };
    };
  };
  readonly tolerations?: readonly Toleration[];
}

/** Whether selector and required affinity of a pod match a node. */
export function matchesNode(placement: Placement, node: NodeView): boolean {
  const { labels, name } = node.metadata;
  if (placement.nodeName && placement.nodeName !== name) return false;
  if (!matchesSelector(placement.nodeSelector ?? {}, labels)) return false;
  const terms =
    placement.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!terms) return true;
  // Terms are alternatives; an empty one matches nothing.
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    const fields = matchFields.every((field) =>
      satisfies(field, field.key === 'metadata.name' ? name : undefined),
    );
    const expressions = matchExpressions.every((expression) =>
      satisfies(expression, labels?.[expression.key]),
    );
    return matchExpressions.length + matchFields.length > 0 && fields && expressions;
  });
}

function satisfies({ operator, values = [] }: Requirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return Number(actual) > Number(values[0]);
    case 'Lt':
      return Number(actual) < Number(values[0]);
    default:
      return false;
  }
}

/** Taints of these effects that nothing tolerates. */
export function untolerated(
  node: NodeView,
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint[] {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effects.includes(effect));
  return taints.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  if (key !== taint.key) return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

/** What every daemon tolerates: it belongs to the node, whatever state the node is in. */
export const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
