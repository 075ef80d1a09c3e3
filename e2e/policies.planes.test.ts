import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import {
  makeServerCertificates,
  type Plane,
  POLICY,
  type PolicyStack,
  type RealFleet,
  startPolicyStack,
  startRealFleet,
  until,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import { editions } from '@kmm-fleet/policies';
import {
  CORE,
  systemClock as clock,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FOLLOWED, type Followed, INSTALL_PAGE } from './docs/install-page.ts';
import { runBlock } from './docs/page.ts';
import { kmm, kubectlOn } from './install/install-plane.ts';
import { olmKinds } from './install/olm-kinds.ts';
import { operatorEnvironment } from './install/operator-environment.ts';
import { type RunningOperator, runOperator } from './install/run-operator.ts';
import { type DriverRegistry, startDriverRegistry } from './story/driver-registry.ts';
import { MODULES_ANNOTATION } from './story/world.ts';

const KERNEL = '6.1.0-55-amd64';
const PLACEMENT_RULE = {
  group: 'apps.open-cluster-management.io',
  version: 'v1',
  plural: 'placementrules',
  kind: 'PlacementRule',
  namespaced: true,
} as const;
const GUIDE = join(import.meta.dirname, '../docs/examples/guide/4.12.4-policy.yaml');

// Propagator, placement and policy controllers and add-on manager are the real ones, and so are OCM's agents.
describe('a fleet on which nothing of ours is installed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-policies-'));
  const stop = new AbortController();
  const operators: RunningOperator[] = [];
  const followed = new Set<Followed>();
  let registry: DriverRegistry;
  let fleet: RealFleet;
  let neighbours: Promise<void>;
  let stack: PolicyStack;
  let ca: string;
  const kubeconfig = join(directory, 'fleet.kubeconfig');

  const kubectl = (cluster: string, args: readonly string[], input?: string) =>
    kubectlOn(planeOf(cluster).kubeconfig(), directory, args, input);
  const planeOf = (name: string) => (name === 'hub' ? fleet.hub : (fleet.clusters.get(name) as Plane));
  const statusOf = async (namespace: string) =>
    ((await fleet.client('hub').get(POLICY, { namespace, name: 'install-kmm' }))?.['status'] ?? {}) as {
      readonly compliant?: string;
    };
  /** Somebody who follows the page. No kubelet here runs the images, and none looks for them elsewhere. */
  const follow = (block: Followed) => {
    followed.add(block);
    return runBlock(INSTALL_PAGE, block, {
      cwd: directory,
      env: {
        KUBECONFIG: kubeconfig,
        REGISTRY: `${registry.address}/kmm`,
        REGISTRY_USER: registry.login.username,
        REGISTRY_PASSWORD: registry.login.password,
      },
    });
  };
  const editionOf = (cluster: string) => editions[cluster === 'hub' ? 'hub' : 'spoke'];
  const deployment = (cluster: string) => {
    const { namespace, deployment: name } = editionOf(cluster);
    return fleet.client(cluster).get(CORE.deployment, { namespace, name });
  };
  const startOperator = async (cluster: string) => {
    const deployed = (await deployment(cluster)) as KubeObject;
    const env = await operatorEnvironment(planeOf(cluster), deployed, directory, ca);
    const log = join(directory, `${cluster}-operator.log`);
    operators.push(runOperator(fleet.client(cluster), editionOf(cluster), env, log));
    return env;
  };
  /** Only that no pod runs is missing. */
  const foundBy = async (block: Followed) => {
    const { stdout } = await follow(block).then(
      (text) => ({ stdout: text }),
      (error: { stdout: string }) => error,
    );
    return stdout.split('\n').filter((line) => line.startsWith('error'));
  };
  const mayWriteModules = (cluster: string) => {
    const agent = ['--as', 'system:serviceaccount:open-cluster-management-agent:klusterlet-work-sa'];
    return kubectl(cluster, ['auth', 'can-i', 'patch', 'modules.kmm.sigs.x-k8s.io', ...agent]).includes(
      'yes',
    );
  };
  const modules = async (cluster: string) =>
    (await fleet.client(cluster).get(CORE.node, { name: `${cluster}-1` }))?.metadata.annotations?.[
      MODULES_ANNOTATION
    ];

  beforeAll(async () => {
    const certificates = await makeServerCertificates(directory);
    ca = certificates.ca;
    registry = await startDriverRegistry(directory, certificates, KERNEL);
    const cluster = (name: string) => ({
      name,
      labels: { site: name },
      nodes: [{ name: `${name}-1`, kernel: KERNEL, labels: { driver: 'wanted' } }],
    });
    fleet = await startRealFleet({
      clock,
      random,
      log: silentLog,
      registryTransport: registry.transport,
      clusters: [cluster('east'), cluster('west'), cluster('north')],
      certificates,
      directory,
      progress: () => {},
      isBare: true,
    });
    neighbours = fleet.run(stop.signal);
    stack = await startPolicyStack(fleet, join(directory, 'policies'), () => {});
    for (const site of ['east', 'west', 'north'])
      await fleet
        .client('hub')
        .mergePatch(
          RESOURCES.managedCluster,
          { name: site },
          { metadata: { labels: { site, fleet: 'one' } } },
          {},
        );
    const accesses = ['hub', ...fleet.clusters.keys()].map((name) => {
      const plane = planeOf(name);
      return { name, server: plane.url, token: plane.token() };
    });
    writeKubeconfig(kubeconfig, ca, accesses);
  });
  afterAll(async () => {
    await Promise.all(operators.map((operator) => operator.stop()));
    await stack?.stop();
    stop.abort();
    await neighbours;
    await fleet?.stop();
    await registry?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('gets a hub by the commands of the install page', async () => {
    await follow('hub');
    await follow('hub-secret');

    expect(await foundBy('check-hub')).toEqual([expect.stringContaining('DeploymentUnavailable')]);
    await startOperator('hub');
  });

  it('gets a spoke by the Policy of the page, on clusters with its label', async () => {
    await follow('spokes-policy');

    await until('the Policy is kept', async () => (await statusOf('default')).compliant === 'Compliant');
    expect(await deployment('east')).toBeDefined();
    expect(await deployment('west')).toBeUndefined();
    expect((await startOperator('east'))['KMM_MANAGED']).toBe('1');
  });

  it('gets another by manifests, and its first module by the page', async () => {
    await follow('spokes-manifests');
    expect(await foundBy('check-spoke')).toEqual([expect.stringContaining('DeploymentUnavailable')]);
    await startOperator('north');

    await follow('spoke-secrets');
    const mcm = registry.managedClusterModule('my-mcm', { driver: 'yes' }, { driver: 'wanted' });
    writeFileSync(join(directory, 'my-mcm.yaml'), JSON.stringify(mcm));
    for (const name of ['east', 'north']) kubectl('hub', ['label', 'managedcluster', name, 'driver=yes']);
    const told = await follow('first-module');

    expect([await modules('east'), await modules('north'), await modules('west')]).toEqual([
      'kmod',
      'kmod',
      undefined,
    ]);
    expect(told).toMatch(/my-mcm +Ready +clusters: 2 ready/);
  });

  it('keeps the spoke and its modules when the Policy goes, of which nothing stays on the hub', async () => {
    const ofPolicy = ['get', 'policies,placementbindings,placements', '-n', 'default', '-o', 'name'];
    expect(kubectl('hub', ofPolicy).trim().split('\n')).toHaveLength(3);
    await follow('remove-policy');

    expect(kubectl('hub', ofPolicy)).toBe('');
    await until('no policy on the cluster', async () => {
      return kubectl('east', ['get', 'configurationpolicies', '-n', 'east', '-o', 'name']) === '';
    });
    expect(await deployment('east')).toBeDefined();
    expect(await modules('east')).toBe('kmod');
  });

  const shown = (field: string, kinds: string, labels: string) => {
    const path = `jsonpath={.items[*].metadata.${field}}`;
    return kubectl('east', ['get', kinds, '-n', 'openshift-kmm', '-l', labels, '-o', path]);
  };
  /** What a reload would change. */
  const loaders = () => shown('uid', 'daemonsets,pods', 'kmm.node.kubernetes.io/module.name');
  const held = () => shown('finalizers', 'modules,pods', 'app.kubernetes.io/name!=kmm');

  it('keeps its modules when a spoke is removed by the page, and the next one takes over without a reload', async () => {
    const before = loaders();
    expect(held()).toContain('module-finalizer');
    await follow('remove-spoke');

    expect(await deployment('east')).toBeUndefined();
    expect([loaders(), held(), await modules('east')]).toEqual([before, '', 'kmod']);
    const again = kmm('install', 'spoke', '--image', `${registry.address}/kmm/kmm-spoke:0.1.0`);
    kubectl('east', ['apply', '--server-side', '-f', '-'], again);
    await startOperator('east');
    await until('the takeover', async () => held().includes('module-finalizer'));
    expect([loaders(), await modules('east')]).toEqual([before, 'kmod']);
  });

  it('is unloaded before its hub is removed by the page, and then a spoke', async () => {
    await follow('remove-fleet');

    expect([await modules('east'), await modules('north')]).toEqual([undefined, undefined]);
    expect([await deployment('hub'), await deployment('north')]).toEqual([undefined, undefined]);
    const definitions = (cluster: string) => kubectl(cluster, ['get', 'crd', '-o', 'name']);
    expect(definitions('hub')).not.toContain('hub.kmm.sigs.x-k8s.io');
    expect(definitions('north')).not.toContain('kmm.sigs.x-k8s.io');
  });

  it('without Operator Lifecycle Manager is told so by the Policy that needs it', async () => {
    kubectl('hub', ['create', 'namespace', 'guide']);
    kubectl('hub', ['apply', '-n', 'guide', '-f', GUIDE]);
    // What the controller of PlacementRules, which RHACM had before Placement, would decide.
    const decisions = [{ clusterName: 'west', clusterNamespace: 'west' }];
    const rule = { namespace: 'guide', name: 'all-managed-clusters' };
    await fleet
      .client('hub')
      .mergePatch(PLACEMENT_RULE, rule, { status: { decisions } }, { subresource: 'status' });

    await until('the Policy is not kept', async () => (await statusOf('guide')).compliant === 'NonCompliant');
    const words = () =>
      kubectl('west', ['get', 'configurationpolicies', '-n', 'west', '-o', 'jsonpath={..message}']);
    await until('it says why', async () => words().includes('OperatorGroup'));
  });

  it('with it gets what the Policy of the guide says, as printed', async () => {
    kubectl('west', ['apply', '--server-side', '-f', '-'], JSON.stringify(olmKinds));

    await until('the Policy is kept', async () => (await statusOf('guide')).compliant === 'Compliant');
    const path = 'jsonpath={.spec.config.env[0].name}={.spec.config.env[0].value}';
    const subscription = ['subscription', '-n', 'openshift-kmm', 'kernel-module-management'];
    expect(kubectl('west', ['get', ...subscription, '-o', path])).toBe('KMM_MANAGED=1');
    const binding = [
      'clusterrolebinding',
      'klusterlet-kmm',
      '-o',
      'jsonpath={.roleRef.name} {.subjects[0].name}',
    ];
    expect(kubectl('west', ['get', ...binding])).toBe('kmm-module-manager klusterlet-work-sa');
    kubectl('hub', ['delete', 'policy', '-n', 'guide', 'install-kmm']);
  });

  it('gets a spoke as an add-on by the page, on nodes that a cluster chooses, and it is healthy when its pod is', async () => {
    kubectl('west', ['create', '-f', '-'], JSON.stringify(GHOST));
    await follow('spokes-addon');
    kubectl('hub', ['label', 'managedcluster', 'west', 'kmm-addon=true']);
    await until('the add-on is on the cluster', () => isServed('managedclusteraddon'));
    kubectl('hub', ['apply', '--server-side', '-f', '-'], JSON.stringify(OWN_CONFIG));
    const configs = [
      { group: 'addon.open-cluster-management.io', resource: 'addondeploymentconfigs', ...OWN },
    ];
    kubectl('hub', [
      ...['patch', 'managedclusteraddon', '-n', 'west', 'install-kmm', '--type=merge'],
      ...['-p', JSON.stringify({ spec: { configs } })],
    ]);

    await until('a pod on the node of its own', async () => podOnGhost() !== '');
    expect(availability()).not.toBe('True');
    // No kubelet is on that node: the test says in its place that the pod runs.
    const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
    const name = { namespace: 'openshift-kmm', name: podOnGhost() };
    await fleet.client('west').mergePatch(CORE.pod, name, ready, { subresource: 'status' });
    await until('the add-on is healthy', async () => availability() === 'True');
    await until('the work agent may write Modules', async () => mayWriteModules('west'));
  });

  it('has been led by the page alone', () => {
    expect([...followed].sort()).toEqual([...FOLLOWED].sort());
  });

  const isServed = async (kind: string) =>
    kubectl('hub', ['get', kind, '-n', 'west', '-o', 'name']).includes('install-kmm');
  const availability = () =>
    kubectl('hub', [
      ...['get', 'managedclusteraddon', '-n', 'west', 'install-kmm'],
      ...['-o', 'jsonpath={.status.conditions[?(@.type=="Available")].status}'],
    ]);
  const podOnGhost = () =>
    kubectl('west', [
      ...['get', 'pods', '-n', 'openshift-kmm', '--field-selector', 'spec.nodeName=ghost'],
      ...['-o', 'jsonpath={.items[0].metadata.name}'],
    ]);
});

const OWN = { namespace: 'west', name: 'own-nodes' };
/** As the one that is printed, and for nodes of the site's own. */
const OWN_CONFIG = {
  apiVersion: 'addon.open-cluster-management.io/v1alpha1',
  kind: 'AddOnDeploymentConfig',
  metadata: OWN,
  spec: {
    agentInstallNamespace: 'openshift-kmm',
    nodePlacement: { nodeSelector: { 'kubernetes.io/hostname': 'ghost' } },
  },
};
const GHOST = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'ghost', labels: { 'kubernetes.io/hostname': 'ghost' } },
  status: {
    capacity: { cpu: '4', memory: '4Gi', pods: '10' },
    conditions: [{ type: 'Ready', status: 'True', reason: 'Said', message: 'By the test.' }],
  },
};
