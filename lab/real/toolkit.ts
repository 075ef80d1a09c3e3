import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOven } from './bake-image.ts';
import { cacheDir } from './cache-dir.ts';
import type { ServerCertificates } from './certificates.ts';
import { SANDBOX_IMAGE } from './guests/guest-files.ts';
import type { LabKernels } from './kernels.ts';
import { type RealRegistry, startRegistry } from './registry.ts';
import { debianCodename, makeRootTar, SHELL } from './root-tar.ts';
import { makeToolkitImage, rootTarRecipe } from './toolkit-image.ts';

/** Images that a build starts from, as tags below the registry's address. */
export interface BaseImages {
  /** Compiler, make, kmod and the headers of the lab's kernels: what DTK_AUTO resolves to. */
  readonly toolkit: string;
  /** The last stage of a module image: sh, coreutils, kmod. */
  readonly runtime: string;
  /** C sources and firmware of the demo's two modules. */
  readonly source: string;
  readonly devicePlugin: string;
  /** OCI archive of {@link SANDBOX_IMAGE}: its only layer is that of `runtime`. */
  readonly sandbox: string;
  /** A folder of registry storage that holds all others; copy it to start a registry with them inside. */
  readonly storage: string;
}

type Progress = (line: string) => void;

/** Process 1 of its container, which SIGTERM ends only where it is asked for. */
const DEVICE_PLUGIN = "#!/bin/sh\ntrap 'exit 0' TERM\nsleep infinity &\nwait\n";

/** Raise when the recipe below changes: part of the cache's key. */
const RECIPE = 8;

/**
 * Makes the base images of the lab from the distribution's packages, once per machine and set of kernels
 * (about 40 s), and keeps them as registry storage in the cache.
 */
export async function makeBaseImages(
  kernels: LabKernels,
  certificates: ServerCertificates,
  sources: string,
  progress: Progress,
): Promise<BaseImages> {
  const codename = debianCodename();
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, codename, kernels, sourceTexts(sources)]))
    .digest('hex')
    .slice(0, 12);
  const storage = join(cacheDir(), `base-images-${key}`);
  const images = {
    toolkit: `driver-toolkit:${codename}`,
    runtime: `runtime:${codename}`,
    source: 'kmm-demo-source:1.0',
    devicePlugin: 'kmm-demo-device-plugin:1.0',
    sandbox: join(storage, 'sandbox.tar'),
    storage,
  };
  if (existsSync(storage)) return images;
  progress(`making the toolkit image for ${Object.values(kernels).join(', ')} (once, about 40 s)`);
  await makeStorage(images, kernels, certificates, sources, progress);
  return images;
}

async function makeStorage(
  images: BaseImages,
  kernels: LabKernels,
  certificates: ServerCertificates,
  sources: string,
  progress: Progress,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kmm-base-images-'));
  const storage = join(work, 'storage');
  const login = { username: 'base', password: 'base' };
  try {
    const registry = await startRegistry({
      directory: work,
      storage,
      certificate: certificates.server,
      ...login,
    });
    try {
      const access = writeAccess(registry, certificates.ca, work);
      await Promise.all([
        makeToolkitImage(
          { kernels: Object.values(kernels), image: `${registry.address}/${images.toolkit}`, ...access },
          progress,
        ),
        makeRootTar(join(work, 'runtime.tar'), SHELL),
      ]);
      progress('pushing the base images into the cache');
      await pushBaseImages(images, registry.address, access, work, sources);
    } finally {
      await registry.stop();
    }
    const oven = createOven(work);
    await oven.bake(SANDBOX_IMAGE, `${rootTarRecipe('runtime.tar')}ENTRYPOINT ["sleep", "infinity"]\n`);
    await oven.push(SANDBOX_IMAGE, [], `oci-archive:${join(storage, 'sandbox.tar')}:${SANDBOX_IMAGE}`);
    renameOrCopy(storage, images.storage);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What a registry is pushed to with. */
interface PushAccess {
  readonly authfile: string;
  readonly certDir: string;
}

function writeAccess({ address, username, password }: RealRegistry, ca: string, work: string): PushAccess {
  const access = { authfile: join(work, 'auth.json'), certDir: join(work, 'certs') };
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  writeFileSync(access.authfile, JSON.stringify({ auths: { [address]: { auth } } }), { mode: 0o600 });
  mkdirSync(access.certDir);
  cpSync(ca, join(access.certDir, 'ca.crt'));
  return access;
}

/** Builds and pushes the other images, from the tar in `work`. */
async function pushBaseImages(
  images: BaseImages,
  address: string,
  { authfile, certDir }: PushAccess,
  work: string,
  sources: string,
): Promise<void> {
  cpSync(sources, join(work, 'source'), { recursive: true });
  writeFileSync(join(work, 'device-plugin'), DEVICE_PLUGIN, { mode: 0o755 });
  const recipes: [string, string][] = [
    [images.runtime, rootTarRecipe('runtime.tar')],
    [images.source, 'FROM scratch\nCOPY source /\n'],
    // Its layers are there already wherever a module's image is.
    [images.devicePlugin, `FROM ${address}/${images.runtime}\nCOPY device-plugin /usr/bin/device-plugin\n`],
  ];
  const oven = createOven(work);
  for (const [name, recipe] of recipes) {
    const reference = `${address}/${name}`;
    await oven.bake(reference, recipe);
    await oven.push(reference, ['--authfile', authfile, '--cert-dir', certDir]);
  }
}

function sourceTexts(directory: string): string[] {
  const names = ['Makefile', 'kmm_demo_a.c', 'kmm_demo_b.c', 'firmware/kmm-demo.bin'];
  return names.map((name) => readFileSync(join(directory, name), 'utf8'));
}

function renameOrCopy(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  cpSync(from, partial, { recursive: true });
  renameSync(partial, to);
}
