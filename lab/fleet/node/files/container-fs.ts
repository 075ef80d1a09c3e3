import { posix } from 'node:path';
import type { FsEntry, ImageFs } from '@kmm-fleet/images';

/** A directory that is put over a path of a container. */
export interface Mount {
  /** Absolute path in the container. */
  readonly path: string;
  readonly tree: ImageFs;
  /** Path in `tree` that appears at `path`. */
  readonly root: string;
  readonly readOnly: boolean;
}

/** How a write went: `missing` when the directory is not there. */
export type WriteOutcome = 'written' | 'read-only' | 'missing';

/** What a process in a container sees: the image, a writable layer over it, and mounts over both. */
export interface ContainerFs {
  /** The entry at a path; the symlink itself with `keepLink`. */
  entry(path: string, keepLink?: boolean): FsEntry | undefined;
  readFile(path: string): Uint8Array | undefined;
  /** Names in a directory, sorted; none when it is no directory. */
  list(path: string): string[];
  write(path: string, entry: FsEntry): WriteOutcome;
  /** Removes an entry and everything below it. */
  remove(path: string): WriteOutcome;
  /** Path without symlinks, whether or not something is there; undefined for a loop of links. */
  realPath(path: string): string | undefined;
  /** Whether something is mounted exactly here: such a directory cannot be removed. */
  isMountPoint(path: string): boolean;
}

interface Layer {
  entry(path: string): FsEntry | undefined;
  list(path: string): readonly string[];
  write(path: string, entry: FsEntry): void;
  remove(path: string): void;
  readonly readOnly: boolean;
}

const LINKS_MAX = 40;
const DIRECTORY: FsEntry = { type: 'directory', mode: 0o755 };

/** The image is shared and never changed; what the container writes stays its own. */
export function createContainerFs(image: ImageFs, mounts: readonly Mount[]): ContainerFs {
  const root = imageLayer(image);
  const layers = mounts
    .map((mount) => ({ path: posix.normalize(mount.path), layer: mountLayer(mount) }))
    .sort((a, b) => b.path.length - a.path.length);

  const locate = (path: string): { layer: Layer; inner: string } => {
    const mount = layers.find(
      (candidate) => path === candidate.path || path.startsWith(`${candidate.path}/`),
    );
    return mount
      ? { layer: mount.layer, inner: path.slice(mount.path.length) || '/' }
      : { layer: root, inner: path };
  };
  const raw = (path: string): FsEntry | undefined => {
    const { layer, inner } = locate(path);
    const entry = layer.entry(inner);
    // Parents of a mount are there even when the image has no such directory.
    return entry ?? (layers.some((mount) => mount.path.startsWith(`${path}/`)) ? DIRECTORY : undefined);
  };
  const real = (path: string, keepLast: boolean, links = 0): string | undefined => {
    let current = '/';
    const parts = posix.normalize(`/${path}`).split('/').filter(Boolean);
    for (const [index, part] of parts.entries()) {
      const next = posix.join(current, part);
      const entry = raw(next);
      if (entry?.type === 'symlink' && !(keepLast && index === parts.length - 1)) {
        if (links >= LINKS_MAX) return undefined;
        const target = entry.target.startsWith('/') ? entry.target : posix.join(current, entry.target);
        return real(posix.join('/', target, ...parts.slice(index + 1)), keepLast, links + 1);
      }
      current = next;
    }
    return current;
  };
  const entry = (path: string, keepLink = false) => {
    const target = real(path, keepLink);
    return target === undefined ? undefined : raw(target);
  };
  const list = (path: string): string[] => {
    const target = real(path, false);
    if (target === undefined || raw(target)?.type !== 'directory') return [];
    const { layer, inner } = locate(target);
    const below = target === '/' ? '/' : `${target}/`;
    const mounted = layers.filter((mount) => mount.path.startsWith(below) && mount.path !== target);
    const names = mounted.map((mount) => mount.path.slice(below.length).split('/')[0] ?? '');
    return [...new Set([...layer.list(inner), ...names])].filter(Boolean).sort();
  };

  return {
    entry,
    list,
    readFile(path) {
      const found = entry(path);
      return found?.type === 'file' ? found.bytes : undefined;
    },
    write(path, next) {
      const target = real(path, next.type === 'symlink');
      if (target === undefined || entry(posix.dirname(target))?.type !== 'directory') return 'missing';
      const { layer, inner } = locate(target);
      if (layer.readOnly) return 'read-only';
      layer.write(inner, next);
      return 'written';
    },
    remove(path) {
      const target = real(path, true);
      if (target === undefined || !raw(target)) return 'missing';
      const { layer, inner } = locate(target);
      if (layer.readOnly) return 'read-only';
      layer.remove(inner);
      return 'written';
    },
    realPath: (path) => real(path, false),
    isMountPoint: (path) => layers.some((mount) => mount.path === real(path, true)),
  };
}

/** The image with a writable layer of its own: `undefined` in it marks what was removed. */
function imageLayer(image: ImageFs): Layer {
  const upper = new Map<string, FsEntry | undefined>([
    ['/dev', DIRECTORY],
    ['/tmp', DIRECTORY],
  ]);
  const entry = (path: string) => (upper.has(path) ? upper.get(path) : image.lookup(path, true));
  const list = (path: string) => {
    const added = [...upper.keys()].filter((key) => key !== path && posix.dirname(key) === path);
    const names = new Set([...image.list(path), ...added.map((key) => posix.basename(key))]);
    return [...names].filter((name) => entry(posix.join(path, name)) !== undefined);
  };
  const remove = (path: string) => {
    for (const name of list(path)) remove(posix.join(path, name));
    upper.set(path, undefined);
  };
  return { entry, list, remove, write: (path, next) => upper.set(path, next), readOnly: false };
}

function mountLayer({ tree, root, readOnly }: Mount): Layer {
  const at = (path: string) => posix.join('/', root, path);
  return {
    entry: (path) => tree.lookup(at(path), path !== '/'),
    list: (path) => tree.list(at(path)),
    write: (path, next) => tree.write(at(path), next),
    remove: (path) => tree.remove(at(path)),
    readOnly,
  };
}
