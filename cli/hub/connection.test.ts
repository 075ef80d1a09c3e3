import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestHub, HUB_SERVER, kubeconfig } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';

const world = createTestHub();
const file = join(world.folder, 'kubeconfig');
const status = (...flags: string[]) =>
  kmm(['status', ...flags], { env: { KUBECONFIG: file }, transport: world.transport });

afterAll(() => rmSync(world.folder, { recursive: true }));
beforeEach(() => world.hub.setFault(undefined));

it('reads the hub of $KUBECONFIG', async () => {
  expect(await status()).toEqual({
    code: 0,
    out: 'No ManagedClusterModule is on this hub. Apply one: kubectl apply -f FILE\n',
    err: '',
  });
});

describe('what cannot be read is one line with object and next step, and exit code 1', () => {
  const broken = (name: string, text: string) => {
    const path = join(world.folder, name);
    writeFileSync(path, text);
    return path;
  };
  it.each([
    [
      'a kubeconfig that is not there',
      ['--kubeconfig', '/none'],
      'Kubeconfig /none does not exist. Choose another',
    ],
    [
      'a context that is not there',
      ['--context', 'none'],
      `${file} has no usable context "none". It has: hub, east. Choose another`,
    ],
    [
      'a kubeconfig that is no YAML',
      ['--kubeconfig', broken('no-yaml', 'a: [')],
      /^kmm: Kubeconfig \S+no-yaml.+ Choose another/,
    ],
    [
      'a server that is no URL',
      ['--kubeconfig', broken('no-url', kubeconfig({ hub: 'nowhere' }))],
      /server "nowhere" is no address like .+ Choose another/,
    ],
    [
      'a cluster that is no hub',
      ['--context', 'east'],
      'https://east.test knows no managedclustermodules.hub.kmm.sigs.x-k8s.io, so it is not a KMM hub. Choose the hub',
    ],
    [
      'a module that is not there',
      ['none'],
      `ManagedClusterModule none is not on ${HUB_SERVER}. List what is there`,
    ],
  ])('%s', async (_name, flags, words) => {
    const { code, out, err } = await status(...flags);

    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(words);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('a right that is missing', async () => {
    world.hub.setFault(() => ({ status: 403 }));
    const { code, err } = await status();

    expect(code).toBe(1);
    expect(err).toMatch(/^kmm: GET \S+managedclustermodules: 403.*\. Grant the missing right/);
  });
});
