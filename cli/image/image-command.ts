import { imageWarnings, readCertificates, readImage, verifyImage } from '@kmm-fleet/images';
import type { Command } from 'commander';
import { readNamed } from '../input/named-file.ts';
import type { Io } from '../io.ts';
import { createPaint } from '../output/terminal.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';
import { advising } from './advice.ts';
import { findImage, type ImageOptions, withImage } from './image-source.ts';
import { renderInspect } from './render-inspect.ts';
import { renderVerify } from './render-verify.ts';

interface VerifyOptions extends ImageOptions {
  readonly cert: readonly string[];
  readonly kernel?: string;
  readonly files?: readonly string[];
}

const CERTIFICATE_BYTES_MAX = 1024 * 1024;

/** `kmm image inspect` and `kmm image verify`: what a module image holds, and what its signatures are worth. */
export function addImageCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const image = program.command('image').description('look into module images');
  withImage(image.command('inspect').description('kernels, modules, what they need and who signed them'))
    .addHelpText(
      'after',
      `
What will go wrong on a node comes first, as warnings; they do not fail.

Examples:
  kmm image inspect registry.example/team/my-kmod:6.1.0-55-amd64
  kmm image inspect oci:build/image -o json`,
    )
    .action(async (text: string, options: ImageOptions) => finish(await inspect(io, text, options)));
  withImage(image.command('verify').description('verify the signature of every module against certificates'))
    .requiredOption('--cert <file>', 'trusted certificates, PEM or DER; may be repeated', collect)
    .option('--kernel <release>', 'only modules in the folder of this kernel')
    .option('--files <glob>', 'only modules at these paths; may be repeated', collect)
    .addHelpText(
      'after',
      `
Exit code 0 says that every module chosen is signed by one of the certificates.

Example:
  kmm image verify registry.example/team/my-kmod:1 --cert signing.crt --files '/opt/**/a.ko'`,
    )
    .action(async (text: string, options: VerifyOptions) => finish(await verify(io, text, options)));
}

const collect = (value: string, before: readonly string[] = []) => [...before, value];

async function inspect(io: Io, text: string, options: ImageOptions): Promise<ExitCode> {
  const contents = await advising(text, async () => {
    const { source, reference, access } = await findImage(io, text, options);
    return readImage(source, reference, access, { architecture: options.arch });
  });
  const report = { warnings: imageWarnings(contents), ...contents, reference: text };
  const shown =
    options.output === 'json' ? JSON.stringify(report) : renderInspect(report, createPaint(io.out, io.env));
  io.out.write(`${shown}\n`);
  return EXIT.done;
}

async function verify(io: Io, text: string, options: VerifyOptions): Promise<ExitCode> {
  const { kernel, files = [] } = options;
  const trusted = (await Promise.all(options.cert.map((file) => certificatesIn(io, file)))).flat();
  const modules = await advising(text, async () => {
    const { source, reference, access } = await findImage(io, text, options);
    const request = { trusted, now: io.now(), kernel, files, architecture: options.arch };
    return verifyImage(source, reference, access, request);
  });
  if (modules.length === 0) throw new UserError(`${text}: ${nothingChosen(options)}`);
  const shown =
    options.output === 'json' ? JSON.stringify(modules) : renderVerify(modules, createPaint(io.out, io.env));
  io.out.write(`${shown}\n`);
  return modules.every(({ verdict }) => verdict === 'ok') ? EXIT.done : EXIT.failed;
}

async function certificatesIn(io: Io, file: string) {
  const next = 'Name a certificate in PEM or DER.';
  const bytes = await readNamed('--cert', file, next, () => io.readBytes(file, CERTIFICATE_BYTES_MAX));
  const certificates = readCertificates(bytes);
  if (certificates.length > 0) return certificates;
  throw new UserError(`--cert: ${file} holds no certificate that can be read. ${next}`);
}

/** A check that looked at nothing must not pass. */
function nothingChosen({ kernel, files = [] }: VerifyOptions): string {
  const kinds = [
    ...(kernel ? [`for kernel ${kernel}`] : []),
    ...(files.length > 0 ? [`at ${files.join(', ')}`] : []),
  ];
  return `The image holds no module${kinds.length > 0 ? ` ${kinds.join(' ')}` : ''}. See what it holds with kmm image inspect.`;
}
