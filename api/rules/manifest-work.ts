import type { Module } from '../kinds/module.ts';
import type { ManifestWork } from '../kinds/ocm.ts';
import { GROUP, HUB_GROUP, LABELS, VERSION } from '../names.ts';

/** Longest name of a ManifestWork: OCM prefixes it with a hash in a name of 253 characters. */
export const WORK_NAME_CHARS_MAX = 188;

const PARTS = ['devicePlugin', 'moduleLoader'] as const;
const NUMBERS = ['availableNumber', 'desiredNumber', 'nodesMatchingSelectorNumber'] as const;

/** Names of the counts that clusters report back, each the path of the field in Module.status. As upstream's. */
export const FEEDBACK_NAMES = PARTS.flatMap((part) => NUMBERS.map((number) => `${part}.${number}` as const));

/** What is wrong on the cluster, in its own words. An upstream spoke has no such condition and reports none of it. */
export const FAILURE_FEEDBACK = ['status', 'reason', 'message'].map((field) => ({
  name: `degraded.${field}`,
  path: `.status.conditions[?(@.type=="Degraded")].${field}`,
}));

const FEEDBACK_PATHS = [
  ...FEEDBACK_NAMES.map((path) => ({ name: path, path: `.status.${path}` })),
  ...FAILURE_FEEDBACK,
];

/**
 * Wraps a Module for one cluster: upstream's label, owner and feedback rules. The agent is asked to watch the Module:
 * its status then arrives in milliseconds instead of at the next poll.
 */
export function manifestWorkFor(options: {
  readonly name: string;
  readonly uid: string;
  readonly cluster: string;
  readonly module: Module;
}): ManifestWork {
  const { name, uid, cluster, module } = options;
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: {
      name,
      namespace: cluster,
      labels: { [LABELS.managedClusterModule]: name },
      ownerReferences: [
        {
          apiVersion: `${HUB_GROUP}/${VERSION}`,
          kind: 'ManagedClusterModule',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      workload: { manifests: [module] },
      manifestConfigs: [
        {
          resourceIdentifier: {
            group: GROUP,
            resource: 'modules',
            name: module.metadata.name,
            ...(module.metadata.namespace && { namespace: module.metadata.namespace }),
          },
          feedbackRules: [
            {
              type: 'JSONPaths',
              jsonPaths: FEEDBACK_PATHS.map(({ name: value, path }) => ({ name: value, path })),
            },
          ],
          feedbackScrapeType: 'Watch',
        },
      ],
    },
  };
}
