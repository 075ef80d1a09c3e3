import type { RegistryTransport } from '@kmm-fleet/images';
import type { KubeConnection, Transport } from '@kmm-fleet/runtime';
import type { Screen } from '../output/terminal.ts';
import type { ExitCode } from '../output/user-error.ts';
import { run } from '../program.ts';

/** What a command finds in a test; whatever is not named is not there. */
export interface World {
  /** Contents by file name; `-` is standard input. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  /** Who answers, by the server of the kubeconfig. */
  readonly transport?: (connection: KubeConnection) => Transport;
  readonly registry?: (ca?: string) => RegistryTransport;
  readonly now?: Date;
  /** Where written files go, by name. */
  readonly saved?: Map<string, string>;
}

export interface Outcome {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in a world of its own. */
export async function kmm(args: readonly string[], world: World = {}): Promise<Outcome> {
  const [out, err] = [createScreen(world.isTTY), createScreen(world.isTTY)];
  const code = await run(args, {
    out,
    err,
    // A lab that is up on this machine is no part of a test.
    env: { KMM_LAB_DIR: '/nonexistent/lab', ...world.env },
    files: (name) => (name.endsWith('/') ? [] : [name]),
    read: async (file) => Buffer.from(world.files?.[file] ?? missing(file)).toString('utf8'),
    readBytes: async (file) => Buffer.from(world.files?.[file] ?? missing(file)),
    list: async (folder) => namesIn(folder, world.files ?? {}),
    save: async (file, text) => {
      let written = '';
      for await (const part of typeof text === 'string' ? [text] : text) written += part;
      (world.saved ?? missing(file)).set(file, written);
      return Buffer.byteLength(written);
    },
    transport: world.transport ?? (() => missing('transport')),
    registry: world.registry ?? (() => missing('registry')),
    now: () => world.now ?? new Date('2030-01-01'),
  });
  return { code, out: out.text(), err: err.text() };
}

/** A terminal or a pipe that keeps what was written. */
export function createScreen(isTTY = false, columns = 100): Screen & { text(): string } {
  const written: string[] = [];
  return { write: (text) => void written.push(text), isTTY, columns, text: () => written.join('') };
}

function namesIn(folder: string, files: NonNullable<World['files']>): string[] {
  const inside = Object.keys(files).filter((file) => file.startsWith(`${folder}/`));
  return inside.length > 0 ? inside.map((file) => file.slice(folder.length + 1)) : missing(folder);
}

function missing(file: string): never {
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${file}'`), {
    code: 'ENOENT',
    syscall: 'open',
  });
}
