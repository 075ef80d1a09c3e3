import { AppError } from '@kmm-fleet/runtime';
import type { ImageSource } from '../layers/pull-image.ts';
import { sha256 } from '../registry/bytes.ts';
import {
  type Descriptor,
  DOCUMENT_BYTES_MAX,
  ImageConfig,
  ImageIndex,
  ImageManifest,
} from '../registry/types.ts';

/** Bytes of a file by its name in the layout; undefined when there is none. Larger ones are refused. */
export type ReadPart = (name: string, bytesMax: number) => Promise<Uint8Array | undefined>;

const TAG = 'org.opencontainers.image.ref.name';
/** An index may name an index; more is nobody's. */
const DEPTH_MAX = 3;

/**
 * An image in an OCI layout (image-spec, image-layout.md). The reference is a tag, or '' for the only image there is.
 *
 * @throws {AppError} IMAGE_INVALID for what is no layout or does not have its digest
 */
export function createOciLayout(read: ReadPart): ImageSource {
  const blob = async ({ digest, size }: Descriptor): Promise<Buffer> => {
    const bytes = await read(`blobs/sha256/${digest.slice('sha256:'.length)}`, size);
    if (!bytes) throw invalid(`has no blob ${digest}`);
    if (bytes.byteLength !== size || sha256(bytes) !== digest)
      throw invalid(`has other bytes than ${digest}`);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const document = async (descriptor: Descriptor) => {
    if (descriptor.size > DOCUMENT_BYTES_MAX) throw invalid(`has a document of ${descriptor.size} bytes`);
    return parse(await blob(descriptor));
  };
  return {
    async image(tag, _access, _signal, architecture = 'amd64') {
      const top = await read('index.json', DOCUMENT_BYTES_MAX);
      if (!top) throw invalid('has no index.json');
      let descriptor = pickTag(parseIndex(parse(top)).manifests, tag);
      if (!descriptor) return undefined;
      let value = await document(descriptor);
      for (let depth = 0; ImageIndex.safeParse(value).success; depth++) {
        if (depth === DEPTH_MAX) throw invalid('has indexes within indexes');
        descriptor = pickPlatform(parseIndex(value).manifests, architecture);
        value = await document(descriptor);
      }
      const manifest = ImageManifest.safeParse(value);
      if (!manifest.success) throw invalid('has a manifest that is not one of an image');
      const config = ImageConfig.safeParse(await document(manifest.data.config));
      if (!config.success) throw invalid('has an image config that cannot be read');
      const { digest, mediaType } = descriptor;
      return { digest, mediaType, manifest: manifest.data, config: config.data };
    },
    blob: (_tag, descriptor) => blob(descriptor),
  };
}

type Entry = ReturnType<typeof ImageIndex.parse>['manifests'][number];

function pickTag(entries: readonly Entry[], tag: string): Entry | undefined {
  if (tag === '' && entries.length > 1) throw invalid(`has ${entries.length} images; name the tag of one`);
  if (tag === '') return entries[0];
  return entries.find((entry) => {
    const { annotations } = entry as { annotations?: Readonly<Record<string, unknown>> };
    return annotations?.[TAG] === tag;
  });
}

function pickPlatform(entries: readonly Entry[], architecture: string): Entry {
  const entry = entries.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  if (entry) return entry;
  throw invalid(`has no manifest for linux/${architecture}`);
}

function parseIndex(value: unknown) {
  const index = ImageIndex.safeParse(value);
  if (!index.success) throw invalid('has an index that cannot be read');
  return index.data;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalid('has a document that is not JSON');
  }
}

const invalid = (problem: string) => new AppError('IMAGE_INVALID', `The OCI layout ${problem}.`);
