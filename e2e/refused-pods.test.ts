import type { ManifestWork, Module, Reason } from '@kmm-fleet/api';
import { RESOURCES } from '@kmm-fleet/api';
import { createKernelImages, createTally, itemStatus, mcmStatus, planWork } from '@kmm-fleet/hub';
import { CORE, createManualClock, createRandom, type KubeObject, silentLog } from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { expect, it } from 'vitest';
import { fleetView } from '../cli/hub/fleet-view.ts';
import { moduleTree } from '../cli/status/status-tree.ts';
import {
  cluster,
  digestOf,
  image,
  mcmInput,
  mcmObject,
  readyImages,
  stored,
} from '../hub/testing/fixtures.ts';
import { readFeedback } from '../lab/fleet/work-agent/feedback-status.ts';
import { createMemoryCluster } from '../spoke/testing/memory-cluster.ts';
import { node } from '../spoke/testing/memory-nodes.ts';

const KERNEL = '6.1.0-1';
const APPLIED = { type: 'Applied', status: 'True', reason: 'AppliedManifestWorkComplete' };

/** What the hub ships to its cluster east. */
function shipped() {
  const plan = planWork({
    mcm: mcmInput(),
    cluster: cluster([KERNEL]),
    isSelected: true,
    kernelImages: createKernelImages('openshift-kmm-hub'),
    image: readyImages({ [KERNEL]: 'a' }),
    work: undefined,
  });
  if (plan.action.kind !== 'apply') throw new RangeError('the plan must apply');
  return { plan, work: stored(plan.action.work) };
}

/** The Module on a cluster whose API server refuses its pods with these words, as its spoke reports it. */
async function refusedOnSpoke(module: Module, words: string): Promise<KubeObject> {
  const [clock, spokeCluster, stop] = [createManualClock(), createMemoryCluster(), new AbortController()];
  spokeCluster.put(CORE.node, node('n1', KERNEL, module.spec.selector));
  spokeCluster.put(RESOURCES.module, module as unknown as KubeObject);
  const spoke = createSpoke({
    ...{ client: spokeCluster.client, clock, random: createRandom(1), log: silentLog },
    events: { record: () => {}, flush: async () => {} },
    operatorNamespace: 'openshift-kmm',
    isManaged: true,
  });
  const running = spoke.run(stop.signal);
  await clock.advance(1_000);
  const [set] = spokeCluster.all(CORE.daemonSet) as [KubeObject];
  const { namespace = '', name, uid } = set.metadata;
  const lacking = { observedGeneration: 1, desiredNumberScheduled: 1, currentNumberScheduled: 0 };
  spokeCluster.put(CORE.daemonSet, { ...set, status: lacking });
  spokeCluster.put(CORE.event, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: 'refused' },
    involvedObject: { kind: 'DaemonSet', namespace, name, uid },
    reason: 'FailedCreate',
    message: `Error creating: pods "p-1" is forbidden: ${words}`,
    lastTimestamp: '2026-01-01T00:00:00Z',
  });
  await clock.advance(1_000);
  stop.abort();
  await running;
  return spokeCluster.all(RESOURCES.module)[0] as KubeObject;
}

/** The work with what an agent reads from the Module by the rules of the work. */
function reported(work: ManifestWork, module: KubeObject): ManifestWork {
  const rules = work.spec.manifestConfigs?.[0]?.feedbackRules ?? [];
  const { values, errors } = readFeedback(module, rules);
  expect(errors).toEqual([]);
  const manifests = [{ resourceMeta: {}, conditions: [], statusFeedback: { values: [...values] } }];
  return {
    ...work,
    status: { conditions: [APPLIED], resourceStatus: { manifests } },
  } as unknown as ManifestWork;
}

it.each<[Reason, string, string]>([
  [
    'ServiceAccountMissing',
    'service account openshift-kmm/l: serviceaccount "l" not found',
    'kmm install privileges',
  ],
  ['PodSecurityForbids', 'violates PodSecurity "baseline:latest": SYS_MODULE', 'kmm install privileges'],
  [
    'SecurityContextForbids',
    'unable to validate against any security context constraint',
    'kmm install privileges',
  ],
  ['PodsRefused', 'exceeded quota: pods=0', 'exceeded quota: pods=0'],
])('%s on a cluster is what the ManagedClusterModule and kmm status tell', async (reason, words, says) => {
  const { plan, work } = shipped();
  const module = await refusedOnSpoke(work.spec.workload?.manifests?.[0] as unknown as Module, words);
  const told = reported(work, module);
  const degraded = { reason, message: expect.stringContaining(says) };

  const tally = createTally();
  tally.set('east', itemStatus(plan, told));
  const status = mcmStatus(mcmInput().checked, tally, 1, undefined, '2026-01-01T00:00:00Z');
  expect(status.conditions?.find(({ type }) => type === 'Degraded')).toMatchObject({
    status: 'True',
    ...degraded,
  });
  expect(status.waiting).toMatchObject([{ cluster: 'east', ...degraded }]);

  const object = { ...mcmObject(), status };
  const tree = moduleTree('kmod', object, fleetOf(plan, told), () => ({ notAsked: 'not here' }));
  expect(tree).toMatchObject({ reason, clusters: [{ state: 'Degraded', ...degraded }] });
});

/** The hub's API server as `kmm status` reads it. */
function fleetOf({ wanted }: ReturnType<typeof shipped>['plan'], work: ManifestWork) {
  const east = {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name: 'east', labels: { site: 'edge' } },
    status: { clusterClaims: [{ name: 'kernel-versions.kmm.node.kubernetes.io', value: KERNEL }] },
  };
  const made = wanted.map(({ name, spec }) => image(name, spec, { state: 'Ready', digest: digestOf('a') }));
  return fleetView([east], [work], made, 'openshift-kmm-hub');
}
