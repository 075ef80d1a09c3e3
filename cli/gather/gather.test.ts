import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import { apply, putPod, withLogs } from '../testing/gather.ts';
import { createTestHub } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';

const world = createTestHub();
const HUB = 'openshift-kmm-hub';
const POD = `${HUB}/kmm-operator-hub-controller-manager-1/manager`;
const logs = { [POD]: 'one\ntwo', [`${POD}/previous`]: 'before' };

const gather = (...flags: string[]) => gatherBeside({}, ...flags);

async function gatherBeside(files: Record<string, string>, ...flags: string[]) {
  const saved = new Map<string, string>();
  const outcome = await kmm(['gather', ...flags], {
    files,
    env: { KUBECONFIG: join(world.folder, 'kubeconfig') },
    transport: (connection) => withLogs(world.transport(connection), logs),
    now: new Date('2030-01-02T03:04:05Z'),
    saved,
  });
  return { ...outcome, saved };
}

beforeAll(async () => {
  await putPod(world.client, HUB, 'kmm-operator-hub-controller-manager-1', {
    restarts: 2,
    ended: { exitCode: 137, reason: 'OOMKilled' },
  });
  await apply(world.client, RESOURCES.managedClusterModule, mcmObject());
  const { apiVersion } = mcmObject();
  const spec = { image: 'r.test/kmod:6', kernelVersion: '6.1.0', module: { name: 'kmod', namespace: HUB } };
  const object: KubeObject = { apiVersion, kind: 'ModuleImage', metadata: { name: 'kmod-6' }, spec };
  await apply(world.client, RESOURCES.moduleImage, object);
  const status = {
    state: 'Failed',
    reason: 'BuildFailed',
    message: 'It ended with 2.',
    log: 'cc\nmake: Error 2',
  };
  await world.client.mergePatch(
    RESOURCES.moduleImage,
    object.metadata,
    { status },
    { subresource: 'status' },
  );
});
afterEach(() => world.hub.setFault(undefined));
afterAll(() => rmSync(world.folder, { recursive: true }));

it('says first what looks wrong: the cause before what follows from it, each with its next step', async () => {
  const { saved, code, out } = await gather('-u', '--dir', 'd');
  const summary = saved.get('d/summary.md') ?? '';

  expect(code).toBe(0);
  expect(out).toMatch(/^error {2}BuildFailed {2}1 × ModuleImage\n/);
  expect(summary).toMatch(
    /## What looks wrong\n\n1\. \*\*BuildFailed\*\* – 1 × ModuleImage, needs a person\./,
  );
  expect(summary).toContain('Next: Read status.log of the ModuleImage');
  expect(summary).toContain('(docs/reasons.md#buildfailed)');
  expect(summary).toContain('`kmod-6`: cc | make: Error 2. It ended with 2.');
  expect(summary).toMatch(
    /\*\*ContainerRestarts\*\*[\s\S]*2 restarts\. manager: it ended with exit code 137 \(OOMKilled\)/,
  );
});

it("lays files out as upstream's must-gather does, logs of the container before included", async () => {
  const { saved } = await gather('-u');
  const folder = 'must-gather.local.20300102030405';
  const logFolder = `inspect/namespaces/${HUB}/pods/kmm-operator-hub-controller-manager-1/manager/manager/logs`;

  const definitions = 'inspect/cluster-scoped-resources/apiextensions.k8s.io/customresourcedefinitions';

  expect([...saved.keys()].sort()).toEqual(
    [
      'build-logs/kmod-6.log',
      'inspect/cluster-scoped-resources/cluster.open-cluster-management.io/managedclusters/east.yaml',
      'inspect/cluster-scoped-resources/hub.kmm.sigs.x-k8s.io/managedclustermodules/kmod.yaml',
      'inspect/cluster-scoped-resources/hub.kmm.sigs.x-k8s.io/moduleimages/kmod-6.yaml',
      ...['managedclusters.cluster', 'manifestworks.work'].map(
        (name) => `${definitions}/${name}.open-cluster-management.io.yaml`,
      ),
      `${definitions}/managedclustermodules.hub.kmm.sigs.x-k8s.io.yaml`,
      `${definitions}/moduleimages.hub.kmm.sigs.x-k8s.io.yaml`,
      'kmm-operator-hub-controller-manager.log',
      `${logFolder}/current.log`,
      `${logFolder}/previous.log`,
      `inspect/namespaces/${HUB}/pods/kmm-operator-hub-controller-manager-1/kmm-operator-hub-controller-manager-1.yaml`,
      'nodes.tsv',
      'summary.md',
      'timestamp',
      'version',
    ]
      .sort()
      .map((path) => `${folder}/${path}`),
  );
  expect(saved.get(`${folder}/${logFolder}/current.log`)).toBe('one\ntwo\n');
  expect(saved.get(`${folder}/${logFolder}/previous.log`)).toBe('before\n');
  expect(saved.get(`${folder}/kmm-operator-hub-controller-manager.log`)).toBe('one\ntwo\n');
  expect(saved.get(`${folder}/summary.md`)).toContain('- operator: registry.example/kmm:1\n');
});

