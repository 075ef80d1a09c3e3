import { FINALIZERS, LABELS, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { createUninstallObserver, type Mode, runUninstall } from '@kmm-fleet/cli';
import {
  type EditionName,
  editions,
  installedKey,
  installedObjects,
  operatorObjects,
  podLabels,
} from '@kmm-fleet/policies';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KERNEL, loaded, running, type UpstreamWorld, upstreamWorld } from './upstream/upstream-world.ts';

const IMAGES = { operator: 'kmm:1', mustGather: 'kmm:1' };
const { namespace } = OPERATOR;
const MODULE = { namespace, name: 'my-mcm' };
const SELECTOR = { worker: 'yes' };

/** A world where hub and spoke run for as long as their Deployments are there. */
async function installedWorld() {
  const world = await upstreamWorld();
  onTestFinished(() => world.stop());
  const lives = new Map<EditionName, AbortController>();
  const clientOf = (name: EditionName): KubeClient => (name === 'hub' ? world.hub : world.user);
  const podOf = (name: EditionName) => ({ namespace: editions[name].namespace, name: `${name}-pod` });

  async function install(name: EditionName) {
    const [edition, client] = [editions[name], clientOf(name)];
    const types = new Map(installedObjects(edition).map((object) => [installedKey(object), object.type]));
    for (const object of operatorObjects(edition, IMAGES)) {
      const type = types.get(
        installedKey({ type: { ...CORE.pod, kind: object.kind }, name: object.metadata }),
      );
      if (type) await client.apply(type, object, { fieldManager: 'user', force: true });
    }
    const labels = podLabels(edition);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...podOf(name), labels },
      spec: { containers: [] },
    };
    await client.create(CORE.pod, pod);
    const life = new AbortController();
    lives.set(name, life);
    if (name === 'hub') world.startHub(life.signal);
    else world.startSpoke(life.signal);
  }

  /** As the controllers of Deployments and of ReplicaSets, and a kubelet, would. */
  async function endOrphans(isStray: boolean) {
    for (const [name, life] of lives) {
      const { namespace: where, deployment } = editions[name];
      if (await clientOf(name).get(CORE.deployment, { namespace: where, name: deployment })) continue;
      if (!isStray) life.abort();
      lives.delete(name);
      await clientOf(name).delete(CORE.pod, podOf(name));
    }
  }

  /** @param isStray the operator goes on when its pod has ended */
  async function uninstall(name: EditionName, mode: Mode, isStray = false) {
    const steps: string[] = [];
    const client = clientOf(name);
    const [edition, patienceMs] = [editions[name], 120_000];
    const ports = { client, clock: world.clock, tell: (text: string) => void steps.push(text) };
    const observe = createUninstallObserver(ports, edition, edition.namespace, mode);
    const ending = runUninstall({
      client,
      clock: world.clock,
      observe,
      patienceMs,
      tell: (step) => steps.push(step.kind === 'wait' ? `wait for ${step.on}` : step.kind),
    });
    let hasEnded = false;
    void ending
      .catch(() => {})
      .finally(() => {
        hasEnded = true;
      });
    await world.until('the end', async () => {
      await endOrphans(isStray);
      return hasEnded;
    });
    return { steps, last: await ending };
  }

  return { ...world, install, uninstall };
}

const container = {
  modprobe: { moduleName: 'kmod', dirName: '/opt' },
  kernelMappings: [{ regexp: '^.+$', containerImage: 'registry.test/kmod:v1' }],
};
const moduleSpec = { selector: SELECTOR, moduleLoader: { container } };

const mcm: KubeObject = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'my-mcm' },
  spec: { spokeNamespace: namespace, selector: {}, moduleSpec },
};

const isLoaded = (world: UpstreamWorld) => async () => (await loaded(world)) === 'kmod';
const finalizersOf = async ({ user }: UpstreamWorld) => {
  const pods = await listAll(user, CORE.pod, { labelSelector: LABELS.moduleName });
  const modules = await listAll(user, RESOURCES.module);
  return [...pods, ...modules].flatMap(({ metadata }) => metadata.finalizers ?? []);
};
const definitionsOf = async (client: KubeClient) =>
  (await listAll(client, CORE.customResourceDefinition))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.endsWith('kmm.sigs.x-k8s.io'));

