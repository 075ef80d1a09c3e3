import { posix } from 'node:path';
import { LimitReached, type Limits, type World } from './world.ts';

/** Where text goes. Descriptors that share one sink keep the order of what is written to it. */
export interface Sink {
  write(text: string): void;
}

export interface Capture extends Sink {
  readonly text: string;
}

/** Collects text, within the limits of a run. */
export function createCapture(limits: Limits): Capture {
  const pieces: string[] = [];
  return {
    write(text) {
      limits.outputLeft -= text.length;
      if (limits.outputLeft < 0) throw new LimitReached('too much output');
      pieces.push(text);
    },
    get text() {
      return pieces.join('');
    },
  };
}

export const nullSink: Sink = { write: () => {} };

/** Writes to a file. Returns an error text in dash's words instead when it cannot be opened. */
export function openFile(world: World, directory: string, path: string, append: boolean): Sink | string {
  const absolute = posix.resolve(directory, path);
  if (absolute === '/dev/null') return nullSink;
  const existing = world.fs.entry(absolute);
  if (existing?.type === 'directory') return `cannot create ${path}: Is a directory`;
  const before = append && existing?.type === 'file' ? Buffer.from(existing.bytes) : Buffer.alloc(0);
  const mode = existing?.type === 'file' ? existing.mode : 0o644;
  let bytes = before;
  const flush = () => world.fs.write(absolute, { type: 'file', mode, bytes });
  const outcome = flush();
  if (outcome === 'missing') return `cannot create ${path}: Directory nonexistent`;
  if (outcome === 'read-only') return `cannot create ${path}: Read-only file system`;
  return {
    write(text) {
      world.limits.outputLeft -= text.length;
      if (world.limits.outputLeft < 0) throw new LimitReached('too much output');
      bytes = Buffer.concat([bytes, Buffer.from(text)]);
      flush();
    },
  };
}

/** Contents of a file as text, for `<`. Returns undefined when it is not there. */
export function readText(world: World, directory: string, path: string): string | undefined {
  const absolute = posix.resolve(directory, path);
  if (absolute === '/dev/null') return '';
  const bytes = world.fs.readFile(absolute);
  return bytes && Buffer.from(bytes).toString('utf8');
}
