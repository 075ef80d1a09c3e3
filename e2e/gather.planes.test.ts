import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificates, type Plane, planePrograms, startPlane } from '@kmm-fleet/lab';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');
const HUB = 'openshift-kmm-hub';
const core = (plural: string, kind: string, namespaced = true) => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
});

describe('kmm gather on a real kube-apiserver', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-planes-'));
  let plane: Plane;

  beforeAll(async () => {
    plane = await startPlane({
      name: 'gather',
      directory,
      programs: await planePrograms(() => {}),
      certificates: await makeServerCertificates(directory),
      users: [{ name: 'admin', groups: ['system:masters'] }, { name: 'nobody' }],
    });
    const transport = createHttpTransport(plane.connection());
    const client = createKubeClient({ transport, clock, random, userAgent: 'test' });
    const metadata = { namespace: HUB, name: 'thing' };
    await client.create(core('namespaces', 'Namespace', false), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: HUB },
    });
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: { password: 'plain words here' },
    };
    await client.create(core('secrets', 'Secret'), secret);
    const data = { note: 'it is plain words here, as the Secret says' };
    await client.create(core('configmaps', 'ConfigMap'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data,
    });
    await transport.close();
  });

  afterAll(async () => {
    await plane?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const gather = (user: string) => {
    const dir = join(directory, `out-${user}`);
    const args = [MAIN, 'gather', '-u', '--kubeconfig', plane.kubeconfig(user), '--dir', dir];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const read = (path: string) =>
      existsSync(join(dir, path)) ? readFileSync(join(dir, path), 'utf8') : undefined;
    return { status, stdout, stderr, read };
  };

  it('goes on without the kinds of KMM and OCM, and names them', () => {
    const { status, stderr, read } = gather('admin');

    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: \d+ things could not be read/);
    expect(read('summary.md')).toMatch(/managedclustermodules\.hub\.kmm\.sigs\.x-k8s\.io: GET .* 404/);
    expect(read('summary.md')).toMatch(/Kubernetes: v1\.\d+/);
  });

  it('masks the value of a Secret in what repeats it', () => {
    const { read } = gather('admin');

    expect(read(`inspect/namespaces/${HUB}/core/configmaps/thing.yaml`)).toContain(
      'it is <redacted>, as the Secret says',
    );
    expect(read(`inspect/namespaces/${HUB}/core/secrets/thing.yaml`)).toContain(
      'password: <redacted> (16 bytes)',
    );
  });

  it('ends with 1 for an account that may read nothing, and says so', () => {
    const { status, read } = gather('nobody');

    expect(status).toBe(1);
    expect(read('summary.md')).toContain('Nothing could be read');
    expect(read('summary.md')).toMatch(/secrets in openshift-kmm-hub: .*403.* Grant the missing right/);
  });
});
