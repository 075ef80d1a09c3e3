import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { createApiServer } from '@kmm-fleet/lab';
import { editions, operatorObjects, podLabels } from '@kmm-fleet/policies';
import {
  CORE,
  createKubeClient,
  createManualClock,
  createRandom,
  type HttpRequest,
  type KubeObject,
} from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { createUninstallObserver } from './observe-uninstall.ts';

const { namespace } = OPERATOR;
const HOSTED = new Set(['CustomResourceDefinition', 'Namespace']);
const module: KubeObject = {
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: { namespace, name: 'kmod' },
  spec: {
    selector: {},
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'kmod' },
        kernelMappings: [{ regexp: '^.+$', containerImage: 'r/k' }],
      },
    },
  },
};
const lease = (holderIdentity: string): KubeObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace, name: OPERATOR.lease },
  spec: { holderIdentity, leaseDurationSeconds: 15 },
});

/** A cluster with a Module whose operator has no pod, and somebody who wants to unload there. */
function orphaned(...more: readonly KubeObject[]) {
  const clock = createManualClock();
  const random = createRandom(1);
  const ground = operatorObjects(editions.spoke, { operator: 'kmm:1', mustGather: 'kmm:1' });
  const objects = [...ground.filter(({ kind }) => HOSTED.has(kind)), module, ...more];
  const { transport } = createApiServer({ clock, random, name: 'east', objects });
  const asked: string[] = [];
  const told: string[] = [];
  const counting = {
    ...transport,
    request: (request: HttpRequest, signal?: AbortSignal) => {
      asked.push(request.path.split('?')[0]?.split('/').at(-1) ?? '');
      return transport.request(request, signal);
    },
  };
  const client = createKubeClient({ transport: counting, clock, random, userAgent: 'test' });
  const tell = (text: string) => void told.push(text);
  const observe = createUninstallObserver({ client, clock, tell }, editions.spoke, namespace, 'unload');
  /** What is seen, and how long the look took. */
  const look = async () => {
    const startedMs = clock.now();
    let tookMs = 0;
    const looking = observe().finally(() => {
      tookMs = clock.now() - startedMs;
    });
    await clock.advance(60_000);
    const { isRunning } = await looking;
    return { isRunning, tookMs };
  };
  return { clock, client, asked, told, observe, look };
}

describe('whether an operator works that has no pod', () => {
  it('nobody has a lease, or has given it up', async () => {
    expect(await orphaned().look()).toEqual({ isRunning: false, tookMs: 0 });
    expect(await orphaned(lease('')).look()).toEqual({ isRunning: false, tookMs: 0 });
  });

  it('who renews its lease does, and is named once', async () => {
    const { clock, client, told, look } = orphaned(lease('kmm-1'));
    const renewSoon = (leaseTransitions: number) =>
      clock.after(3_000, () => {
        void client.mergePatch(CORE.lease, lease('').metadata, { spec: { leaseTransitions } }, {});
      });

    for (const transitions of [1, 2]) {
      renewSoon(transitions);
      expect(await look()).toEqual({ isRunning: true, tookMs: 4_000 });
    }
    expect(told).toEqual(['looking whether kmm-1 still renews Lease/openshift-kmm/kmm.sigs.x-k8s.io']);
  });

  it('who died with its lease does not, and is not asked for twice', async () => {
    const { look } = orphaned(lease('kmm-1'));

    expect(await look()).toEqual({ isRunning: false, tookMs: 16_000 });
    expect(await look()).toEqual({ isRunning: false, tookMs: 0 });
  });

  it('is not asked where nothing depends on it', async () => {
    const { client, look } = orphaned(lease('kmm-1'));
    await client.delete(RESOURCES.module, module.metadata);

    expect(await look()).toEqual({ isRunning: false, tookMs: 0 });
  });
});

it('looks for what is awaited alone, and takes the rest as it was', async () => {
  const pod = { namespace, name: 'kmm-1', labels: podLabels(editions.spoke) };
  const { client, asked, observe } = orphaned({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: pod },
    spec: { containers: [{ name: 'manager', image: 'kmm:1' }] },
  });
  const before = await observe();
  expect(asked.length).toBeGreaterThan(30);

  asked.length = 0;
  expect(await observe('operator')).toEqual(before);
  expect(asked).toEqual(['pods']);
  asked.length = 0;
  await observe('modules');
  expect(asked.toSorted()).toEqual(['daemonsets', 'moduleimages', 'modules', 'nodes', 'pods', 'pods']);

  await client.delete(CORE.pod, pod, { gracePeriodSeconds: 0 });
  await client.delete(RESOURCES.module, module.metadata);
  const { operatorPods, modules } = await observe('operator');
  expect([operatorPods, modules.length]).toEqual([[], 1]);
  expect((await observe()).modules).toEqual([]);
});
