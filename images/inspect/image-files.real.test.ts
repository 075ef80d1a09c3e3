import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signModule } from '../signing/module-signature.ts';
import { makeModule } from '../testing/make-module.ts';
import { pushImage } from '../testing/push-image.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { testPair } from '../testing/test-keys.ts';
import { openImage } from './open-image.ts';
import { readImage } from './read-image.ts';
import { verifyImage } from './verify-image.ts';

const skip = skipReason('skopeo');
const PATH = '/opt/lib/modules/6.1.0/kmm_a.ko';

describe.skipIf(skip)(`images in files, as skopeo writes them${skip ? ` (${skip})` : ''}`, () => {
  let world: RealRegistryWorld;
  let folder: string;
  beforeAll(async () => {
    world = await startRealRegistry();
    folder = mkdtempSync(join(world.directory, 'files-'));
    const reference = `${world.address}/kmod:1`;
    const module = signModule(makeModule({ name: 'kmm_a', kernel: '6.1.0' }), testPair('rsa'));
    await pushImage(world.registry, reference, world.access, { [PATH]: module });
    const login = ['--src-creds', 'kmm:s3cret', '--src-tls-verify=false'];
    const targets = ['oci:layout:one', 'oci-archive:oci.tar:one', 'docker-archive:docker.tar:kmod:one'];
    for (const target of targets)
      execFileSync(
        findProgram('skopeo') ?? 'skopeo',
        ['copy', '-q', ...login, `docker://${reference}`, target],
        {
          cwd: folder,
        },
      );
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await world.close();
  });

  it.each([
    'oci:layout',
    'oci:layout:one',
    'oci-archive:oci.tar:one',
    'docker-archive:docker.tar',
    'docker-archive:docker.tar:docker.io/library/kmod:one',
  ])('%s holds the module with its signature', async (image) => {
    const ports = { registry: world.registry, readFile: (name: string) => readFile(join(folder, name)) };
    const { source, reference } = await openImage(image, ports);
    const trusted = [testPair('rsa').certificate];

    expect((await readImage(source, reference, {})).kernels).toMatchObject([
      { kernel: '6.1.0', modules: [{ path: PATH, name: 'kmm_a' }] },
    ]);
    expect(await verifyImage(source, reference, {}, { trusted, now: new Date('2030-01-01') })).toMatchObject([
      { path: PATH, verdict: 'ok' },
    ]);
  });
});
