import { createHash } from 'node:crypto';
import { type ImageReference, parseImageReference } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';
import { readBytes, sha256 } from './bytes.ts';
import { createSession, type Session, type SessionPorts } from './session.ts';
import type { RegistryResponse, RequestBody } from './transport.ts';
import {
  type Descriptor,
  DOCUMENT_BYTES_MAX,
  ImageConfig,
  ImageIndex,
  ImageManifest,
  MEDIA_TYPES,
  type RegistryAccess,
} from './types.ts';

/** Client of OCI registries. References are texts; every call throws AppError for what the registry does. */
export interface Registry {
  /** Digest that a tag stands for (of the index where there is one), or undefined when there is no such image. */
  resolve(reference: string, access: RegistryAccess, signal?: AbortSignal): Promise<string | undefined>;
  /** Manifest and config for one architecture, followed through an index. Undefined when there is no such image. */
  image(
    reference: string,
    access: RegistryAccess,
    signal?: AbortSignal,
    architecture?: string,
  ): Promise<RemoteImage | undefined>;
  /** A blob of a bounded size; size and digest are checked. */
  blob(
    reference: string,
    descriptor: Descriptor,
    access: RegistryAccess,
    signal?: AbortSignal,
  ): Promise<Buffer>;
  /** The same in pieces, of any size: what was read is good only once the last piece was. */
  stream(
    reference: string,
    descriptor: Descriptor,
    access: RegistryAccess,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** Uploads bytes unless they are there. */
  putBlob(reference: string, bytes: Uint8Array, access: RegistryAccess, signal?: AbortSignal): Promise<void>;
  /** Makes a blob of another repository available unless it is there: mounted in the same registry, or else copied. */
  copyBlob(from: ImageSite, to: ImageSite, descriptor: Descriptor, signal?: AbortSignal): Promise<void>;
  /** Writes a manifest under the tag of the reference and returns its digest. */
  putManifest(
    reference: string,
    mediaType: string,
    bytes: Uint8Array,
    access: RegistryAccess,
    signal?: AbortSignal,
  ): Promise<string>;
}

/** An image, and how its registry is reached. */
export interface ImageSite {
  readonly reference: string;
  readonly access: RegistryAccess;
}

export interface RemoteImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** Largest blob that is read into memory: a layer of a module image, not of a desktop. */
const BLOB_BYTES_MAX = 1024 * 1024 * 1024;
const ACCEPT = [
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.dockerManifest,
].join(', ');

const START = { action: 'pull,push', body: new Uint8Array() } as const;
const UPLOADS_MAX = 3;
/** What registries say of an upload that they know as broken, or not at all any more. */
const SPOILT: ReadonlySet<number> = new Set([400, 404, 416]);
/** Of those: what never is about the bytes. The path that spoils each upload is to blame, not the registry. */
const LOST: ReadonlySet<number> = new Set([404, 416]);

export function createRegistry(ports: SessionPorts): Registry {
  const open = (text: string, access: RegistryAccess) => {
    const reference = parse(text);
    return { reference, session: createSession(ports, reference, access) };
  };

  const document = async (session: Session, target: string, signal?: AbortSignal) => {
    const response = await session.send(
      'GET',
      `/manifests/${target}`,
      { headers: { accept: ACCEPT } },
      signal,
    );
    if (response.status === 404) {
      await session.drop(response);
      return undefined;
    }
    if (response.status !== 200) throw await session.failure(response, `manifest ${target}`);
    const bytes = await readBytes(response.body, DOCUMENT_BYTES_MAX, session.name);
    const digest = sha256(bytes);
    if (target.startsWith('sha256:') && digest !== target) throw mismatch(session, target, digest);
    return { digest, value: parseJson(bytes, session), contentType: response.headers['content-type'] ?? '' };
  };

  const blob = async (session: Session, descriptor: Descriptor, bytesMax: number, signal?: AbortSignal) => {
    if (descriptor.size > bytesMax) {
      throw new AppError(
        'IMAGE_INVALID',
        `${session.name}: blob ${descriptor.digest} has ${descriptor.size} bytes, more than ${bytesMax}.`,
      );
    }
    return readBytes(pieces(session, descriptor, signal), descriptor.size, session.name);
  };

  const pieces = async function* (session: Session, { digest, size }: Descriptor, signal?: AbortSignal) {
    const response = await session.send('GET', `/blobs/${digest}`, {}, signal);
    if (response.status !== 200) throw await session.failure(response, `blob ${digest}`);
    const hash = createHash('sha256');
    let received = 0;
    for await (const piece of response.body) {
      received += piece.byteLength;
      if (received > size)
        throw new AppError(
          'REGISTRY_INVALID',
          `${session.name}: blob ${digest} is larger than ${size} bytes.`,
        );
      hash.update(piece);
      yield piece;
    }
    const got = `sha256:${hash.digest('hex')}`;
    if (got !== digest) throw mismatch(session, digest, got);
  };

  const holds = async (session: Session, digest: string, signal?: AbortSignal) => {
    const known = await session.send('HEAD', `/blobs/${digest}`, { action: 'pull,push' }, signal);
    await session.drop(known);
    return known.status === 200;
  };

  const upload = async (session: Session, bytes: Uint8Array, signal?: AbortSignal) => {
    const digest = sha256(bytes);
    if (!(await holds(session, digest, signal))) await put(session, digest, bytes, undefined, signal);
  };

  /** An upload that was cut in the middle is spoilt: it is begun anew. */
  const put = async (
    session: Session,
    digest: string,
    body: RequestBody,
    begun: RegistryResponse | undefined,
    signal?: AbortSignal,
  ) => {
    for (let attempt = 1; ; attempt++) {
      const first = attempt === 1 ? begun : undefined;
      const started = first ?? (await session.send('POST', '/blobs/uploads/', START, signal));
      const done = await putOnce(session, started, digest, body, signal);
      if (done.status === 201) return session.drop(done);
      if (!SPOILT.has(done.status) || attempt >= UPLOADS_MAX) {
        const failure = await session.failure(done, `upload of ${digest}`);
        throw LOST.has(done.status) ? new AppError('REGISTRY_UNREACHABLE', failure.message) : failure;
      }
      await session.drop(done);
    }
  };

  const putOnce = async (
    session: Session,
    started: RegistryResponse,
    digest: string,
    body: RequestBody,
    signal?: AbortSignal,
  ) => {
    const location = started.headers['location'];
    if (started.status !== 202 || !location) throw await session.failure(started, 'start of an upload');
    await session.drop(started);
    const target = session.locate(location);
    target.search += `${target.search ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
    const headers = { 'content-type': 'application/octet-stream' };
    return session.send('PUT', target, { headers, body, action: 'pull,push' }, signal);
  };

  return {
    async resolve(text, access, signal) {
      const { reference, session } = open(text, access);
      const target = targetOf(reference);
      const head = await session.send(
        'HEAD',
        `/manifests/${target}`,
        { headers: { accept: ACCEPT } },
        signal,
      );
      if (head.status !== 404 && head.status !== 200) throw await session.failure(head, `manifest ${target}`);
      await session.drop(head);
      if (head.status === 404) return undefined;
      const digest = head.headers['docker-content-digest'];
      if (digest && /^sha256:[0-9a-f]{64}$/.test(digest)) {
        if (target.startsWith('sha256:') && digest !== target) throw mismatch(session, target, digest);
        return digest;
      }
      return (await document(session, target, signal))?.digest;
    },
    async image(text, access, signal, architecture = 'amd64') {
      const { reference, session } = open(text, access);
      let found = await document(session, targetOf(reference), signal);
      const index = ImageIndex.safeParse(found?.value);
      if (index.success)
        found = await document(session, pickPlatform(index.data, architecture, session), signal);
      if (!found) return undefined;
      const manifest = ImageManifest.safeParse(found.value);
      if (!manifest.success)
        throw new AppError('IMAGE_INVALID', `${session.name}: the manifest is not one of an image.`);
      const raw = await blob(session, manifest.data.config, DOCUMENT_BYTES_MAX, signal);
      const config = ImageConfig.safeParse(parseJson(raw, session));
      if (!config.success)
        throw new AppError('IMAGE_INVALID', `${session.name}: the image config cannot be read.`);
      const mediaType = manifest.data.mediaType ?? found.contentType;
      return { digest: found.digest, mediaType, manifest: manifest.data, config: config.data };
    },
    blob: (text, descriptor, access, signal) =>
      blob(open(text, access).session, descriptor, BLOB_BYTES_MAX, signal),
    stream: (text, descriptor, access, signal) => pieces(open(text, access).session, descriptor, signal),
    putBlob: (text, bytes, access, signal) => upload(open(text, access).session, bytes, signal),
    async copyBlob(from, to, descriptor, signal) {
      const source = open(from.reference, from.access);
      const target = open(to.reference, to.access);
      const { registry, repository } = source.reference;
      const isSameRegistry = registry === target.reference.registry;
      if (isSameRegistry && repository === target.reference.repository) return;
      if (await holds(target.session, descriptor.digest, signal)) return;
      const query = isSameRegistry ? `?mount=${descriptor.digest}&from=${repository}` : '';
      const options = { action: 'pull,push', body: new Uint8Array() } as const;
      const begun = await target.session.send('POST', `/blobs/uploads/${query}`, options, signal);
      if (begun.status === 201) return target.session.drop(begun);
      // From registry to registry in pieces, and from the beginning when it is tried again.
      const body = { byteLength: descriptor.size, open: () => pieces(source.session, descriptor, signal) };
      await put(target.session, descriptor.digest, body, begun, signal);
    },
    async putManifest(text, mediaType, bytes, access, signal) {
      const { reference, session } = open(text, access);
      const options = { headers: { 'content-type': mediaType }, body: bytes, action: 'pull,push' as const };
      const response = await session.send('PUT', `/manifests/${targetOf(reference)}`, options, signal);
      if (response.status !== 201) throw await session.failure(response, 'upload of the manifest');
      await session.drop(response);
      return sha256(bytes);
    },
  };
}

function parse(text: string): ImageReference {
  const parsed = parseImageReference(text);
  if (parsed.ok) return parsed.value;
  throw new AppError('IMAGE_INVALID', parsed.findings[0]?.message ?? text);
}

const targetOf = ({ tag, digest }: ImageReference) => digest ?? tag ?? 'latest';

function pickPlatform(
  index: ReturnType<typeof ImageIndex.parse>,
  architecture: string,
  session: Session,
): string {
  const entry = index.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  if (entry) return entry.digest;
  throw new AppError(
    'IMAGE_INVALID',
    `${session.name}: the index has no manifest for linux/${architecture}.`,
  );
}

function parseJson(bytes: Uint8Array, session: Session): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new AppError(
      'REGISTRY_INVALID',
      `${session.name}: the registry answered something that is not JSON.`,
      { cause: error },
    );
  }
}

function mismatch(session: Session, wanted: string, got: string): AppError {
  return new AppError('REGISTRY_INVALID', `${session.name}: ${wanted} was asked for, the bytes have ${got}.`);
}
