import {
  CORE,
  type KubeClient,
  type KubeObject,
  listAll,
  sleep,
  systemClock,
  type Transport,
} from '@kmm-fleet/runtime';

/** What the container of a pod came to. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly output: string;
  /** What it left in the termination log. */
  readonly message?: string;
}

export interface RenderedContainer {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A pod as a Job describes it, with the contents of its Secret by path in the volume. */
export interface RenderedPod {
  readonly containers: readonly RenderedContainer[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Name of the volume with these files. */
  readonly filesVolume: string;
}

/** Runs the containers of one pod in their order, until one fails. */
export type RunPod = (pod: RenderedPod, signal: AbortSignal) => AsyncIterable<ContainerEnd>;

export interface JobRunner {
  /** The API server, which then has the logs of the pods too. */
  readonly transport: Transport;
  /** Pods that run now. */
  readonly running: number;
  /** Containers that have ended with a log. */
  readonly logged: number;
  /** Resolves when everything has ended. */
  stop(): Promise<void>;
}

interface PodSpec {
  readonly initContainers: readonly RenderedContainer[];
  readonly containers: readonly RenderedContainer[];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: {
      readonly secretName: string;
      readonly items: readonly { readonly key: string; readonly path: string }[];
    };
  }[];
}

const LOOK_MS = 5;

/**
 * Job controller and kubelet for Jobs of one pod: makes the pod, runs its containers by `run`, and keeps their end in
 * its status and their output as its log. A Job that is deleted ends its pod.
 *
 * @param client of the API server behind `transport`
 */
export function startJobRunner(transport: Transport, client: KubeClient, run: RunPod): JobRunner {
  const stop = new AbortController();
  const pods = new Map<string, { readonly end: AbortController; readonly done: Promise<void> }>();
  const logs = new Map<string, string>();
  const failures: unknown[] = [];
  let running = 0;

  const failed = (signal: AbortSignal) => (error: unknown) => {
    if (!signal.aborted) failures.push(error);
  };

  const look = async () => {
    const jobs = await listAll(client, CORE.job);
    const uids = new Set(jobs.map(({ metadata }) => metadata.uid));
    for (const [uid, pod] of pods) if (!uids.has(uid)) pod.end.abort(new Error('deleted'));
    for (const job of jobs) {
      const { uid = '' } = job.metadata;
      if (pods.has(uid)) continue;
      const end = new AbortController();
      pods.set(uid, { end, done: runJob(job, end.signal).catch(failed(end.signal)) });
    }
  };

  const runJob = async (job: KubeObject, signal: AbortSignal) => {
    const pod = await client.create(CORE.pod, podOfJob(job));
    running += 1;
    try {
      const spec = pod['spec'] as PodSpec;
      const rendered = await renderPod(pod, spec, signal);
      const steps = [...spec.initContainers, ...spec.containers];
      const ends: ContainerEnd[] = [];
      for await (const end of run(rendered, signal)) {
        const name = steps[ends.push(end) - 1]?.name ?? '';
        logs.set(`${pod.metadata.namespace}/${pod.metadata.name}/${name}`, end.output);
      }
      signal.throwIfAborted();
      const { namespace = '', name } = pod.metadata;
      await client.mergePatch(
        CORE.pod,
        { namespace, name },
        { status: podStatus(spec, ends) },
        { subresource: 'status' },
      );
    } finally {
      running -= 1;
    }
  };

  const renderPod = async (pod: KubeObject, spec: PodSpec, signal: AbortSignal): Promise<RenderedPod> => {
    const volume = spec.volumes.find(({ secret }) => secret);
    const { secretName = '', items = [] } = volume?.secret ?? {};
    const { namespace = '' } = pod.metadata;
    for (;;) {
      const secret = await client.get(CORE.secret, { namespace, name: secretName });
      const isOurs = secret?.metadata.ownerReferences?.some(
        ({ uid }) => uid === pod.metadata.ownerReferences?.[0]?.uid,
      );
      if (secret && isOurs) {
        const data = secret['data'] as Record<string, string>;
        const files = items.map(({ key, path }) => [path, Buffer.from(data[key] ?? '', 'base64')] as const);
        return {
          containers: [...spec.initContainers, ...spec.containers],
          files: new Map(files),
          filesVolume: volume?.name ?? '',
        };
      }
      await sleep(systemClock, LOOK_MS, signal);
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
      for (const { end } of pods.values()) end.abort(new Error('stopped'));
      await Promise.all([...pods.values()].map(({ done }) => done));
      if (failures.length > 0) throw new AggregateError(failures, 'Pods could not be run.');
    },
  };
}

function podOfJob(job: KubeObject): KubeObject {
  const { name, namespace = '', uid = '' } = job.metadata;
  const { template } = job['spec'] as {
    template: { metadata: { labels: Record<string, string> }; spec: object };
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${uid.slice(0, 5)}`,
      namespace,
      labels: template.metadata.labels,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
    },
    spec: template.spec,
  };
}

function podStatus(spec: PodSpec, ends: readonly ContainerEnd[]) {
  const statuses = [...spec.initContainers, ...spec.containers].map(({ name }, index) => {
    const end = ends[index];
    const terminated = end && { exitCode: end.exitCode, ...(end.message && { message: end.message }) };
    return { name, state: terminated ? { terminated } : { waiting: { reason: 'PodInitializing' } } };
  });
  const first = spec.initContainers.length;
  const isGood = ends.every(({ exitCode }) => exitCode === 0);
  return {
    phase: isGood ? 'Succeeded' : 'Failed',
    initContainerStatuses: statuses.slice(0, first),
    containerStatuses: statuses.slice(first),
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
