import { pipeline, Readable } from 'node:stream';
import { PATH_BYTES_MAX } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';
import { extract, type Header } from 'tar-stream';
import { plainText } from '../registry/plain-text.ts';
import { type FsEntry, type ImageFs, safePath } from './image-fs.ts';
import { unpackLayer } from './unpack-layer.ts';

export interface LayerLimits {
  /** Uncompressed bytes of one layer. */
  readonly layerBytesMax: number;
  readonly entriesMax: number;
}

/** Module images are some ten MB; a toolkit some hundred. */
export const LAYER_LIMITS: LayerLimits = { layerBytesMax: 1024 * 1024 * 1024, entriesMax: 200_000 };

/**
 * Applies one layer to a file system: whiteouts remove, everything else replaces. Devices and sockets are passed over.
 *
 * Nothing is changed before the whole layer was read. In pieces, no more of it is held than what is kept.
 *
 * @param blob its bytes, or pieces of them: of what is large
 * @param keep which files' contents are wanted; others are there with no bytes
 * @returns how many bytes were kept
 * @throws {AppError} IMAGE_INVALID for paths that lead out, sizes beyond the limits, and broken archives
 */
export async function applyLayer(
  fs: ImageFs,
  blob: Uint8Array | AsyncIterable<Uint8Array>,
  limits: LayerLimits = LAYER_LIMITS,
  keep: (path: string) => boolean = () => true,
): Promise<number> {
  const parser = extract();
  const whiteouts: string[] = [];
  const fresh: [string, FsEntry][] = [];
  /** The last of each path: what hard links mean. */
  const latest = new Map<string, FsEntry>();
  let count = 0;
  let kept = 0;
  const source = Readable.from(unpackLayer(blob, limits.layerBytesMax));
  pipeline(source, parser, () => {});
  try {
    for await (const member of parser) {
      count += 1;
      if (count > limits.entriesMax) throw invalid(`has more than ${limits.entriesMax} entries`);
      const { name, size } = member.header;
      if (size > limits.layerBytesMax) throw invalid(`holds "${plainText(name, 200)}" of ${size} bytes`);
      const path = safePath(name);
      const bytes = await drain(member as unknown as AsyncIterable<Uint8Array>, keep(path));
      kept += bytes.byteLength;
      const base = path.slice(path.lastIndexOf('/') + 1);
      // What is left of the name would be the directory itself, or the one above.
      if (/^\.wh\.{1,3}$/.test(base)) throw invalid(`holds the whiteout "${base}", which names nothing`);
      if (base.startsWith('.wh.')) whiteouts.push(path);
      else {
        const entry = toEntry(
          path,
          member.header,
          bytes,
          (target) => latest.get(target) ?? fs.lookup(target, true),
        );
        if (!entry) continue;
        fresh.push([path, entry]);
        latest.set(path, entry);
      }
    }
  } catch (error) {
    source.destroy();
    parser.destroy();
    if (error instanceof AppError) throw error;
    throw invalid(
      `is no valid archive: ${plainText(String(error instanceof Error ? error.message : error))}`,
    );
  }
  // Whiteouts speak of the layers below, wherever they stand in the archive.
  for (const path of whiteouts) whiteOut(fs, path);
  for (const [path, entry] of fresh) fs.write(path, entry);
  return kept;
}

function whiteOut(fs: ImageFs, path: string): void {
  const slash = path.lastIndexOf('/');
  const [directory, base] = [path.slice(0, slash) || '/', path.slice(slash + 1)];
  if (base !== '.wh..wh..opq') return fs.remove(`${directory}/${base.slice('.wh.'.length)}`);
  for (const name of fs.list(directory)) fs.remove(`${directory}/${name}`);
}

function toEntry(
  path: string,
  { type, mode, linkname }: Header,
  bytes: Uint8Array,
  lookup: (target: string) => FsEntry | undefined,
): FsEntry | undefined {
  if (path === '/') return undefined;
  if (type === 'directory') return { type, mode };
  if (type === 'symlink') return { type, target: linkTarget(linkname ?? '') };
  if (type === 'link') return lookup(safePath(linkname ?? ''));
  return type === 'file' || type === 'contiguous-file' ? { type: 'file', mode, bytes } : undefined;
}

/** Where it leads does not matter: links are followed inside the root only. */
function linkTarget(target: string): string {
  if (Buffer.byteLength(target) <= PATH_BYTES_MAX) return target;
  throw invalid(`holds a link to "${plainText(target, 200)}", which is longer than ${PATH_BYTES_MAX} bytes`);
}

async function drain(member: AsyncIterable<Uint8Array>, wanted: boolean): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of member) if (wanted) parts.push(part);
  return Buffer.concat(parts);
}

function invalid(problem: string): AppError {
  return new AppError('IMAGE_INVALID', `A layer ${problem}.`);
}
