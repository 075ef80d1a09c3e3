import { createApiServer } from '@kmm-fleet/lab';
import { editions, podLabels } from '@kmm-fleet/policies';
import {
  AppError,
  createKubeClient,
  createManualClock,
  createRandom,
  type KubeClient,
  type KubeObject,
} from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { seeHolds } from './see-holds.ts';

const { namespace } = editions.hub;
const pod = (spec: object): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [], ...spec } },
  metadata: { namespace, name: 'hub-1', labels: podLabels(editions.hub) },
});
const node = (status: string, message?: string): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
  status: { conditions: [{ type: 'Ready', status, message }] },
});

function clientOf(objects: readonly KubeObject[]): KubeClient {
  const [clock, random] = [createManualClock(), createRandom(1)];
  const ground = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  const { transport } = createApiServer({ clock, random, name: 'hub', objects: [ground, ...objects] });
  return createKubeClient({ transport, clock, random, userAgent: 'test' });
}

const OF_POD = '-n openshift-kmm-hub';

it.each<[string, readonly KubeObject[], string]>([
  [
    'whose node is gone',
    [pod({ nodeName: 'n1' })],
    `stands on node n1, which is gone: kubectl delete pod hub-1 ${OF_POD} --force`,
  ],
  [
    'whose node has a kubelet that says nothing any more',
    [pod({ nodeName: 'n1' }), node('Unknown', 'Kubelet stopped posting node status.')],
    `stands on node n1, which is not ready (Kubelet stopped posting node status.). Mend its kubelet; or, when the machine is off for good: kubectl delete pod hub-1 ${OF_POD} --force, or kubectl delete node n1`,
  ],
  [
    'whose node is well',
    [pod({ nodeName: 'n1' }), node('True')],
    `on node n1 has not ended: kubectl describe pod hub-1 ${OF_POD}`,
  ],
  ['that no node has', [pod({})], `without a node has not ended: kubectl describe pod hub-1 ${OF_POD}`],
])('says what holds a pod %s', async (_, objects, words) => {
  expect(await seeHolds(clientOf(objects), editions.hub, namespace)).toEqual([
    `Pod/openshift-kmm-hub/hub-1 ${words}`,
  ]);
});

it('says no more of a node than that it is there, to who may not look at nodes', async () => {
  const get = () => Promise.reject(new AppError('API_FORBIDDEN', 'nodes'));
  const client = { ...clientOf([pod({ nodeName: 'n1' })]), get };

  expect(await seeHolds(client, editions.hub, namespace)).toEqual([
    `Pod/openshift-kmm-hub/hub-1 on node n1 has not ended: kubectl describe pod hub-1 ${OF_POD}`,
  ]);
});
