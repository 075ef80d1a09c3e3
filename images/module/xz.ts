import { spawn } from 'node:child_process';
import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';

export interface XzOptions {
  /** Bytes that may come out. */
  readonly bytesMax: number;
  readonly signal?: AbortSignal | undefined;
  /** Another program than the one of the system, for tests. */
  readonly program?: string;
}

/**
 * Options of the kernel's own `make modules_install` (scripts/Makefile.modinst): the kernel unpacks this check and no
 * other. One thread, so that equal bytes give equal bytes.
 */
const PACK = ['--compress', '--stdout', '--format=xz', '--check=crc32', '--lzma2=dict=1MiB', '--threads=1'];
/** The largest dictionary of `xz -9` is 64 MiB. */
const UNPACK = ['--decompress', '--stdout', '--format=xz', '--memlimit-decompress=128MiB', '--threads=1'];

/** Packs some bytes as the kernel packs its modules. @throws {AppError} PROGRAM_MISSING without an `xz` */
export const packXz = (bytes: Uint8Array, options: XzOptions) => runXz(PACK, bytes, options);

/**
 * Unpacks some bytes in a process of its own with bounded memory: they may come from anybody.
 *
 * @throws {AppError} IMAGE_INVALID when they are broken or too large; PROGRAM_MISSING without an `xz`
 */
export const unpackXz = (bytes: Uint8Array, options: XzOptions) => runXz(UNPACK, bytes, options);

/** The program reads from a pipe and ends with it, also when this process is killed. */
function runXz(args: readonly string[], input: Uint8Array, options: XzOptions): Promise<Buffer> {
  const { bytesMax, signal, program = 'xz' } = options;
  // XZ_OPT and XZ_DEFAULTS would change what comes out.
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, signal, stdio: ['pipe', 'pipe', 'pipe'] });
    const parts: Buffer[] = [];
    let size = 0;
    let words = '';
    child.stdout.on('data', (part: Buffer) => {
      size += part.byteLength;
      if (size <= bytesMax) parts.push(part);
      else child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(0, 1_000);
    });
    child.stdin.on('error', () => {}); // It stopped reading; its exit code tells why.
    child.on('error', (error) => reject(signal?.aborted ? error : notStarted(program, error)));
    child.on('close', (code) => {
      if (code === 0 && size <= bytesMax) resolve(Buffer.concat(parts));
      else reject(broken(size > bytesMax ? `it holds more than ${bytesMax} bytes` : words));
    });
    child.stdin.end(input);
  });
}

function notStarted(program: string, error: Error): AppError {
  const message = `${program} cannot be started (${error.message}); .ko.xz files need it.`;
  return new AppError('PROGRAM_MISSING', message, { cause: error });
}

function broken(words: string): AppError {
  const reason = plainText(words.replace(/^\S*xz: \(stdin\): /, '')) || 'it was interrupted';
  return new AppError('IMAGE_INVALID', `An xz file cannot be unpacked: ${reason.replace(/\.?$/, '.')}`);
}
