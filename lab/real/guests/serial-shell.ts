import { connect, type Socket } from 'node:net';

/** What a command printed, and its exit code. */
export interface ShellResult {
  readonly code: number;
  readonly output: string;
}

/** A shell behind a serial port, one command at a time. */
export interface SerialShell {
  /** Resolves when the shell has said that it is there. */
  ready(timeoutMs: number): Promise<void>;
  /** @throws {Error} when the machine ends, or says nothing in time */
  run(command: string, timeoutMs?: number): Promise<ShellResult>;
  close(): void;
}

/** Each command has a number, by which an answer that comes too late is not taken for that of the next one. */
const EXIT = /GUEST EXIT (\d+) (\d+)\r?\n/;
const COMMAND_MS = 60_000;
/** Of a machine that never stops talking. */
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;

/** Speaks to the shell on a UNIX socket of qemu's. */
export async function openSerialShell(path: string): Promise<SerialShell> {
  const socket = await connected(path);
  socket.setEncoding('utf8');
  let heard = '';
  let isReady = false;
  let isOver = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  socket.on('data', (text: string) => {
    heard = (heard + text).slice(-OUTPUT_CHARS_MAX);
    const at = heard.lastIndexOf('GUEST READY');
    if (at >= 0 && heard.includes('\n', at)) {
      isReady = true;
      heard = heard.slice(heard.indexOf('\n', at) + 1);
    }
    tell();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isOver = true;
    tell();
  });

  const until = <T>(what: string, found: () => T | undefined, timeoutMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        listeners.delete(look);
      };
      const fail = (why: string) => {
        end();
        reject(new Error(`${what}: ${why}${heard ? `; it said: ${heard.slice(-300)}` : ''}`));
      };
      const look = () => {
        const result = found();
        if (result === undefined) return isOver ? fail('the machine has ended') : undefined;
        end();
        resolve(result);
      };
      const timer = setTimeout(() => fail(`nothing in ${timeoutMs / 1_000} s`), timeoutMs);
      listeners.add(look);
      look();
    });

  let count = 0;
  const once = async (command: string, timeoutMs: number): Promise<ShellResult> => {
    count += 1;
    const own = `${count}`;
    heard = '';
    socket.write(`${own} ${command.replaceAll('\n', '; ')}\n`);
    return until(command.slice(0, 80), () => answerIn(heard, own), timeoutMs);
  };

  let last: Promise<unknown> = Promise.resolve();
  return {
    async ready(timeoutMs) {
      await until('the start of the machine', () => isReady || undefined, timeoutMs);
    },
    run(command, timeoutMs = COMMAND_MS) {
      const result = last.then(() => once(command, timeoutMs));
      last = result.catch(() => {});
      return result;
    },
    close: () => void socket.destroy(),
  };
}

/** What a shell said of the command with this number, once it has said all. */
export function answerIn(heard: string, command: string): ShellResult | undefined {
  // Output, number and code of each command, one after the other.
  const said = heard.split(EXIT);
  const at = said.findIndex((text, index) => index % 3 === 1 && text === command);
  if (at < 0) return undefined;
  return { code: Number(said[at + 1]), output: (said[at - 1] ?? '').replaceAll('\r', '').trimEnd() };
}

async function connected(path: string): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect(path, () => resolve(socket)).once('error', reject);
      });
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
