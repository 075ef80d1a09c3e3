import { describeFinding, parseImageReference, withDigest } from '@kmm-fleet/api';
import { installPrograms, isRoot, kernelsWithHeaders, makeToolkitImage } from '@kmm-fleet/lab';
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { messageOf, UsageError, UserError } from '../output/user-error.ts';
import { catalogueCommand, catalogueEntry } from './catalogue-entry.ts';
import { missingHeaders } from './missing-headers.ts';

interface ToolkitOptions {
  readonly kernel: readonly string[];
  readonly image: string;
  readonly authfile?: string;
  readonly certDir?: string;
}

/** What Debian calls kernels. */
const RELEASE = /^[0-9][-.+a-z0-9]{0,63}$/;

/** `kmm toolkit build`: an image that DTK_AUTO can stand for, from the headers that the distribution has of a kernel. */
export function addToolkitCommands(program: Command, io: Io): void {
  program
    .command('toolkit')
    .description('make images in which modules are built')
    .command('build')
    .description("make a toolkit image for kernels of this machine's Debian release, and push it; needs root")
    .requiredOption('--kernel <release>', 'a kernel, as uname -r says it; may be repeated', collect)
    .requiredOption('--image <ref>', 'where the image is pushed')
    .option('--authfile <file>', 'logins of registries, as in .docker/config.json')
    .option('--cert-dir <folder>', 'with certificates of the registry')
    .addHelpText(
      'after',
      `
It prints the command that adds the image to the catalogue of a hub. docs/toolkits.md has
recipes for other distributions.

Example:
  kmm toolkit build --kernel 6.1.0-55-amd64 --image registry.example.com/driver-toolkit:bookworm`,
    )
    .action((options: ToolkitOptions) => build(io, options));
}

const collect = (value: string, before: readonly string[] = []) => [...before, value];

async function build(io: Io, { kernel: kernels, image, authfile, certDir }: ToolkitOptions): Promise<void> {
  const odd = kernels.find((release) => !RELEASE.test(release));
  if (odd !== undefined)
    throw new UsageError(`--kernel ${odd} is no release of a kernel. Write it as uname -r does.`);
  const reference = parseImageReference(image);
  if (!reference.ok) throw new UsageError(`--image: ${reference.findings.map(describeFinding).join(' ')}`);
  if (!isRoot())
    throw new UserError('Unpacking a distribution and building an image need root. Run this as root.');
  const progress = (line: string) => io.err.write(`${line}\n`);
  try {
    await installPrograms(['buildah', 'mmdebstrap'], progress);
    const missing = missingHeaders(kernels, await kernelsWithHeaders(kernels));
    if (missing !== undefined) throw new UserError(missing);
    const digest = await makeToolkitImage({ kernels, image, authfile, certDir }, progress);
    const pinned = withDigest(reference.value, digest);
    io.out.write(`${pinned}\n${catalogueCommand(catalogueEntry(kernels, pinned))}\n`);
  } catch (error) {
    throw new UserError(messageOf(error));
  }
}
