import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createRegistryTransport, type RegistryTransport } from '@kmm-fleet/images';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import type { Env, Screen } from './output/terminal.ts';
import { UserError } from './output/user-error.ts';

/** What the commands touch of the world. */
export interface Io {
  readonly out: Screen;
  /** Errors and progress, so that output stays clean in a pipe. */
  readonly err: Screen;
  readonly env: Env;
  /** The YAML and JSON files of a folder, sorted; the name itself for anything else. */
  files(name: string, recursive: boolean): string[];
  /** Text of a file, or of standard input for `-`. */
  read(file: string): Promise<string>;
  /** Bytes of a file. @throws {Error} of the system, and one when there are more than `bytesMax` */
  readBytes(file: string, bytesMax: number): Promise<Uint8Array>;
  /** Names of the files in a folder. */
  list(folder: string): Promise<string[]>;
  /** Writes a file, and the folders that it is in, for the user's eyes only. @returns its bytes */
  save(file: string, text: string | AsyncIterable<string>): Promise<number>;
  transport(connection: KubeConnection): Transport;
  /** Sockets to registries. @param ca extra certificate authorities, PEM */
  registry(ca?: string): RegistryTransport;
  now(): Date;
}

/** The process's own streams, files and sockets. */
export function systemIo(): Io {
  return {
    out: screenOf(process.stdout),
    err: screenOf(process.stderr),
    env: process.env,
    files: filesOf,
    read: async (file) => (file === '-' ? text(process.stdin) : readFileSync(file, 'utf8')),
    readBytes,
    list: (folder) => readdir(folder),
    save,
    transport: createHttpTransport,
    registry: createRegistryTransport,
    now: () => new Date(),
  };
}

/** As `kubectl -f` does: files of a folder, and with `-R` of those in it; links to folders are not followed. */
function filesOf(name: string, recursive: boolean): string[] {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name];
  return manifestsIn(name, recursive).sort();
}

/** Node's own recursion follows links to folders, and one of them may lead back. */
function manifestsIn(folder: string, recursive: boolean): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return recursive ? manifestsIn(path, recursive) : [];
    return /\.(ya?ml|json)$/.test(entry.name) ? [path] : [];
  });
}

async function readBytes(file: string, bytesMax: number): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > bytesMax)
      throw new UserError(`${file} has ${size} bytes, more than ${bytesMax}. Name another file.`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** A call for each line of a log would cost more than all else. */
const WRITE_CHARS = 65_536;

async function save(file: string, text: string | AsyncIterable<string>): Promise<number> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'w', 0o600);
  try {
    let bytes = 0;
    let waiting = '';
    const flush = async () => {
      bytes += Buffer.byteLength(waiting);
      await handle.writeFile(waiting);
      waiting = '';
    };
    for await (const part of typeof text === 'string' ? [text] : text) {
      waiting += part;
      if (waiting.length >= WRITE_CHARS) await flush();
    }
    await flush();
    return bytes;
  } finally {
    await handle.close();
  }
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
