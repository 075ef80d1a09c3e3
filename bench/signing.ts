import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRegistry, signImage, signModule } from '@kmm-fleet/images';
import { createMemoryRegistry, makeModule, pushImage, testPair } from '@kmm-fleet/images/testing';
import { unpackReference } from '@kmm-fleet/lab';
import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { type Figure, medianMs } from './measure.ts';

const FOLDER = '/opt/lib/modules/6.1.0';
const pair = testPair('rsa');

/** Signing one module file in place, beside the kernel's sign-file doing the same. */
export async function signBesideSignFile(bytes: number): Promise<Figure> {
  return withSignFile(async (signFile, work) => {
    const unsigned = moduleOf(bytes, 0);
    const file = join(work, 'a.ko');
    const reset = () => writeFileSync(file, unsigned);
    const ours = await medianMs(30, () => {
      reset();
      writeFileSync(file, signModule(readFileSync(file), pair));
    });
    const theirs = await medianMs(30, () => {
      reset();
      signFile(file);
    });
    const name = `sign one .ko of ${Math.round(bytes / 1024)} KiB beside sign-file`;
    return {
      name,
      value: `${ours.toFixed(1)} ms, ${theirs.toFixed(1)} there`,
      ratio: ours / theirs,
      ratioMax: 1,
    };
  });
}

/**
 * Signing an image of many modules, beside what a Dockerfile does without us: unpack the layer, run sign-file on each
 * module, pack a layer again.
 */
export async function signImageBesideSignFile(modules: number, bytes: number): Promise<Figure> {
  return withSignFile(async (signFile, work) => {
    const paths = Array.from({ length: modules }, (_, index) => `${FOLDER}/m${index}.ko`);
    const files = Object.fromEntries(paths.map((path, index) => [path, moduleOf(bytes, index)]));
    const ports = { transport: createMemoryRegistry(), clock: createManualClock(), random: createRandom(1) };
    const registry = createRegistry(ports);
    const [source, target] = ['registry.test/kmod:unsigned', 'registry.test/kmod:1'];
    await pushImage(registry, source, {}, files);
    const request = { source, target, sourceAccess: {}, targetAccess: {}, files: [], pair, labels: {} };
    const ours = await medianMs(5, () => signImage(registry, request));

    for (const [path, module] of Object.entries(files)) put(join(work, path), module);
    execFileSync('tar', ['-czf', 'layer.tar.gz', 'opt'], { cwd: work });
    const theirs = await medianMs(5, () => {
      execFileSync('tar', ['-xzf', 'layer.tar.gz'], { cwd: work });
      for (const path of paths) signFile(join(work, path));
      execFileSync('tar', ['-czf', 'signed.tar.gz', 'opt'], { cwd: work });
    });
    const name = `sign an image of ${modules} modules of ${Math.round(bytes / 1024)} KiB beside tar and sign-file`;
    return {
      name,
      value: `${ours.toFixed(0)} ms, ${theirs.toFixed(0)} there`,
      ratio: ours / theirs,
      ratioMax: 1,
    };
  });
}

async function withSignFile(
  measure: (signFile: (file: string) => void, work: string) => Promise<Figure>,
): Promise<Figure> {
  const folder = await unpackReference('sign-file');
  const [program = ''] = globSync(join(folder, 'usr/lib/linux-kbuild-*/scripts/sign-file'));
  const work = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  try {
    const [key, cert] = [join(work, 'key.pem'), join(work, 'cert.pem')];
    writeFileSync(key, pair.keyPem);
    writeFileSync(cert, pair.certPem);
    return await measure((file) => execFileSync(program, ['sha256', key, cert, file]), work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A module filled up with machine code, which packs as machine code does. */
function moduleOf(bytes: number, index: number): Buffer {
  const at = (index * bytes) % (code().byteLength - bytes);
  return Buffer.concat([makeModule({ name: `m${index}`, kernel: '6.1.0' }), code().subarray(at, at + bytes)]);
}

let program: Buffer | undefined;
function code(): Buffer {
  program ??= readFileSync(process.execPath).subarray(0, 64 * 1024 * 1024);
  return program;
}

function put(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
