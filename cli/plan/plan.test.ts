import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { KERNEL_CLAIM, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import { mcmWith } from '../testing/fixtures.ts';
import { createTestHub } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';
import type { ModulePlan } from './render-plan.ts';

const world = createTestHub();
const mcm = stringify(mcmObject(), { version: '1.1' });
const plan = (text: string, ...flags: string[]) =>
  kmm(['plan', '-f', 'a.yaml', '--kubeconfig', join(world.folder, 'kubeconfig'), ...flags], {
    files: { 'a.yaml': text, '-': text },
    transport: world.transport,
  });

afterAll(() => rmSync(world.folder, { recursive: true }));

it('tells what would happen on the hub, and writes nothing there', async () => {
  const writes: string[] = [];
  world.hub.onWrite(({ method }) => writes.push(method));
  const { code, out } = await plan(mcm);

  expect(code).toBe(0);
  expect(out).toMatch(/^east +none +ClaimMissing$/m);
  expect(writes).toEqual([]);
});

it('keeps the shape of its JSON', async () => {
  const [first] = JSON.parse((await plan(mcm, '-o', 'json')).out) as ModulePlan[];

  expect(first).toEqual({
    module: 'kmod',
    selector: { site: 'edge' },
    warnings: [],
    missing: [],
    clusters: [
      {
        cluster: 'east',
        action: 'none',
        effects: [],
        kernels: [
          {
            kernel: '',
            image: '',
            steps: [],
            state: 'Waiting',
            reason: 'ClaimMissing',
            message: expect.stringContaining('kernel-versions.kmm.node.kubernetes.io is missing'),
          },
        ],
      },
    ],
  });
});

it('names what images are made from and is not there, with exit code 1', async () => {
  await world.client.mergePatch(
    RESOURCES.managedCluster,
    { name: 'east' },
    { status: { clusterClaims: [{ name: KERNEL_CLAIM, value: '6.1.0-1' }], conditions: [], version: {} } },
    { subresource: 'status' },
  );
  const { code, out } = await plan(mcm);

  expect(code).toBe(1);
  expect(out).toContain('missing  ConfigMap openshift-kmm-hub/dockerfile does not exist. Create it');
  expect(out).toContain('missing  Secret openshift-kmm-hub/key does not exist. Create it');
});

it('names the Secrets of a login and of a build too, and each key that one Secret lacks', async () => {
  const namespace = OPERATOR.hubNamespace;
  const object = mcmWith({
    regexp: '^6',
    containerImage: 'registry.test/kmod:${KERNEL_FULL_VERSION}',
    build: { dockerfileConfigMap: { name: 'dockerfile' }, secrets: [{ name: 'token' }] },
    sign: { keySecret: { name: 'pair' }, certSecret: { name: 'pair' } },
  });
  (object['spec'] as { moduleSpec: object }).moduleSpec = {
    ...(object['spec'] as { moduleSpec: object }).moduleSpec,
    imageRepoSecret: { name: 'login' },
  };
  const metadata = { name: 'pair', namespace };
  await world.client.create(CORE.secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data: { tls: 'AA==' },
  });
  const { out, err } = await plan(stringify(object, { version: '1.1' }), '-o', 'json');

  expect(err).toBe('');
  expect((JSON.parse(out) as ModulePlan[])[0]?.missing).toEqual([
    expect.stringMatching(/^ConfigMap \S+\/dockerfile does not exist/),
    'Secret openshift-kmm-hub/login does not exist. Create it with data key ".dockerconfigjson".',
    expect.stringMatching(/^Secret \S+\/token does not exist/),
    expect.stringMatching(/^data\.cert: Secret \S+\/pair has no data key "cert"/),
    expect.stringMatching(/^data\.key: Secret \S+\/pair has no data key "key"/),
  ]);
});

it('names kernels for which no toolkit is known, until the catalogue has an entry', async () => {
  const namespace = OPERATOR.hubNamespace;
  const put = (name: string, data: Record<string, string>) =>
    world.client.create(CORE.configMap, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data,
    });
  await put('dockerfile', { dockerfile: 'ARG DTK_AUTO\nFROM ${DTK_AUTO}\n' });
  expect((await plan(mcm)).out).toMatch(
    /missing {2}The Dockerfile uses DTK_AUTO .* kernel 6\.1\.0-1\. Add an/,
  );

  await put(OPERATOR.toolkits, { all: '. registry.test/dtk:1' });
  expect((await plan(mcm)).out).not.toContain('DTK_AUTO');
});

