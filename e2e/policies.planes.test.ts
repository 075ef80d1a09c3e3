import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTrue, type ManagedClusterModule, RESOURCES } from '@kmm-fleet/api';
import { type Supervised, supervise, writeKubeconfig } from '@kmm-fleet/cli';
import {
  makeServerCertificates,
  operatorUser,
  type Plane,
  POLICY,
  type PolicyStack,
  type RealFleet,
  startPolicyStack,
  startRealFleet,
} from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './faults/observe.ts';
import { kmm, kubectlOn } from './install/install-plane.ts';
import { installedOperator } from './install/installed-operator.ts';
import { olmKinds } from './install/olm-kinds.ts';
import { type DriverRegistry, startDriverRegistry } from './story/driver-registry.ts';
import { MODULES_ANNOTATION } from './story/world.ts';

const KERNEL = '6.1.0-55-amd64';
const DEPLOYMENT = {
  type: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
  name: { namespace: 'openshift-kmm', name: 'kmm-operator-controller-manager' },
} as const;
const PLACEMENT_RULE = {
  group: 'apps.open-cluster-management.io',
  version: 'v1',
  plural: 'placementrules',
  kind: 'PlacementRule',
  namespaced: true,
} as const;
const GUIDE = join(import.meta.dirname, '../docs/examples/guide/4.12.4-policy.yaml');

// Propagator, placement and policy controllers and add-on manager are the real ones, and so are OCM's agents.
describe('clusters on which nothing of ours is installed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-policies-'));
  const stop = new AbortController();
  const operators: Supervised[] = [];
  let registry: DriverRegistry;
  let fleet: RealFleet;
  let neighbours: Promise<void>;
  let stack: PolicyStack;
  let ca: string;

  const kubectl = (cluster: string, args: readonly string[], input?: string) =>
    kubectlOn(planeOf(cluster).kubeconfig(), directory, args, input);
  const planeOf = (name: string) => (name === 'hub' ? fleet.hub : (fleet.clusters.get(name) as Plane));
  const apply = (text: string) => kubectl('hub', ['apply', '--server-side', '-f', '-'], text);
  const statusOf = async (namespace: string) =>
    ((await fleet.client('hub').get(POLICY, { namespace, name: 'install-kmm' }))?.['status'] ?? {}) as {
      readonly compliant?: string;
    };
  // No kubelet here runs it, and none looks for it elsewhere.
  const image = () => `${registry.address}/kmm-spoke:1`;
  const deployment = (cluster: string) => fleet.client(cluster).get(DEPLOYMENT.type, DEPLOYMENT.name);
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
      clusters: [cluster('east'), cluster('west')],
      certificates,
      directory,
      progress: () => {},
      isBare: true,
    });
    neighbours = fleet.run(stop.signal);
    stack = await startPolicyStack(fleet, join(directory, 'policies'), () => {});
    const hub = fleet.client('hub');
    for (const site of ['east', 'west'])
      await hub.mergePatch(RESOURCES.managedCluster, { name: site }, { metadata: { labels: { site } } }, {});
    await hub.create(CORE.secret, registry.pullSecret('openshift-kmm-hub'));
    const path = join(directory, 'hub-operator.kubeconfig');
    writeKubeconfig(path, ca, [
      { name: 'hub', server: fleet.hub.url, token: fleet.hub.token(operatorUser(fleet.hub)) },
    ]);
    const env = { KUBECONFIG: path, KMM_REGISTRY_CA_FILE: ca, KMM_BUILD_DIR: join(directory, 'builds') };
    operators.push(supervise('hub', env, join(directory, 'hub-operator.log'), () => {}));
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

  it('get a spoke by Policy, which takes its first Module', async () => {
    apply(kmm('install', 'spoke', '--image', image(), '--form', 'policy', '--cluster-label', 'site=east'));

    await until('the Policy is kept', async () => (await statusOf('default')).compliant === 'Compliant');
    expect(await deployment('east')).toBeDefined();
    expect(await deployment('west')).toBeUndefined();

    const deployed = (await deployment('east')) as KubeObject;
    const env = await installedOperator(fleet, 'east', deployed, directory, ca);
    expect(env['KMM_MANAGED']).toBe('1');
    operators.push(supervise('spoke', env, join(directory, 'east-operator.log'), () => {}));
    await fleet.client('east').create(CORE.secret, registry.pullSecret('openshift-kmm'));
    const module = registry.managedClusterModule('my-mcm', { site: 'east' }, { driver: 'wanted' });
    await fleet.client('hub').create(RESOURCES.managedClusterModule, module);
    await until('the module in the kernel', async () => (await modules('east')) === 'kmod');
    await until('the module is ready', async () => {
      const mcm = await fleet.client('hub').get(RESOURCES.managedClusterModule, { name: 'my-mcm' });
      return isTrue((mcm as unknown as ManagedClusterModule)?.status?.conditions, 'Ready');
    });
  });

  it('keep the spoke and its modules when the Policy goes', async () => {
    kubectl('hub', ['delete', 'policy', '-n', 'default', 'install-kmm']);

    await until('no policy on the cluster', async () => {
      return kubectl('east', ['get', 'configurationpolicies', '-n', 'east', '-o', 'name']) === '';
    });
    expect(await deployment('east')).toBeDefined();
    expect(await modules('east')).toBe('kmod');
  });

  it('without Operator Lifecycle Manager are told so by the Policy that needs it', async () => {
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

  it('with it get what the Policy of the guide says, as printed', async () => {
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

  it('get a spoke as an add-on, on nodes that a cluster chooses, and it is healthy when its pod is', async () => {
    kubectl('hub', ['create', 'namespace', 'addons']);
    kubectl('west', ['create', '-f', '-'], JSON.stringify(GHOST));
    apply(kmm('install', 'spoke', '--image', image(), ...ADDON));
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

const ADDON = ['--form', 'addon', '--cluster-label', 'site=west', '-n', 'addons'];
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
