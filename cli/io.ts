import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import type { Env, Screen } from './output/terminal.ts';

/** What the commands touch of the world. */
export interface Io {
  readonly out: Screen;
  /** Errors and progress, so that output stays clean in a pipe. */
  readonly err: Screen;
  readonly env: Env;
  /** Text of a file, or of standard input for `-`. */
  read(file: string): Promise<string>;
  transport(connection: KubeConnection): Transport;
}

/** The process's own streams, files and sockets. */
export function systemIo(): Io {
  return {
    out: screenOf(process.stdout),
    err: screenOf(process.stderr),
    env: process.env,
    read: async (file) => (file === '-' ? text(process.stdin) : readFileSync(file, 'utf8')),
    transport: createHttpTransport,
  };
}

function screenOf(stream: NodeJS.WriteStream): Screen {
  // A reader that has seen enough, as `head`, is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY ?? false,
    get columns() {
      return stream.columns ?? 100;
    },
  };
}
