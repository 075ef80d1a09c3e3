import { parseImageReference } from '@kmm-fleet/api';
import { createRegistry, openImage, type RegistryAccess } from '@kmm-fleet/images';
import { systemClock, systemRandom } from '@kmm-fleet/runtime';
import { type Command, Option } from 'commander';
import { readNamed } from '../input/named-file.ts';
import type { Io } from '../io.ts';
import { type OutputOptions, outputOption } from '../output/format.ts';
import { UsageError, UserError } from '../output/user-error.ts';
import { pathHint } from './advice.ts';
import { findLogin } from './auth-file.ts';

export interface ImageOptions extends OutputOptions {
  readonly arch: string;
  readonly authfile?: string;
  readonly certDir?: string;
  readonly tlsVerify: 'true' | 'false';
  readonly plainHttp: boolean;
}

/** An image, wherever it is, and how it is asked for. */
export interface FoundImage extends Awaited<ReturnType<typeof openImage>> {
  readonly access: RegistryAccess;
}

const CA_BYTES_MAX = 1024 * 1024;

/** Options that all commands on images take, named as podman and skopeo name them. */
export function withImage(command: Command): Command {
  return command
    .argument('<image>', 'registry/repository:tag, oci:FOLDER[:TAG] or docker-archive:FILE')
    .option('--arch <architecture>', 'of an image for several', 'amd64')
    .option('--authfile <file>', 'logins; else $REGISTRY_AUTH_FILE, podman’s file, docker’s')
    .option('--cert-dir <folder>', 'certificates (*.crt) of authorities that the registry’s is by')
    .addOption(
      new Option('--tls-verify [bool]', 'whether its certificate must be good')
        .choices(['true', 'false'])
        .default('true')
        .preset('true'),
    )
    .option('--plain-http', 'the registry speaks HTTP', false)
    .addOption(outputOption());
}

/** Finds an image and the login for it. @throws {UserError} when a file that is named cannot be used */
export async function findImage(io: Io, text: string, options: ImageOptions): Promise<FoundImage> {
  const registry = createRegistry({
    transport: io.registry(await authorities(io, options.certDir)),
    clock: systemClock,
    random: systemRandom,
  });
  const readFile = (file: string, bytesMax: number) => io.readBytes(file, bytesMax).catch(ignoreMissing);
  const folder = /^oci:([^:]+)/.exec(text)?.[1];
  if (folder) await readNamed('oci', folder, 'Name a folder that buildah push wrote.', () => io.list(folder));
  const opened = await openImage(text, { registry, readFile });
  if (opened.source !== registry) return { ...opened, access: {} };
  const parsed = parseImageReference(opened.reference);
  if (!parsed.ok)
    throw new UsageError(`${parsed.findings[0]?.message} ${pathHint(text) ?? parsed.findings[0]?.nextStep}`);
  const read = (file: string) => io.read(file).catch(ignoreMissing);
  const dockerConfig = await findLogin(parsed.value, options.authfile, io.env, read);
  const access = {
    dockerConfig,
    insecure: options.plainHttp,
    insecureSkipTLSVerify: options.tlsVerify === 'false',
  };
  return { ...opened, access };
}

async function authorities(io: Io, folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const next = 'Name a folder with certificates (*.crt).';
  const listed = await readNamed('--cert-dir', folder, next, () => io.list(folder));
  const names = listed.filter((name) => name.endsWith('.crt')).sort();
  if (names.length === 0) throw new UserError(`--cert-dir: ${folder} holds no *.crt file. ${next}`);
  const texts = await Promise.all(
    names.map((name) =>
      readNamed('--cert-dir', `${folder}/${name}`, next, () =>
        io.readBytes(`${folder}/${name}`, CA_BYTES_MAX),
      ),
    ),
  );
  return texts.map((bytes) => Buffer.from(bytes).toString('latin1')).join('\n');
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return;
  throw error;
}
