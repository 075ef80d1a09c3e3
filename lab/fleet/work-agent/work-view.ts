import type { ManifestWork } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

/** Names that OCM puts on the wire. */
export const WORK_FINALIZER = 'cluster.open-cluster-management.io/manifest-work-cleanup';
export const APPLIED_FINALIZER = 'cluster.open-cluster-management.io/applied-manifest-work-cleanup';
export const WORK_API_VERSION = 'work.open-cluster-management.io/v1';

/** A ManifestWork as it is cached: the view that is read, and all else that is on the wire. */
export type Work = KubeObject & Pick<ManifestWork, 'spec' | 'status'>;

/** Identity of a manifest in the status of its work. */
export interface ResourceMeta {
  readonly ordinal: number;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
}

export interface WorkCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface FeedbackValue {
  readonly name: string;
  readonly fieldValue: {
    readonly type: 'Integer' | 'String' | 'Boolean';
    readonly integer?: number;
    readonly string?: string;
    readonly boolean?: boolean;
  };
}

/** One manifest in `status.resourceStatus.manifests`. */
export interface ManifestStatus {
  readonly resourceMeta: ResourceMeta;
  readonly conditions: readonly WorkCondition[];
  readonly statusFeedback: { readonly values?: readonly FeedbackValue[] };
}

export interface WorkStatus {
  readonly conditions?: readonly WorkCondition[];
  readonly resourceStatus?: { readonly manifests?: readonly ManifestStatus[] };
}

/** An entry of `status.appliedResources` of an AppliedManifestWork. */
export interface AppliedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export const statusOf = (work: Work): WorkStatus => (work.status ?? {}) as WorkStatus;
