import { AppError, isAppError } from '@kmm-fleet/runtime';
import type { ImageFs } from '../layers/image-fs.ts';
import { type ImageSource, type PulledImage, pullImage } from '../layers/pull-image.ts';
import { LAYER_LIMITS } from '../layers/read-layer.ts';
import { compressionOf, isModuleName, MODULE_BYTES_MAX, unpackModule } from '../module/pack-module.ts';
import { readModule } from '../module/read-module.ts';
import { plainText } from '../registry/plain-text.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { readSignature } from '../signing/module-signature.ts';
import type { BadLink, ImageContents, KernelFolder, ModuleDetails, ModuleFile } from './image-contents.ts';
import { firmwareFiles, leavesRoot, moduleNameOf, placeOf, readModulesDep } from './module-folders.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Of an image for several; `amd64` when left out. */
  readonly architecture?: string;
  /** Bytes of all unpacked modules together; a GiB when left out. */
  readonly modulesBytesMax?: number;
  /** Which modules are unpacked at all; all when left out. */
  readonly choose?: (path: string, kernel: string) => boolean;
}

/** A module that cannot be unpacked may have cost as much as one that can. */
const BROKEN_MAX = 20;
/** depmod's list of all modules of a distribution has less than 1 MiB. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;
/** Dependencies, parameters and firmware of all modules of a distribution are some 20,000. */
const TEXTS_MAX = 500_000;

/** A module file with its bytes, unpacked where that is possible. */
export interface OpenedModule {
  readonly path: string;
  /** '' outside of any folder of lib/modules. */
  readonly kernel: string;
  readonly packed: Uint8Array;
  readonly content: Uint8Array | { readonly problem: string };
}

/** An image of which only the modules and the lists of depmod were kept. @throws {AppError} as {@link pullImage} does */
export function pullModules(
  source: ImageSource,
  reference: string,
  access: RegistryAccess,
  { signal, architecture }: ReadOptions = {},
): Promise<PulledImage> {
  const keep = (path: string) => isModuleName(path) || path.endsWith('/modules.dep');
  return pullImage(source, reference, access, {
    keep,
    ...(signal && { signal }),
    ...(architecture && { architecture }),
  });
}

/** The modules of an image, one after another, by path: only one is unpacked at a time. */
export async function* openModules(
  fs: ImageFs,
  { signal, modulesBytesMax = LAYER_LIMITS.layerBytesMax, choose = () => true }: ReadOptions = {},
): AsyncGenerator<OpenedModule> {
  let left = modulesBytesMax;
  let broken = 0;
  for (const path of fs.paths().filter(isModuleName)) {
    const entry = fs.lookup(path, true);
    const kernel = placeOf(path)?.kernel ?? '';
    if (entry?.type !== 'file' || !choose(path, kernel)) continue;
    const bytesMax = Math.min(left, MODULE_BYTES_MAX);
    const content = await unpackModule(entry.bytes, bytesMax, signal).catch(problemOf);
    if (!('problem' in content)) left -= content.byteLength;
    else if (++broken > BROKEN_MAX)
      throw invalid(`has more than ${BROKEN_MAX} modules that cannot be unpacked`);
    yield { path, kernel, packed: entry.bytes, content };
  }
}

/**
 * Reads what an image holds for kernels. What is wrong with a single module stands beside it.
 *
 * @throws {AppError} IMAGE_NOT_FOUND, IMAGE_INVALID and what the source throws; PROGRAM_MISSING when xz is needed
 */
