import {
  CORE,
  type KubeClient,
  type KubeObject,
  listAll,
  type ObjectName,
  type ResourceType,
  sleep,
  systemClock,
  type Transport,
} from '@kmm-fleet/runtime';

export interface ObjectRunner {
  /** The API server, which then has the logs of the pods too. */
  readonly transport: Transport;
  /** Objects that run now. */
  readonly running: number;
  /** Containers that have ended with a log. */
  readonly logged: number;
  /** Resolves when everything has ended. */
  stop(): Promise<void>;
}

/** Does what one object says. */
export type RunObject = (
  object: KubeObject,
  ports: { readonly signal: AbortSignal; keepLog(pod: ObjectName, container: string, output: string): void },
) => Promise<void>;

const LOOK_MS = 5;

/**
 * A controller for objects of one kind that run once: begins each that appears, ends one that is deleted, and keeps
 * the logs of pods.
 *
 * @param client of the API server behind `transport`
 */
export function startObjectRunner(
  transport: Transport,
  client: KubeClient,
  type: ResourceType,
  run: RunObject,
): ObjectRunner {
  const stop = new AbortController();
  const runs = new Map<string, { readonly end: AbortController; readonly done: Promise<void> }>();
  const logs = new Map<string, string>();
  const failures: unknown[] = [];
  let running = 0;

  const keepLog = ({ namespace, name }: ObjectName, container: string, output: string) => {
    logs.set(`${namespace}/${name}/${container}`, output);
  };

  const begin = async (object: KubeObject, signal: AbortSignal) => {
    running += 1;
    try {
      await run(object, { signal, keepLog });
    } catch (error) {
      if (!signal.aborted) failures.push(error);
    } finally {
      running -= 1;
    }
  };

  const look = async () => {
    const objects = await listAll(client, type);
    const uids = new Set(objects.map(({ metadata }) => metadata.uid));
    for (const [uid, { end }] of runs) if (!uids.has(uid)) end.abort(new Error('deleted'));
    for (const object of objects) {
      const { uid = '' } = object.metadata;
      if (runs.has(uid)) continue;
      const end = new AbortController();
      runs.set(uid, { end, done: begin(object, end.signal) });
    }
  };

  const loop = (async () => {
    while (!stop.signal.aborted) {
      await look();
      await sleep(systemClock, LOOK_MS);
    }
  })();

  return {
    get running() {
      return running;
    },
    get logged() {
      return logs.size;
    },
    transport: {
      close: () => transport.close(),
      async request(request, signal) {
        const [, namespace, name, container] =
          /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log\?container=([^&]+)/.exec(request.path) ?? [];
        if (!namespace) return transport.request(request, signal);
        const output = logs.get(`${namespace}/${name}/${container}`);
        if (output === undefined)
          return { status: 400, headers: {}, body: once('{"message":"not started"}') };
        return { status: 200, headers: {}, body: once(output) };
      },
    },
    async stop() {
      stop.abort();
      await loop;
      for (const { end } of runs.values()) end.abort(new Error('stopped'));
      await Promise.all([...runs.values()].map(({ done }) => done));
      if (failures.length > 0) throw new AggregateError(failures, `${type.plural} could not be run.`);
    },
  };
}

/** Waits for a Secret that belongs to an object, as a kubelet does that is to mount it. */
export async function ownedSecret(
  client: KubeClient,
  { metadata: { namespace = '', uid } }: KubeObject,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, Uint8Array>>> {
  for (;;) {
    const secret = await client.get(CORE.secret, { namespace, name });
    if (secret?.metadata.ownerReferences?.some((owner) => owner.uid === uid)) {
      const data = Object.entries(secret['data'] as Record<string, string>);
      return Object.fromEntries(data.map(([key, text]) => [key, Buffer.from(text, 'base64')]));
    }
    await sleep(systemClock, LOOK_MS, signal);
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