it('fails for a module that would have to be unloaded to go to another namespace', async () => {
  const module = { apiVersion: 'kmm.sigs.x-k8s.io/v1beta1', kind: 'Module', spec: { selector: {} } };
  await world.client.create(RESOURCES.manifestWork, {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name: 'moved', namespace: 'east' },
    spec: { workload: { manifests: [{ ...module, metadata: { name: 'moved', namespace: 'before' } }] } },
  });
  const moduleSpec = { selector: {}, devicePlugin: { container: { image: 'registry.test/plugin:1' } } };
  const moved = { ...mcmObject({ moduleSpec }), metadata: { name: 'moved' } };
  const { code, out } = await plan(stringify(moved, { version: '1.1' }));

  expect(code).toBe(1);
  expect(out).toContain('east: SpokeNamespaceChanged: spec.spokeNamespace: The Module stays in before');
});

describe('exit code', () => {
  const plugin = { container: { image: 'registry.test/plugin:1' } };
  const container = {
    modprobe: { moduleName: 'loaded' },
    kernelMappings: [{ literal: '6.1.0-1', containerImage: `registry.test/kmod@sha256:${'a'.repeat(64)}` }],
  };
  const moduleOf = (name: string, rest: object = {}) => ({
    ...mcmObject({
      moduleSpec: { selector: { driver: 'yes' }, moduleLoader: { container }, devicePlugin: plugin },
      ...rest,
    }),
    metadata: { name },
  });
  const planOf = (object: object) => plan(stringify(object, { version: '1.1' }));

  beforeAll(() =>
    world.client.create(RESOURCES.manifestWork, {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name: 'loaded', namespace: 'east' },
      spec: {
        workload: {
          manifests: [
            {
              apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
              kind: 'Module',
              metadata: { name: 'loaded', namespace: 'openshift-kmm' },
              spec: { selector: { driver: 'yes' }, moduleLoader: { container }, devicePlugin: plugin },
            },
          ],
        },
      },
    }),
  );

  it.each([
    ['0 for a module that stays', {}, 0, /^loaded\nCLUSTER/],
    [
      '1 for a selector of nodes that no longer matches',
      { moduleSpec: { selector: { driver: 'yse' }, moduleLoader: { container } } },
      1,
      /^unloads {2}spec\.moduleSpec\.selector changes: .* \(now loaded on an unknown number of nodes of 1 cluster\)\.$/m,
    ],
    [
      '1 for a loader that is taken away',
      { moduleSpec: { selector: { driver: 'yes' }, devicePlugin: plugin } },
      1,
      /^unloads {2}spec\.moduleSpec\.moduleLoader is removed/m,
    ],
    [
      '1 for a cluster that is left',
      { selector: { site: 'none' } },
      1,
      /^unloads {2}spec\.selector matches 1 cluster no longer/m,
    ],
    [
      '1 for another module in its place',
      {
        moduleSpec: {
          selector: { driver: 'yes' },
          moduleLoader: { container: { ...container, modprobe: { moduleName: 'other' } } },
        },
      },
      1,
      /^replaces {2}spec\.moduleSpec\.moduleLoader\.container\.modprobe\.moduleName changes: every node unloads the old module and loads the new/m,
    ],
    [
      '0 for one that is loaded anew',
      {
        moduleSpec: {
          selector: { driver: 'yes' },
          moduleLoader: {
            container: { ...container, modprobe: { moduleName: 'loaded', parameters: ['a=1'] } },
          },
        },
      },
      0,
      /^reloads {2}spec\.moduleSpec\.moduleLoader\.container\.modprobe changes: each node unloads the module and loads it again/m,
    ],
  ])('%s', async (_name, rest, expected, words) => {
    const { code, out } = await planOf(moduleOf('loaded', rest));

    expect(out).toMatch(words);
    expect(code).toBe(expected);
  });
});

it('names a namespace that the hub does not have', async () => {
  const { code, err } = await plan(mcm, '--namespace', 'nosuch');

  expect(code).toBe(1);
  expect(err).toContain('--namespace: https://hub.test has no namespace nosuch.');
});

it('plans every module of a file, and of standard input', async () => {
  const two = `${mcm}---\n${mcm.replace('name: kmod', 'name: other')}`;
  const { out } = await plan(two, '-f', '-', '-o', 'json');

  expect((JSON.parse(out) as ModulePlan[]).map(({ module }) => module)).toEqual(['kmod', 'other']);
});

describe('a file that cannot be planned is told with object, field and next step, and exit code 1', () => {
  it.each([
    [
      'a field that is wrong',
      mcm.replace('selector:', 'selektor:'),
      'ManagedClusterModule kmod: spec.selektor: Unknown field',
    ],
    [
      'nothing to plan',
      'kind: Secret',
      'a.yaml: kind: The file holds no ManagedClusterModule. Name a file with one.',
    ],
    ['no YAML', 'a: [', /a\.yaml: line 1, column \d+: This is not YAML: .+ Correct the syntax\./],
    ['an empty file', '', 'a.yaml: The file is empty. Put a Module or'],
  ])('%s', async (_name, text, words) => {
    const { code, out, err } = await plan(text);

    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(words);
  });
});