describe('a fleet', () => {
  it('that loses hub and spoke keeps its modules, and the next ones take over without a reload', async () => {
    const world = await installedWorld();
    await world.install('hub');
    await world.install('spoke');
    await world.hub.create(RESOURCES.managedClusterModule, mcm);
    await world.until('the module', isLoaded(world));
    await world.advance(10_000);
    const [before, works] = [await running(world), await listAll(world.hub, RESOURCES.manifestWork)];
    expect((await finalizersOf(world)).toSorted()).toEqual([FINALIZERS.module, FINALIZERS.nodeLabeler]);

    const spoke = await world.uninstall('spoke', 'keep');
    expect(spoke.steps).toEqual(['remove', 'wait for operator', 'release', 'remove']);
    expect(await world.uninstall('hub', 'keep')).toMatchObject({
      steps: ['remove', 'wait for operator', 'remove'],
      last: { kind: 'done', remains: expect.arrayContaining(['ManifestWork/one/my-mcm']) },
    });
    await world.advance(30_000);

    expect(await running(world)).toEqual(before);
    expect(await loaded(world)).toBe('kmod');
    expect(await finalizersOf(world)).toEqual([]);
    expect(await world.uninstall('spoke', 'keep')).toEqual({ steps: [], last: spoke.last });

    await world.install('hub');
    await world.install('spoke');
    await world.until('the takeover', async () => (await finalizersOf(world)).includes(FINALIZERS.module));
    await world.advance(30_000);
    expect(await running(world)).toEqual(before);
    expect((await listAll(world.hub, RESOURCES.manifestWork)).map(({ metadata }) => metadata.uid)).toEqual(
      works.map(({ metadata }) => metadata.uid),
    );
  });

  it('is unloaded from its hub before the hub goes, and then its spokes go', async () => {
    const world = await installedWorld();
    await world.install('hub');
    await world.install('spoke');
    await world.hub.create(RESOURCES.managedClusterModule, mcm);
    await world.until('the module', isLoaded(world));

    expect((await world.uninstall('spoke', 'unload')).last).toMatchObject({
      kind: 'refuse',
      messages: [expect.stringContaining('A hub ships Module/openshift-kmm/my-mcm')],
    });
    expect(await world.uninstall('hub', 'unload')).toMatchObject({
      steps: ['remove', 'wait for modules', 'remove', 'wait for operator', 'remove'],
      last: { kind: 'done', remains: [`Namespace/${OPERATOR.hubNamespace}`] },
    });
    expect(await loaded(world)).not.toBe('kmod');
    expect(await definitionsOf(world.hub)).toEqual([]);

    expect((await world.uninstall('spoke', 'unload')).last).toEqual({
      kind: 'done',
      remains: [`Namespace/${namespace}`],
    });
    expect(await definitionsOf(world.user)).toEqual([]);
    const node = await world.user.get(CORE.node, { name: 'n1' });
    expect(Object.keys(node?.metadata.labels ?? {}).filter((label) => label.includes('kmm'))).toEqual([]);
  });
});

describe('a cluster with a Module of its own', () => {
  async function ownModule() {
    const world = await installedWorld();
    await world.install('spoke');
    const containerImage = `registry.test/kmod@${world.digest}`;
    const kernelMappings = [{ literal: KERNEL, containerImage }];
    const spec = { ...moduleSpec, moduleLoader: { container: { ...container, kernelMappings } } };
    const module = { apiVersion: 'kmm.sigs.x-k8s.io/v1beta1', kind: 'Module', metadata: MODULE, spec };
    await world.user.create(RESOURCES.module, module);
    await world.until('the module', isLoaded(world));
    return world;
  }

  it('is unloaded by its operator before that goes', async () => {
    const world = await ownModule();

    expect((await world.uninstall('spoke', 'unload')).steps).toEqual([
      ...['remove', 'wait for modules', 'remove', 'wait for operator', 'release', 'remove'],
    ]);
    expect(await loaded(world)).not.toBe('kmod');
  });

  it('lets its namespace go after its operator has gone: nothing is held any more', async () => {
    const world = await ownModule();
    await world.uninstall('spoke', 'keep');
    await world.user.delete(CORE.namespace, { name: namespace });

    await world.until('its end', async () => !(await world.user.get(CORE.namespace, { name: namespace })));
    expect(await loaded(world)).not.toBe('kmod');
  });

  it('is told that an operator is still there which no Deployment has started', async () => {
    const world = await ownModule();

    await expect(world.uninstall('spoke', 'keep', true)).rejects.toThrow(
      'Module/openshift-kmm/my-mcm is held again after it was released',
    );
    expect(await loaded(world)).toBe('kmod');
  });

  it('is told that nobody would unload when its operator has gone', async () => {
    const world = await ownModule();
    await world.uninstall('spoke', 'keep');

    expect((await world.uninstall('spoke', 'unload')).last).toMatchObject({
      kind: 'refuse',
      messages: [expect.stringContaining('No operator runs')],
    });
    expect(await loaded(world)).toBe('kmod');
  });
});
