import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines } from '@kmm-fleet/runtime';
import type { Told } from './build-failure.ts';
import { type BuildRequest, type BuildSecret, LOG_CHARS_MAX } from './builder.ts';
import { unlessFull } from './disk-full.ts';

/** Where the logs of all builds are. */
export interface BuildLogSettings {
  /** Holds the logs. */
  readonly directory: string;
  /** The command by which people read a log. */
  readonly readLog: (file: string) => string;
}

/** Output of one build: its end on disk for people, its last characters for the status. */
export interface BuildLog {
  write(bytes: Uint8Array): void;
  /** The last characters, with what is secret masked. */
  tail(): string;
  /** What is told of it when the build fails. */
  told(): Told;
  close(): void;
}

/** Two files of this size are kept: more than anybody reads, less than a disk notices. */
const FILE_BYTES_MAX = 512 * 1024;
/** Holds the characters of the tail, whatever they are, and a secret that begins before them. */
const TAIL_BYTES = LOG_CHARS_MAX * 16;
const NAME_CHARS_MAX = 150;
/** Shorter values are words that stand everywhere in a log. */
const SECRET_CHARS_MIN = 6;

/** One per target: the log of its last build. */
function logFileOf(directory: string, target: string): string {
  const readable = target.replaceAll(/[^\w.-]+/g, '_').slice(-NAME_CHARS_MAX);
  // Several targets read alike.
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 12);
  return join(directory, `${readable}-${hash}.log`);
}

/** How people read the log of the last build of a target. */
export const logCommandOf = ({ directory, readLog }: BuildLogSettings, target: string): string =>
  readLog(logFileOf(directory, target));

/** Made when an operator starts, so that a folder which is not to be had is told at once. */
export const prepareLogFolder = (directory: string): unknown => unlessFull(() => makeFolder(directory));

const makeFolder = (directory: string) => mkdirSync(directory, { recursive: true });

/**
 * Opens the log of a build anew. When the file is full it becomes `<file>.old` and another one begins. A full disk costs
 * the file, not the build. What the secrets of the build hold is masked in the tail: it goes to people who may not read them.
 */
export function openBuildLog(
  { directory, readLog }: BuildLogSettings,
  { target: image, secrets }: Pick<BuildRequest, 'target' | 'secrets'>,
): BuildLog {
  const file = logFileOf(directory, image);
  const mask = createMask(secrets);
  let last = Buffer.alloc(0);
  rmSync(`${file}.old`, { force: true });
  let target = unlessFull(() => {
    makeFolder(directory);
    return openSync(file, 'w', 0o600);
  });
  let size = 0;

  const close = () => {
    if (target !== undefined) closeSync(target);
    target = undefined;
  };
  const toFile = (bytes: Uint8Array) => {
    if (target === undefined) return;
    if (size + bytes.byteLength > FILE_BYTES_MAX) {
      close();
      renameSync(file, `${file}.old`);
      target = openSync(file, 'w', 0o600);
      size = 0;
    }
    size += writeSync(target, bytes);
  };

  const tail = () => tellingLines(mask(last.toString('utf8')));

  return {
    write(bytes) {
      last = Buffer.concat([last, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      try {
        toFile(bytes.subarray(-FILE_BYTES_MAX));
      } catch {
        // A disk that fails costs the file, not the build.
        close();
      }
    },
    tail,
    told: () => ({ log: tail(), logCommand: readLog(file) }),
    close,
  };
}

/** What buildah says of itself after a step has failed: it hides the step's own words. */
const NOISE = /^(subprocess exited with status \d+|time="\S+" level=\w+ msg="exit status \d+")$/;

/** The last lines of an output, without noise. */
export function tellingLines(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => !NOISE.test(line))
    .map((line) => line.replace(/&imagebuilder\.Step\{.*$/, 'a step that it does not know'));
  return lastLines(lines.join('\n'), LOG_CHARS_MAX);
}

function createMask(secrets: readonly BuildSecret[]): (text: string) => string {
  const contents = secrets.flatMap(({ files }) => Object.values(files));
  const texts = contents.map((bytes) => Buffer.from(bytes).toString('utf8'));
  const lines = texts.flatMap((text) => text.split('\n')).map((line) => line.trim());
  const values = [...new Set(lines)].filter((line) => line.length >= SECRET_CHARS_MIN);
  // The longest first: one value may be a part of another.
  values.sort((a, b) => b.length - a.length);
  return (text) => values.reduce((masked, value) => masked.replaceAll(value, '***'), text);
}
