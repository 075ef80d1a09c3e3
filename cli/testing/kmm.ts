import type { KubeConnection, Transport } from '@kmm-fleet/runtime';
import type { Screen } from '../output/terminal.ts';
import type { ExitCode } from '../output/user-error.ts';
import { run } from '../program.ts';

/** What a command finds in a test; whatever is not named is not there. */
export interface World {
  /** Texts by file name; `-` is standard input. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  /** Who answers, by the server of the kubeconfig. */
  readonly transport?: (connection: KubeConnection) => Transport;
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
    files: (name) => [name],
    read: async (file) => world.files?.[file] ?? missing(file),
    transport: world.transport ?? (() => missing('transport')),
  });
  return { code, out: out.text(), err: err.text() };
}

/** A terminal or a pipe that keeps what was written. */
export function createScreen(isTTY = false, columns = 100): Screen & { text(): string } {
  const written: string[] = [];
  return { write: (text) => void written.push(text), isTTY, columns, text: () => written.join('') };
}

function missing(file: string): never {
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${file}'`), {
    code: 'ENOENT',
    syscall: 'open',
  });
}
