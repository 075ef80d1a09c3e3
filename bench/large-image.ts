import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { createRegistry, createRegistryTransport, type Registry } from '@kmm-fleet/images';
import { makeModule } from '@kmm-fleet/images/testing';
import { makeServerCertificates, missingPrograms, runCommand, startRegistry } from '@kmm-fleet/lab';
import { systemClock as clock, systemRandom as random } from '@kmm-fleet/runtime';
import { pack } from 'tar-stream';
import { type Figure, medianMs } from './measure.ts';

const MIB = 1024 * 1024;
const RUNS = 3;
const LOGIN = { username: 'kmm', password: 's3cret' };
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

interface World {
  readonly folder: string;
  readonly address: string;
  readonly caFile: string;
  readonly registry: Registry;
  readonly access: { readonly dockerConfig: string };
}

/** An image of one layer as skopeo's `dir:` keeps it. */
interface ImageFolder {
  readonly path: string;
  readonly manifest: Buffer;
  readonly layer: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly config: { readonly digest: string };
}

/** Pushing and pulling one large layer beside skopeo, over TLS on this machine. Both read from and write to files. */
export async function throughputBesideSkopeo(mib: number): Promise<Figure[]> {
  const missing = missingPrograms(['skopeo', 'docker-registry', 'htpasswd', 'openssl']);
  if (missing.length > 0) return [notMeasured('push and pull beside skopeo', missing)];
  return withRegistry(async (world) => {
    // Each run has an image of its own: registry and skopeo know a blob that was pushed anywhere before.
    const images: ImageFolder[] = [];
    for (let n = 0; n < 2 * RUNS; n++) images.push(await makeImage(join(world.folder, `image-${n}`), mib));
    const [of, theirs] = [
      (n: number) => images[n] as ImageFolder,
      (n: number) => images[RUNS + n] as ImageFolder,
    ];
    const out = join(world.folder, 'out');
    const pushes = {
      ours: await timed((n) => push(world, of(n), `bench/ours-${n}:1`)),
      theirs: await timed((n) =>
        skopeo(world, `dir:${theirs(n).path}`, docker(world, `bench/theirs-${n}:1`)),
      ),
    };
    const pulls = {
      ours: await timed((n) => pull(world, `${world.address}/bench/ours-${n}:1`, of(n), `${out}-${n}`)),
      theirs: await timed((n) =>
        skopeo(world, docker(world, `bench/theirs-${n}:1`), `dir:${out}-folder-${n}`),
      ),
    };
    return [figure('push', mib, pushes), figure('pull', mib, pulls)];
  });
}

/** Peak memory of a process that signs an image of a GB, beside one that signs an image of 10 MB. */
export async function signingMemory(mib: number): Promise<Figure[]> {
  const missing = missingPrograms(['docker-registry', 'htpasswd', 'openssl']);
  if (missing.length > 0) return [notMeasured('memory of a large image', missing)];
  return withRegistry(async (world) => {
    const peaks: number[] = [];
    for (const size of [10, mib]) {
      await push(world, await makeImage(join(world.folder, `image-${size}`), size), `unsigned/of-${size}:1`);
      peaks.push(await peakMib(world, `unsigned/of-${size}:1`, `signed/of-${size}:1`));
    }
    const [small = 0, large = 0] = peaks;
    return [
      {
        name: `peak memory of signing an image of ${mib} MiB beside one of 10 MiB`,
        value: `${large.toFixed(0)} MiB, ${small.toFixed(0)} there`,
        ratio: large / small,
        ratioMax: 1.5,
      },
    ];
  });
}

/** What cannot be measured is above every limit: nobody is to take its absence for a good figure. */
function notMeasured(name: string, missing: readonly string[]): Figure {
  return { name, value: `not installed: ${missing.join(', ')}`, ratio: Number.NaN, ratioMax: 0 };
}

function figure(what: string, mib: number, { ours, theirs }: { ours: number; theirs: number }): Figure {
  const rate = (ms: number) => `${((mib * 1_000) / ms).toFixed(0)} MiB/s`;
  return {
    name: `${what} a layer of ${mib} MiB beside skopeo`,
    value: `${rate(ours)}, ${rate(theirs)} there`,
    ratio: ours / theirs,
    // One thread hashes, encrypts and writes here; skopeo has one for each.
    ratioMax: 2,
  };
}

async function timed(task: (run: number) => Promise<unknown>): Promise<number> {
  let run = 0;
  return medianMs(RUNS, () => task(run++));
}

