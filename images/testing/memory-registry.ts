import { readBytes, sha256 } from '../registry/bytes.ts';
import type { RegistryRequest, RegistryResponse, RegistryTransport } from '../registry/transport.ts';

/** An OCI registry in memory, with or without a login, and with faults on request. */
export interface MemoryRegistry extends RegistryTransport {
  /** `METHOD /path` of each request, in order. */
  readonly requests: string[];
  /** Answers this request in place of the registry; undefined lets it through. */
  fault: ((request: RegistryRequest, count: number) => RegistryResponse | undefined) | undefined;
  /** Tags of a repository with their digests. */
  tags(repository: string): ReadonlyMap<string, string>;
  removeTag(repository: string, tag: string): void;
  /** Loses all that a repository holds. */
  wipe(repository: string): void;
}

interface Repository {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, { readonly bytes: Uint8Array; readonly type: string }>;
  readonly tags: Map<string, string>;
}

interface Part {
  readonly digest: string;
}

interface Manifest {
  readonly config?: Part;
  readonly layers?: readonly Part[];
  readonly manifests?: readonly Part[];
}

export interface MemoryRegistryOptions {
  readonly login?: {
    readonly username: string;
    readonly password: string;
    readonly scheme: 'Basic' | 'Bearer';
  };
}

export function createMemoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  const repositories = new Map<string, Repository>();
  const open = (name: string) => {
    const known = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(name, known);
    return known;
  };
  const registry: MemoryRegistry = {
    requests: [],
    fault: undefined,
    tags: (name) => open(name).tags,
    removeTag: (name, tag) => void open(name).tags.delete(tag),
    wipe: (name) => void repositories.delete(name),
    async request(request) {
      const url = new URL(request.url);
      registry.requests.push(`${request.method} ${url.pathname}`);
      const faulty = registry.fault?.(request, registry.requests.length);
      if (faulty) return faulty;
      return url.pathname === '/token'
        ? giveToken(request, options)
        : (refuse(request, url, options) ?? route(request, url, open));
    },
  };
  return registry;
}

const TOKEN = 'memory-token';

/** An answer as registries give it. */
export function answer(
  status: number,
  headers: Record<string, string> = {},
  body: Uint8Array | string = '',
): RegistryResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return {
    status,
    headers,
    body: (async function* () {
      if (bytes.byteLength > 0) yield bytes;
    })(),
  };
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function giveToken({ headers }: RegistryRequest, { login }: MemoryRegistryOptions): RegistryResponse {
  if (login && headers['authorization'] !== basic(login)) return answer(401);
  return answer(200, {}, JSON.stringify({ token: TOKEN, expires_in: 300 }));
}

function refuse(
  { headers }: RegistryRequest,
  url: URL,
  { login }: MemoryRegistryOptions,
): RegistryResponse | undefined {
  if (!login) return undefined;
  const wanted = login.scheme === 'Basic' ? basic(login) : `Bearer ${TOKEN}`;
  if (headers['authorization'] === wanted) return undefined;
  const challenge =
    login.scheme === 'Basic' ? 'Basic realm="memory"' : `Bearer realm="${url.origin}/token",service="memory"`;
  return answer(401, { 'www-authenticate': challenge });
}

async function route(
  request: RegistryRequest,
  url: URL,
  open: (name: string) => Repository,
): Promise<RegistryResponse> {
  const [, name = '', kind = '', target = ''] =
    /^\/v2\/(.+?)\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? [];
  const repository = open(name);
  const bytes = await bodyOf(request);
  if (kind === 'manifests') return manifests(request, bytes, target, repository);
  if (target.startsWith('uploads/')) return uploads(request, bytes, url, name, repository, open);
  const blob = repository.blobs.get(target);
  if (!blob) return answer(404);
  return answer(200, { 'docker-content-digest': target }, request.method === 'HEAD' ? '' : blob);
}

async function bodyOf({ body = new Uint8Array() }: RegistryRequest): Promise<Uint8Array> {
  return 'open' in body ? readBytes(body.open(), body.byteLength, 'body') : body;
}

function manifests(
  request: RegistryRequest,
  bytes: Uint8Array,
  target: string,
  repository: Repository,
): RegistryResponse {
  if (request.method === 'PUT') {
    const digest = sha256(bytes);
    const missing = missingParts(bytes, repository);
    if (missing) return problem(400, 'MANIFEST_BLOB_UNKNOWN', `blob unknown to registry: ${missing}`);
    repository.manifests.set(digest, { bytes, type: request.headers['content-type'] ?? '' });
    if (!target.startsWith('sha256:')) repository.tags.set(target, digest);
    return answer(201, { 'docker-content-digest': digest });
  }
  const digest = target.startsWith('sha256:') ? target : repository.tags.get(target);
  const found = digest === undefined ? undefined : repository.manifests.get(digest);
  if (!found || !digest || !(request.headers['accept'] ?? '').includes(found.type)) return answer(404);
  const headers = { 'docker-content-digest': digest, 'content-type': found.type };
  return answer(200, headers, request.method === 'HEAD' ? '' : found.bytes);
}

/** The first blob or manifest that a manifest names and that is not in the repository. */
function missingParts(bytes: Uint8Array, { blobs, manifests }: Repository): string | undefined {
  const {
    config,
    layers = [],
    manifests: children = [],
  } = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
  const lacks = (known: ReadonlyMap<string, unknown>, parts: readonly Part[]) =>
    parts.find(({ digest }) => !known.has(digest))?.digest;
  return lacks(blobs, config ? [config, ...layers] : layers) ?? lacks(manifests, children);
}

/** An error as the specification words it. */
function problem(status: number, code: string, message: string): RegistryResponse {
  return answer(status, {}, JSON.stringify({ errors: [{ code, message }] }));
}

function uploads(
  request: RegistryRequest,
  bytes: Uint8Array,
  url: URL,
  name: string,
  repository: Repository,
  open: (name: string) => Repository,
): RegistryResponse {
  const mount = url.searchParams.get('mount');
  const mounted = mount && open(url.searchParams.get('from') ?? '').blobs.get(mount);
  if (request.method === 'POST' && mount && mounted) {
    repository.blobs.set(mount, mounted);
    return answer(201, { location: `/v2/${name}/blobs/${mount}` });
  }
  if (request.method === 'POST')
    return answer(202, { location: `/v2/${name}/blobs/uploads/session?state=1` });
  const digest = url.searchParams.get('digest') ?? '';
  if (sha256(bytes) !== digest) return answer(400);
  repository.blobs.set(digest, bytes);
  return answer(201, { location: `/v2/${name}/blobs/${digest}` });
}
