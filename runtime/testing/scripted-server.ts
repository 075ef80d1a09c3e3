import { AppError } from '../errors.ts';
import type { HttpRequest, HttpResponse, Transport, WatchEvent } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';

/** What the next watches do, one entry per watch; afterwards they behave. */
export type WatchScript =
  | { readonly kind: 'close-at-once' }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'error-event'; readonly code: number }
  | { readonly kind: 'stall' }
  | { readonly kind: 'half-a-line' }
  | { readonly kind: 'replay' };

/** An API server of config maps that misbehaves as told. */
export interface ScriptedServer extends Transport {
  put(name: string, value: string): void;
  remove(name: string): void;
  /** Tells watchers that nothing has changed, as servers do each minute. */
  bookmark(): void;
  /** Forgets all versions: a restart from a backup, with a version space of its own. */
  restart(): void;
  /** Ends all open watches. */
  cut(): void;
  readonly script: WatchScript[];
  /** Answers of lists and single requests in place of the server, while there are any. */
  readonly refusals: { readonly status: number; readonly retryAfter?: string }[];
  /** What happens while the answers of the next lists are on their way, one entry per list. */
  readonly meanwhile: (() => void)[];
  readonly requests: string[];
  objects(): Record<string, string>;
  /** One of them as a write of it would be answered. */
  object(name: string): KubeObject;
}

interface Stream {
  push(line: string): void;
  end(): void;
}

export function createScriptedServer(): ScriptedServer {
  let version = 100;
  const objects = new Map<string, KubeObject>();
  let history: { version: number; event: WatchEvent }[] = [];
  const open = new Set<Stream>();

  const tell = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject) => {
    const event = { type, object } as const;
    history.push({ version, event });
    for (const stream of open) stream.push(JSON.stringify(event));
  };
  const stamped = (name: string, value: string): KubeObject => {
    version += 1;
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'n', name, resourceVersion: String(version), managedFields: [{ manager: 'm' }] },
      data: { value },
    };
  };

  const watch = (from: number): HttpResponse => {
    const step = server.script.shift();
    if (step?.kind === 'status') return answer(step.status, { code: step.status });
    if (step?.kind === 'error-event')
      return stream([JSON.stringify({ type: 'ERROR', object: { code: step.code } })], true);
    if (step?.kind === 'close-at-once') return stream([], true);
    if (step?.kind === 'half-a-line') return stream(['{"type":"ADDED","obj'], true, false);
    if (step?.kind === 'stall') return stream([], false);
    const since = step?.kind === 'replay' ? 0 : from;
    if (from > version) return answer(410, { code: 410, reason: 'Expired' });
    const missed = history.filter((entry) => entry.version > since).map(({ event }) => JSON.stringify(event));
    return stream(missed, false, true, open);
  };

  const server: ScriptedServer = {
    script: [],
    refusals: [],
    meanwhile: [],
    requests: [],
    put(name, value) {
      const isNew = !objects.has(name);
      const object = stamped(name, value);
      objects.set(name, object);
      tell(isNew ? 'ADDED' : 'MODIFIED', object);
    },
    bookmark() {
      const object = { metadata: { resourceVersion: String(version) } };
      for (const stream of open) stream.push(JSON.stringify({ type: 'BOOKMARK', object }));
    },
    remove(name) {
      const object = objects.get(name);
      if (!object) return;
      objects.delete(name);
      tell('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } });
    },
    restart() {
      version = 1;
      history = [];
      for (const [name, { data }] of objects)
        objects.set(name, stamped(name, (data as { value: string }).value));
      server.cut();
    },
    cut() {
      for (const one of open) one.end();
      open.clear();
    },
    objects: () =>
      Object.fromEntries([...objects].map(([name, { data }]) => [name, (data as { value: string }).value])),
    object(name) {
      const object = objects.get(name);
      if (!object) throw new Error(`no ${name}`);
      return object;
    },
    async request({ path, method }: HttpRequest, signal) {
      const isWatch = path.includes('watch=true');
      server.requests.push(isWatch ? 'WATCH' : method);
      const from = Number(new URL(path, 'http://x').searchParams.get('resourceVersion') ?? 0);
      if (isWatch) return breakable(watch(from), signal);
      const refusal = server.refusals.shift();
      if (refusal)
        return {
          ...answer(refusal.status, { code: refusal.status }),
          headers: refusal.retryAfter ? { 'retry-after': refusal.retryAfter } : {},
        };
      const listed = { metadata: { resourceVersion: String(version) }, items: [...objects.values()] };
      server.meanwhile.shift()?.();
      return answer(200, listed);
    },
    async close() {},
  };
  return server;
}

function answer(status: number, body: object): HttpResponse {
  return {
    status,
    headers: {},
    body: (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })(),
  };
}

/** An answer whose body breaks when the reader gives up, as a socket does. */
function breakable(response: HttpResponse, signal: AbortSignal | undefined): HttpResponse {
  const broken = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new AppError('API_UNREACHABLE', 'broken')), {
      once: true,
    });
  });
  broken.catch(() => {});
  const iterator = response.body[Symbol.asyncIterator]();
  return {
    ...response,
    body: (async function* () {
      for (;;) {
        const next = await Promise.race([iterator.next(), broken]);
        if (next.done) return;
        yield next.value;
      }
    })(),
  };
}

/** A watch's answer: lines, and then either its end or whatever comes. */
function stream(
  lines: readonly string[],
  isClosed: boolean,
  hasEnds = true,
  into?: Set<Stream>,
): HttpResponse {
  const queued = lines.map((line) => (hasEnds ? `${line}\n` : line));
  let wake = () => {};
  let isOver = isClosed;
  const self: Stream = {
    push(line) {
      queued.push(`${line}\n`);
      wake();
    },
    end() {
      isOver = true;
      wake();
    },
  };
  into?.add(self);
  return {
    status: 200,
    headers: {},
    body: (async function* () {
      try {
        for (;;) {
          const next = queued.shift();
          if (next !== undefined) yield Buffer.from(next);
          else if (isOver) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        into?.delete(self);
      }
    })(),
  };
}