async function withRegistry<T>(measure: (world: World) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const certificates = await makeServerCertificates(folder);
  const server = await startRegistry({
    directory: folder,
    storage: join(folder, 'storage'),
    certificate: certificates.server,
    ...LOGIN,
  });
  const { address } = server;
  const transport = createRegistryTransport(readFileSync(certificates.ca, 'utf8'));
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  writeFileSync(join(certs, 'ca.crt'), readFileSync(certificates.ca));
  try {
    return await measure({
      folder,
      address,
      caFile: certificates.ca,
      registry: createRegistry({ transport, clock, random }),
      access: { dockerConfig: JSON.stringify({ auths: { [address]: LOGIN } }) },
    });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One module among files that do not pack, as firmware and packed archives do not. */
async function makeImage(path: string, mib: number): Promise<ImageFolder> {
  mkdirSync(path, { recursive: true });
  const tar = pack();
  const filling = (async () => {
    const entry = (name: string, bytes: Uint8Array) =>
      new Promise<void>((resolve, reject) =>
        tar.entry({ name }, Buffer.from(bytes), (error) => (error ? reject(error) : resolve())),
      );
    await entry('opt/lib/modules/6.1.0/kmod.ko', makeModule({ name: 'kmod', kernel: '6.1.0' }));
    for (let n = 0; n < mib - 1; n++) await entry(`opt/data/${n}`, randomBytes(MIB));
    tar.finalize();
  })();
  const [diff, packed] = [createHash('sha256'), createHash('sha256')];
  let size = 0;
  const file = join(path, 'layer');
  await pipeline(
    tar as unknown as Readable,
    async function* (pieces) {
      for await (const piece of pieces as AsyncIterable<Buffer>) {
        diff.update(piece);
        yield piece;
      }
    },
    createGzip({ level: 0 }),
    async function* (pieces) {
      for await (const piece of pieces as AsyncIterable<Buffer>) {
        packed.update(piece);
        size += piece.byteLength;
        yield piece;
      }
    },
    createWriteStream(file),
  );
  await filling;
  const digest = packed.digest('hex');
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${diff.digest('hex')}`] },
    }),
  );
  const configDigest = createHash('sha256').update(config).digest('hex');
  const layer = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: `sha256:${digest}`,
    size,
  };
  const configPart = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${configDigest}`,
    size: config.byteLength,
  };
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: configPart, layers: [layer] }),
  );
  await runCommand('mv', [file, join(path, digest)]);
  writeFileSync(join(path, configDigest), config);
  writeFileSync(join(path, 'manifest.json'), manifest);
  writeFileSync(join(path, 'version'), 'Directory Transport Version: 1.1\n');
  return { path, manifest, layer, config: configPart };
}

const hexOf = (digest: string) => digest.slice('sha256:'.length);

async function push({ registry, address, access }: World, image: ImageFolder, name: string): Promise<void> {
  const target = `${address}/${name}`;
  for (const { digest } of [image.layer, image.config])
    await registry.putBlob(target, readFileSync(join(image.path, hexOf(digest))), access);
  await registry.putManifest(target, MANIFEST_TYPE, image.manifest, access);
}

async function pull({ registry, access }: World, reference: string, { layer }: ImageFolder, out: string) {
  await registry.image(reference, access);
  await pipeline(Readable.from(registry.stream(reference, layer, access)), createWriteStream(out));
}

const docker = ({ address }: World, name: string) => `docker://${address}/${name}`;

const skopeo = ({ folder }: World, from: string, to: string) => {
  const certs = join(folder, 'certs');
  const login = `${LOGIN.username}:${LOGIN.password}`;
  const side = from.startsWith('docker:') ? 'src' : 'dest';
  const options = [`--${side}-cert-dir=${certs}`, `--${side}-creds=${login}`];
  return runCommand('skopeo', ['--insecure-policy', 'copy', '--quiet', ...options, from, to]);
};

/** A process of its own signs, as the hub does, and tells what it needed. */
function peakMib({ address, caFile, access }: World, source: string, target: string): Promise<number> {
  const program = fileURLToPath(new URL('sign-large.ts', import.meta.url));
  const args = [program, `${address}/${source}`, `${address}/${target}`, caFile];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, DOCKER_CONFIG_JSON: access.dockerConfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  return new Promise((resolve, reject) =>
    child.on('close', (code) =>
      code === 0 ? resolve(Number(text) / 1_024) : reject(new Error(`signing ended with ${code}`)),
    ),
  );
}
