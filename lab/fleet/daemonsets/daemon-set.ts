import { fnv64 } from '@kmm-fleet/api';
import { canonicalJson, type KubeObject } from '@kmm-fleet/runtime';
import type { Placement } from './scheduling.ts';

/** The part of a DaemonSet that its controller reads. */
export interface DaemonSet extends KubeObject {
  readonly spec: {
    readonly selector: { readonly matchLabels?: Record<string, string> };
    readonly template: PodTemplate;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
    };
    readonly minReadySeconds?: number;
  };
  readonly status?: object;
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly finalizers?: string[];
  };
  readonly spec: Placement & { readonly [field: string]: unknown };
}

/** A pod as this controller sees it. */
export interface DaemonPod extends KubeObject {
  readonly spec: Placement & { readonly [field: string]: unknown };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Label that tells which template a pod was made from, as in Kubernetes. */
export const REVISION_LABEL = 'controller-revision-hash';
export const GENERATION_LABEL = 'pod-template-generation';

/** Hash of a template: equal templates give equal pods. */
export const templateHash = (set: DaemonSet): string => fnv64(canonicalJson(set.spec.template)).slice(0, 10);

export const isReady = ({ status }: DaemonPod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

export const isTerminating = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

/** The node of a pod: bound, or pinned by the affinity that the controller gave it. */
export function nodeOf({ spec }: DaemonPod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}