export async function readImage(
  source: ImageSource,
  reference: string,
  access: RegistryAccess,
  options: ReadOptions = {},
): Promise<ImageContents> {
  const { fs, digest, config } = await pullModules(source, reference, access, options);
  const paths = fs.paths();
  const firmware = firmwareFiles(paths.filter((path) => fs.lookup(path, true)?.type !== 'directory'));
  const modules: ModuleFile[] = [];
  let texts = 0;
  for await (const opened of openModules(fs, options)) {
    const file = describe(opened, firmware);
    texts += textsIn(file);
    if (texts > TEXTS_MAX) throw invalid(`has modules that list more than ${TEXTS_MAX} things`);
    modules.push(file);
  }
  return {
    reference,
    digest,
    architecture: config.architecture ?? '',
    kernels: kernelFolders(fs, modules),
    firmware: [...firmware.values()].sort(),
    links: paths.flatMap((path) => badLink(fs, path)),
  };
}

function describe(
  { path, packed, content }: OpenedModule,
  firmware: ReadonlyMap<string, string>,
): ModuleFile {
  const file = { path, compression: compressionOf(packed), packedBytes: packed.byteLength };
  if ('problem' in content) return { ...file, name: moduleNameOf(path), problem: content.problem };
  try {
    const { name, details } = readDetails(content, firmware);
    return { ...file, name: name || moduleNameOf(path), details };
  } catch (error) {
    return { ...file, name: moduleNameOf(path), ...problemOf(error) };
  }
}

function readDetails(module: Uint8Array, firmware: ReadonlyMap<string, string>) {
  const info = readModule(module);
  const signature = readSignature(module);
  const vermagic = plain(info.vermagic);
  const details: ModuleDetails = {
    bytes: module.byteLength,
    vermagic,
    kernel: vermagic.split(' ')[0] ?? '',
    architecture: info.architecture,
    license: plain(info.license),
    depends: info.depends.map(plain),
    softdeps: info.softdeps.map(plain),
    parameters: info.parameters.map(plain),
    firmware: info.firmware.map((file) => {
      const path = firmware.get(file);
      return { file: plain(file), ...(path !== undefined && { path }) };
    }),
    ...(signature && { signature }),
  };
  return { name: plain(info.name), details };
}

function kernelFolders(fs: ImageFs, modules: readonly ModuleFile[]): KernelFolder[] {
  const groups = Map.groupBy(modules, ({ path }) => placeOf(path)?.folder ?? '');
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, files]) => {
      const list = folder ? fs.readFile(`${folder}/modules.dep`) : undefined;
      if (list && list.byteLength > LIST_BYTES_MAX)
        throw invalid(`has a modules.dep of ${list.byteLength} bytes`);
      const order = readModulesDep(Buffer.from(list ?? []).toString('utf8'), folder);
      return {
        kernel: placeOf(files[0]?.path ?? '')?.kernel ?? '',
        folder,
        hasDepmod: list !== undefined,
        modules: files.map((file) => withOrder(file, order.get(file.path))),
      };
    });
}

function withOrder(file: ModuleFile, loadsBefore: readonly string[] | undefined): ModuleFile {
  return file.details && loadsBefore ? { ...file, details: { ...file.details, loadsBefore } } : file;
}

function badLink(fs: ImageFs, path: string): BadLink[] {
  const entry = fs.lookup(path, true);
  if (entry?.type !== 'symlink') return [];
  const { target } = entry;
  if (leavesRoot(path, target)) return [{ path, target, problem: 'leaves-root' }];
  const isDead = isModuleName(path) && fs.realPath(path) === undefined;
  return isDead ? [{ path, target, problem: 'leads-nowhere' }] : [];
}

function textsIn({ details }: ModuleFile): number {
  if (!details) return 0;
  const { depends, softdeps, parameters, firmware } = details;
  return depends.length + softdeps.length + parameters.length + firmware.length;
}

const invalid = (problem: string) => new AppError('IMAGE_INVALID', `The image ${problem}.`);

/** What is wrong with one module; what is wrong with more is thrown on. */
function problemOf(error: unknown): { readonly problem: string } {
  if (isAppError(error) && error.code === 'IMAGE_INVALID') return { problem: error.message };
  throw error;
}

/** Texts in modules are somebody else's. */
const plain = (text: string) => plainText(text, 200);
