import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KERNEL_CLAIM, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { digestOf, mcmObject } from '../../hub/testing/fixtures.ts';
import { managedCluster, nodeOf, ready, reported, worksFor } from '../testing/fixtures.ts';
import { createTestHub, EAST_SERVER, HUB_SERVER, kubeconfig } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';
import type { ModuleTree } from './status-tree.ts';

const world = createTestHub();
const KERNEL = '6.1.0-1';
const status = (env: Record<string, string>, ...flags: string[]) =>
  kmm(['status', ...flags], {
    env: { KUBECONFIG: join(world.folder, 'kubeconfig'), ...env },
    transport: world.transport,
  });

/** What a lab that runs here leaves; this process stands for the lab's. */
function labWith(hub: string): string {
  const folder = join(world.folder, hub.replaceAll(/\W/g, '-'));
  const clusters = [
    { name: 'hub', server: hub },
    { name: 'east', server: EAST_SERVER },
  ];
  const state = { pid: process.pid, registry: 'registry.test', kernels: {}, clusters, processes: {} };
  mkdirSync(folder);
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
  writeFileSync(join(folder, 'east.kubeconfig'), kubeconfig({ east: EAST_SERVER }));
  return folder;
}

let lab = '';
let otherLab = '';

beforeAll(async () => {
  const { client, eastClient } = world;
  const mcm = mcmObject();
  const stored = await client.create(RESOURCES.managedClusterModule, {
    ...mcm,
    metadata: { name: mcm.metadata.name },
  });
  const claims = { status: { clusterClaims: [{ name: KERNEL_CLAIM, value: KERNEL }] } };
  const options = { fieldManager: 'test', subresource: 'status' } as const;
  await client.mergePatch(RESOURCES.managedCluster, { name: 'east' }, claims, options);
  const numbers = { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 1 };
  const [work] = worksFor(
    stored,
    [managedCluster('east', [KERNEL])],
    { [KERNEL]: ready('a') },
    reported(numbers),
  );
  const { metadata, ...rest } = work as unknown as KubeObject;
  const name = { namespace: 'east', name: metadata.name };
  const { labels = {}, ownerReferences = [] } = metadata;
  await client.create(RESOURCES.manifestWork, { ...rest, metadata: { ...name, labels, ownerReferences } });
  await client.mergePatch(RESOURCES.manifestWork, name, { status: rest['status'] }, options);
  await eastClient.create(CORE.node, nodeOf('a', KERNEL));
  lab = labWith(HUB_SERVER);
  otherLab = labWith('https://another.test');
});
beforeEach(() => world.east.setFault(undefined));
afterAll(() => rmSync(world.folder, { recursive: true }));

const last = (out: string) => out.trimEnd().split('\n').at(-1);

it('reads only the hub outside a lab, and says so with what the cluster counts', async () => {
  const { code, out } = await status({});

  expect(code).toBe(0);
  expect(out.split('\n').slice(0, 3)).toEqual([
    'kmod  NotReported  The hub has not reported on the module as it is now. Check that KMM-Hub runs.',
    '└─ east  ImageWanted',
    expect.stringMatching(`^   ├─ ${KERNEL}  registry.test/kmod@sha256:a{12}…  ImageWanted  ModuleImage`),
  ]);
  expect(out.trimEnd().split('\n').slice(-3)).toEqual([
    '   └─ nodes  1 of 2 have the module  (counted by the cluster)',
    '',
    'Nodes are listed for a lab only: a hub has no credentials of its clusters. On a cluster: kubectl get pods -A -o wide -l kmm.node.kubernetes.io/module.name',
  ]);
});

it('asks the nodes in a lab', async () => {
  const { out } = await status({ KMM_LAB_DIR: lab });

  expect(last(out)).toBe('      └─ a  NoPod  No module-loader pod is on the node. Check its taints.');
});

it('does not take the nodes of a lab for those of another hub', async () => {
  expect(last((await status({ KMM_LAB_DIR: otherLab })).out)).toMatch(/^Nodes are listed for a lab only/);
});

it('finds the lab that the kubeconfig belongs to, from any folder', async () => {
  writeFileSync(join(lab, 'kubeconfig'), kubeconfig({ hub: HUB_SERVER }));
  const { out } = await status({ KUBECONFIG: join(lab, 'kubeconfig') }, '--context', 'hub');

  expect(last(out)).toMatch(/└─ a  NoPod/);
});

it('goes on without a cluster that does not answer, and says why and what to do', async () => {
  world.east.setFault(() => ({ status: 403 }));
  const { code, out } = await status({ KMM_LAB_DIR: lab });

  expect(code).toBe(0);
  expect(last(out)).toMatch(
    /1 of 2 have the module {2}\(counted by the cluster; its nodes cannot be asked: GET \S+: 403.*Grant the missing right/,
  );
});

it('tells one module by its name', async () => {
  expect((await status({}, 'kmod')).out).toContain('└─ east');
});

it('keeps the shape of its JSON', async () => {
  const [tree] = JSON.parse((await status({ KMM_LAB_DIR: lab }, '-o', 'json')).out) as ModuleTree[];

  expect(tree).toMatchObject({ module: 'kmod', state: 'Unknown', reason: 'NotReported' });
  expect(tree?.clusters).toEqual([
    {
      cluster: 'east',
      state: 'Progressing',
      reason: 'ImageWanted',
      message: expect.any(String),
      kernels: [
        {
          kernel: KERNEL,
          image: `registry.test/kmod@${digestOf('a')}`,
          state: 'ImageWanted',
          message: expect.any(String),
          nodes: [{ node: 'a', state: 'NoPod', message: expect.any(String) }],
        },
      ],
      reported: { moduleLoader: { matching: 0, desired: 2, available: 1 } },
    },
  ]);
});
