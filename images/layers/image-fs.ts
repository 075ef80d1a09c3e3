import { posix } from 'node:path';
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';

/** One entry of an image's file system. Modes are permission bits. */
export type FsEntry =
  | { readonly type: 'file'; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string };

/** The file system of an image in memory: absolute, normalised paths; symlinks are followed inside the root only. */
export interface ImageFs {
  /** The entry at a path, symlinks of all but the last part followed (of the last too unless `keepLink`). */
  lookup(path: string, keepLink?: boolean): FsEntry | undefined;
  readFile(path: string): Uint8Array | undefined;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  write(path: string, entry: FsEntry): void;
  remove(path: string): void;
  /** Path with all symlinks resolved, or undefined when it leads nowhere. */
  realPath(path: string): string | undefined;
  /** All paths, sorted. */
  paths(): string[];
}

const LINKS_MAX = 32;

export function createImageFs(): ImageFs {
  const entries = new Map<string, FsEntry>([['/', { type: 'directory', mode: 0o755 }]]);
  /** Directory → names in it, so that listing does not walk everything. */
  const children = new Map<string, Set<string>>();

  const real = (path: string, keepLast: boolean, links = 0): string | undefined => {
    let current = '/';
    // Joining normalises the whole path at every part: of a deep one that is a tenth of a second.
    const parts = posix.normalize(`/${path}`).split('/').filter(Boolean);
    for (const [index, part] of parts.entries()) {
      const next = current === '/' ? `/${part}` : `${current}/${part}`;
      const entry = entries.get(next);
      // Below of what is not there is nothing that leads elsewhere.
      if (!entry) return [next, ...parts.slice(index + 1)].join('/');
      if (entry.type === 'symlink' && !(keepLast && index === parts.length - 1)) {
        if (links >= LINKS_MAX) return undefined;
        const rest = parts.slice(index + 1).join('/');
        // posix.join below '/' cannot climb out: '..' at the root stays at the root.
        const target = entry.target.startsWith('/') ? entry.target : posix.join(current, entry.target);
        return real(posix.join('/', target, rest), keepLast, links + 1);
      }
      current = next;
    }
    return current;
  };

  const remove = (path: string) => {
    for (const name of children.get(path) ?? []) remove(posix.join(path, name));
    entries.delete(path);
    children.delete(path);
    children.get(posix.dirname(path))?.delete(posix.basename(path));
  };

  const ensureParents = (path: string) => {
    const parent = posix.dirname(path);
    if (parent !== path && !entries.has(parent)) {
      ensureParents(parent);
      entries.set(parent, { type: 'directory', mode: 0o755 });
    }
    if (parent !== path) children.set(parent, (children.get(parent) ?? new Set()).add(posix.basename(path)));
  };

  const lookup = (path: string, keepLink = false) => {
    const target = real(path, keepLink);
    return target === undefined ? undefined : entries.get(target);
  };

  return {
    lookup,
    readFile(path) {
      const entry = lookup(path);
      return entry?.type === 'file' ? entry.bytes : undefined;
    },
    list: (path) => [...(children.get(real(path, false) ?? '') ?? [])].sort(),
    write(path, entry) {
      const parent = real(posix.dirname(posix.normalize(`/${path}`)), false) ?? '/';
      const target = posix.join(parent, posix.basename(path));
      const existing = entries.get(target);
      if (existing?.type === 'directory' && entry.type !== 'directory') remove(target);
      entries.set(target, entry);
      ensureParents(target);
    },
    remove(path) {
      const target = real(path, true);
      if (target && target !== '/') remove(target);
    },
    realPath(path) {
      const target = real(path, false);
      return target !== undefined && entries.has(target) ? target : undefined;
    },
    paths: () => [...entries.keys()].sort(),
  };
}

/** Every part of a path is looked up, for every entry of a layer. */
const DEPTH_MAX = 256;

/**
 * The path of an archive member inside the root.
 *
 * @throws {AppError} IMAGE_INVALID when it would lead outside or is longer than a path can be
 */
export function safePath(name: string): string {
  const shown = plainText(name, 200);
  const parts = name.split('/');
  if (Buffer.byteLength(name) > PATH_BYTES_MAX || parts.length > DEPTH_MAX) {
    throw new AppError(
      'IMAGE_INVALID',
      `A layer holds the path "${shown}", which is longer than ${PATH_BYTES_MAX} bytes or deeper than ${DEPTH_MAX} directories.`,
    );
  }
  // What takes a file away is named after it, in the archive only.
  if (parts.some((part) => Buffer.byteLength(part.replace(/^\.wh\./, '')) > NAME_BYTES_MAX)) {
    throw new AppError(
      'IMAGE_INVALID',
      `A layer holds the path "${shown}" with a name of more than ${NAME_BYTES_MAX} bytes, which no node can unpack.`,
    );
  }
  if (name.includes('\0') || parts.includes('..')) {
    throw new AppError('IMAGE_INVALID', `A layer holds the path "${shown}", which leads out of the image.`);
  }
  return posix.normalize(`/${name}`).replace(/(.)\/$/, '$1');
}
