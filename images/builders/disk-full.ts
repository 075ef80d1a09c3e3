import { statfsSync } from 'node:fs';
import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';
import type { Told } from './build-failure.ts';

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
/** The end of a line tells which file found no room. */
const LINE_CHARS_MAX = 4_096;
const TEXT_CHARS_MAX = 300;
/** With less room than this no build gets anywhere: a toolkit alone is larger, and has more files. */
const ROOM_MIN = { bytes: 64 * 1024 * 1024, files: 1_000 };

const saysFull = (text: string) => /no space left on device|disk quota exceeded/i.test(text);

const isFull = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && FULL.has(error.code);

/** What a task throws because the disk of the builds is full, as a failure of the world; all else as it is. */
export const diskFailure = (error: unknown, folder: string): unknown =>
  isFull(error) ? failureOf(folder, error.message, error) : error;

/** The same of a program that has said so in its log. */
export function diskFull(folder: string, told: Told): AppError {
  const line = told.log.split('\n').find(saysFull) ?? '';
  const end = line.length > TEXT_CHARS_MAX ? `…${line.slice(-TEXT_CHARS_MAX)}` : line;
  return failureOf(folder, plainText(end, TEXT_CHARS_MAX + 1), told);
}

function failureOf(folder: string, text: string, cause: unknown): AppError {
  const message = `The disk of ${folder} is full: ${text}. Make room there, enlarge its volume, or set KMM_BUILD_DIR.`;
  return new AppError('BUILD_DISK_FULL', message, { cause });
}

/** What can be done without: undefined on a full disk. */
export function unlessFull<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if (isFull(error)) return undefined;
    throw error;
  }
}

/**
 * Whether it is the disk of this folder that a program calls full: a step may mean a small file system of its own. To
 * be asked while the program says so: what it clears away before it ends makes room again. buildah itself clears away
 * first and then names the file that found no room; to the steps that file has another name.
 *
 * @returns for all that the program prints, piece by piece: whether it has said so up to there
 */
export function createFullDiskEar(folder: string): (bytes: Uint8Array) => boolean {
  let line = '';
  let heard = false;
  return (bytes) => {
    const text = line + Buffer.from(bytes).toString('utf8');
    const said = heard ? [] : text.split('\n').filter(saysFull);
    heard ||= said.length > 0 && (said.some((told) => told.includes(`${folder}/`)) || hasNoRoom(folder));
    line = text.slice(text.lastIndexOf('\n') + 1).slice(-LINE_CHARS_MAX);
    return heard;
  };
}

function hasNoRoom(folder: string): boolean {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  // Some file systems do not count files.
  return bavail * bsize < ROOM_MIN.bytes || (files > 0 && ffree < ROOM_MIN.files);
}
