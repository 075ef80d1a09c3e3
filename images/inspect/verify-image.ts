import type { X509Certificate } from 'node:crypto';
import type { ImageSource } from '../layers/pull-image.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { readFileList } from '../signing/file-list.ts';
import { type Judgement, judgeModule } from '../signing/verify-module.ts';
import { type OpenedModule, openModules, pullModules, type ReadOptions } from './read-image.ts';

export interface VerifyRequest extends Omit<ReadOptions, 'choose'> {
  readonly trusted: readonly X509Certificate[];
  readonly now: Date;
  /** Only modules of this folder of lib/modules. */
  readonly kernel?: string | undefined;
  /** Only modules at these paths or globs; none means all. */
  readonly files?: readonly string[];
}

/** A module with the verdict on its signature. */
export interface VerifiedModule extends Judgement {
  readonly path: string;
  /** '' outside of any folder of lib/modules. */
  readonly kernel: string;
}

/**
 * Verifies the signature of every module of an image, by path. An empty list says that none was chosen.
 *
 * @throws {AppError} as {@link pullModules} does
 */
export async function verifyImage(
  source: ImageSource,
  reference: string,
  access: RegistryAccess,
  request: VerifyRequest,
): Promise<VerifiedModule[]> {
  const { fs } = await pullModules(source, reference, access, request);
  const verified: VerifiedModule[] = [];
  for await (const module of openModules(fs, { ...request, choose: chooserOf(request) })) {
    verified.push({ ...judge(module, request), path: module.path, kernel: module.kernel });
  }
  return verified;
}

function chooserOf({ kernel, files = [] }: VerifyRequest): (path: string, kernel: string) => boolean {
  const { names, globsFor } = readFileList(files);
  return (path, its) => {
    if (kernel !== undefined && its !== kernel) return false;
    return files.length === 0 || names(path) || globsFor(path).length > 0;
  };
}

function judge({ content }: OpenedModule, { trusted, now }: VerifyRequest): Judgement {
  return 'problem' in content
    ? { verdict: 'malformed', reason: content.problem }
    : judgeModule(content, trusted, now);
}
