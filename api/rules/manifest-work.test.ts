import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManifestWork } from '../kinds/ocm.ts';
import { FAILURE_FEEDBACK, FEEDBACK_NAMES, manifestWorkFor } from './manifest-work.ts';

const module = (name: string, namespace: string) => ({
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1' as const,
  kind: 'Module' as const,
  metadata: { name, namespace },
  spec: { selector: {} },
});

it('is the work that upstream makes, watched instead of polled', () => {
  const work = manifestWorkFor({
    name: 'my-mcm',
    uid: 'u-1',
    cluster: 'east',
    module: module('my-mcm', 'openshift-kmm'),
  });
  expect(work.metadata).toEqual({
    name: 'my-mcm',
    namespace: 'east',
    labels: { 'kmm.node.kubernetes.io/managedclustermodule.name': 'my-mcm' },
    ownerReferences: [
      {
        apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
        kind: 'ManagedClusterModule',
        name: 'my-mcm',
        uid: 'u-1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
  expect(work.spec.manifestConfigs).toMatchObject([
    {
      resourceIdentifier: {
        group: 'kmm.sigs.x-k8s.io',
        resource: 'modules',
        name: 'my-mcm',
        namespace: 'openshift-kmm',
      },
      feedbackScrapeType: 'Watch',
      feedbackRules: [{ type: 'JSONPaths' }],
    },
  ]);
});

it('asks for six numbers, each under the name of its path', () => {
  const work = manifestWorkFor({ name: 'm', uid: 'u', cluster: 'c', module: module('m', 'n') });
  const paths = work.spec.manifestConfigs?.[0]?.feedbackRules?.[0]?.jsonPaths;
  expect(paths).toEqual([
    ...FEEDBACK_NAMES.map((name) => ({ name, path: `.status.${name}` })),
    ...FAILURE_FEEDBACK,
  ]);
  expect(new Set(FEEDBACK_NAMES).size).toBe(6);
});

it('is one manifest that its own schema takes, byte-equal for equal input', () => {
  const word = fc.stringMatching(/^[a-z]{1,20}$/);
  fc.assert(
    fc.property(word, word, word, (name, cluster, namespace) => {
      const make = () => manifestWorkFor({ name, uid: 'u', cluster, module: module(name, namespace) });
      expect(ManifestWork.parse(make()).spec.workload?.manifests).toHaveLength(1);
      expect(JSON.stringify(make())).toBe(JSON.stringify(make()));
    }),
  );
});
