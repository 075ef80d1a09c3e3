import * as z from 'zod';
import { ObjectMeta } from './common.ts';

/** Views of Open Cluster Management's kinds: what we read and write of them. Unknown fields pass. */

const OcmCondition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  observedGeneration: z.int().meta({ format: 'int64' }).optional(),
});
export type OcmCondition = z.infer<typeof OcmCondition>;

/** Read as it comes; the API server is told OCM's limit on the value, so that an agent that breaks it is seen. */
const ClaimValue = z.string().min(1).meta({ maxLength: 1024 });
export const Claim = z.looseObject({ name: z.string().min(1).max(253), value: ClaimValue });
export type Claim = z.infer<typeof Claim>;

export const ManagedCluster = z.looseObject({
  apiVersion: z.literal('cluster.open-cluster-management.io/v1'),
  kind: z.literal('ManagedCluster'),
  metadata: ObjectMeta,
  spec: z.looseObject({ hubAcceptsClient: z.boolean().optional() }).optional(),
  status: z
    .looseObject({
      clusterClaims: z.array(Claim).optional(),
      conditions: z.array(OcmCondition).optional(),
    })
    .optional(),
});
export type ManagedCluster = z.infer<typeof ManagedCluster>;

export const ClusterClaim = z.looseObject({
  apiVersion: z.literal('cluster.open-cluster-management.io/v1alpha1'),
  kind: z.literal('ClusterClaim'),
  metadata: ObjectMeta,
  spec: z.looseObject({ value: ClaimValue }),
});
export type ClusterClaim = z.infer<typeof ClusterClaim>;

const FeedbackValue = z.looseObject({
  name: z.string(),
  fieldValue: z.looseObject({
    type: z.string().meta({ enum: ['Integer', 'String', 'Boolean', 'JsonRaw'] }),
    integer: z.int().meta({ format: 'int64' }).optional(),
    string: z.string().optional(),
    boolean: z.boolean().optional(),
    jsonRaw: z.string().meta({ maxLength: 1024 }).optional(),
  }),
});

const ManifestStatus = z.looseObject({
  resourceMeta: z.looseObject({
    ordinal: z.int().meta({ format: 'int32' }).optional(),
    group: z.string().optional(),
    version: z.string().optional(),
    kind: z.string().optional(),
    resource: z.string().optional(),
    name: z.string().optional(),
    namespace: z.string().optional(),
  }),
  conditions: z.array(OcmCondition).optional(),
  statusFeedback: z.looseObject({ values: z.array(FeedbackValue).optional() }).optional(),
});

const ManifestConfig = z.looseObject({
  resourceIdentifier: z.looseObject({
    group: z.string().optional(),
    resource: z.string(),
    name: z.string(),
    namespace: z.string().optional(),
  }),
  feedbackRules: z
    .array(
      z.looseObject({
        type: z.enum(['WellKnownStatus', 'JSONPaths']),
        jsonPaths: z
          .array(z.looseObject({ name: z.string(), path: z.string(), version: z.string().optional() }))
          .optional(),
      }),
    )
    .optional(),
  feedbackScrapeType: z.enum(['Poll', 'Watch']).optional(),
  updateStrategy: z
    .looseObject({
      type: z.enum(['Update', 'CreateOnly', 'ServerSideApply', 'ReadOnly']).optional(),
      serverSideApply: z
        .looseObject({ force: z.boolean().optional(), fieldManager: z.string().optional() })
        .optional(),
    })
    .optional(),
});

/** An embedded object of any kind. */
const Manifest = z
  .looseObject({ apiVersion: z.string(), kind: z.string(), metadata: ObjectMeta })
  .meta({ 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true });
export type Manifest = z.infer<typeof Manifest>;

export const ManifestWork = z.looseObject({
  apiVersion: z.literal('work.open-cluster-management.io/v1'),
  kind: z.literal('ManifestWork'),
  metadata: ObjectMeta,
  spec: z.looseObject({
    workload: z.looseObject({ manifests: z.array(Manifest).optional() }).optional(),
    manifestConfigs: z.array(ManifestConfig).optional(),
    deleteOption: z
      .looseObject({ propagationPolicy: z.enum(['Foreground', 'Orphan', 'SelectivelyOrphan']).optional() })
      .optional(),
    executor: z.record(z.string(), z.unknown()).optional(),
  }),
  status: z
    .looseObject({
      conditions: z.array(OcmCondition).optional(),
      resourceStatus: z.looseObject({ manifests: z.array(ManifestStatus).optional() }).optional(),
    })
    .optional(),
});
export type ManifestWork = z.infer<typeof ManifestWork>;

const AppliedResource = z.looseObject({
  group: z.string().optional(),
  version: z.string().optional(),
  resource: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
});

export const AppliedManifestWork = z.looseObject({
  apiVersion: z.literal('work.open-cluster-management.io/v1'),
  kind: z.literal('AppliedManifestWork'),
  metadata: ObjectMeta,
  spec: z.looseObject({ hubHash: z.string(), agentID: z.string().optional(), manifestWorkName: z.string() }),
  status: z.looseObject({ appliedResources: z.array(AppliedResource).optional() }).optional(),
});
export type AppliedManifestWork = z.infer<typeof AppliedManifestWork>;
