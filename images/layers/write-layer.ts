import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { readBytes, sha256 } from '../registry/bytes.ts';
import type { FsEntry } from './image-fs.ts';

export interface WrittenLayer {
  /** tar+gzip */
  readonly blob: Uint8Array;
  readonly digest: string;
  /** Digest of the uncompressed archive: stays equal over versions of zlib. */
  readonly diffId: string;
}

/** A layer with these entries: sorted, owned by root, dated 1970, so that equal entries give equal bytes. */
export async function writeLayer(entries: ReadonlyMap<string, FsEntry>): Promise<WrittenLayer> {
  const archive = pack();
  for (const [path, entry] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const common = { name: path.replace(/^\//, ''), mtime: new Date(0), uid: 0, gid: 0 };
    if (entry.type === 'file')
      archive.entry({ ...common, mode: withType(entry.mode) }, Buffer.from(entry.bytes));
    else if (entry.type === 'directory')
      archive.entry({ ...common, type: 'directory', mode: withType(entry.mode) });
    else archive.entry({ ...common, type: 'symlink', linkname: entry.target });
  }
  archive.finalize();
  const tar = await readBytes(
    archive as unknown as AsyncIterable<Uint8Array>,
    Number.MAX_SAFE_INTEGER,
    'layer',
  );
  const blob = gzipSync(tar, { level: 6 });
  return { blob, digest: sha256(blob), diffId: sha256(tar) };
}

/** A bit that is not written: the archiver takes a mode of 0, which is one, for none and puts its own. */
const withType = (mode: number) => mode | 0o100_000;