it('is one JSON object for programs', async () => {
  const { out } = await gather('-u', '-o', 'json', '--dir', 'd');

  expect(JSON.parse(out)).toMatchObject({
    folder: 'd',
    view: 'hub',
    namespace: HUB,
    logs: 3,
    unreadable: [],
    counts: { ManagedClusterModule: 1, ModuleImage: 1, Pod: 1 },
  });
});

describe('what cannot be read does not stop the rest', () => {
  it.each([
    ['a right that is missing', 403, /managedclusters.*403/],
    ['a kind that is missing', 404, /managedclusters.*404/],
    ['a server that fails', 500, /managedclusters.*500/],
  ])('%s', async (_name, status, words) => {
    world.hub.setFault(({ path }) => (path.includes('/managedclusters') ? { status } : undefined));
    const { code, err, saved } = await gather('-u', '--dir', 'd');

    expect(code).toBe(0);
    expect(err).toContain('warning: 1 thing could not be read; see summary.md.');
    expect(saved.get('d/summary.md')).toMatch(words);
    expect(
      saved.has('d/inspect/cluster-scoped-resources/hub.kmm.sigs.x-k8s.io/moduleimages/kmod-6.yaml'),
    ).toBe(true);
  });

  it('logs', async () => {
    world.hub.setFault(({ path }) => (path.includes('/secrets') ? { status: 403 } : undefined));
    const { code, saved } = await gather('-u', '--dir', 'd');

    expect(code).toBe(0);
    expect(saved.get('d/summary.md')).toContain(`secrets in ${HUB}`);
  });

  it('exit code 1 only when nothing can be read', async () => {
    world.hub.setFault(() => ({ status: 403 }));
    const { code, saved } = await gather('-u', '--dir', 'd');

    expect(code).toBe(1);
    expect(saved.get('d/summary.md')).toContain('Nothing could be read');
  });
});

it('refuses a cluster that is no hub as a hub, in the words of kmm status', async () => {
  const env = { KUBECONFIG: join(world.folder, 'kubeconfig') };
  const { transport } = world;
  const status = await kmm(['status', '--context', 'east'], { env, transport });
  const { code, err, saved } = await gather('-u', '--context', 'east', '--dir', 'd');

  expect(err).toMatch(/it is not a KMM hub\. Choose the hub with --kubeconfig or --context/);
  expect({ code, err }).toEqual({ code: 1, err: status.err });
  expect(saved.size).toBe(0);
});

it('is still made of a hub whose kinds are gone', async () => {
  await apply(world.eastClient, CORE.namespace, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'my-hub' },
  });

  expect(await gather('-u', '--context', 'east', '--dir', 'd', '-n', 'my-hub')).toMatchObject({ code: 0 });
});

it('does not write among what is there already', async () => {
  const { code, err, saved } = await gatherBeside({ 'd/version': 'old' }, '-u', '--dir', 'd');

  expect([code, saved.size]).toEqual([1, 0]);
  expect(err).toBe('kmm: --dir: d is not empty: it has version. Name another folder, or empty this one.\n');
});

it('says when no operator is there', async () => {
  const { saved } = await gather('--context', 'east', '--dir', 'd', '-n', 'elsewhere');

  expect(saved.get('d/summary.md')).toMatch(/1\. \*\*OperatorMissing\*\*[\s\S]*elsewhere/);
});

it('wants a time in seconds', async () => {
  expect(await gather('--timeout', 'soon')).toMatchObject({
    code: 2,
    err: 'kmm: --timeout: "soon" is no number of seconds. Write 600.\n',
  });
});
