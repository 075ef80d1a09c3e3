import { CORE, type KubeClient, type KubeObject, type Transport } from '@kmm-fleet/runtime';
import { type ObjectRunner, ownedSecret, startObjectRunner } from './object-runner.ts';

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

/**
 * Job controller and kubelet for Jobs of one pod: makes the pod, runs its containers by `run`, and keeps their end in
 * its status and their output as its log.
 *
 * @param client of the API server behind `transport`
 */
export function startJobRunner(transport: Transport, client: KubeClient, run: RunPod): ObjectRunner {
  return startObjectRunner(transport, client, CORE.job, async (job, { signal, keepLog }) => {
    const pod = await client.create(CORE.pod, podOfJob(job));
    const spec = pod['spec'] as PodSpec;
    const rendered = await renderPod(client, job, spec, signal);
    const steps = [...spec.initContainers, ...spec.containers];
    const { namespace = '', name } = pod.metadata;
    const ends: ContainerEnd[] = [];
    for await (const end of run(rendered, signal))
      keepLog({ namespace, name }, steps[ends.push(end) - 1]?.name ?? '', end.output);
    signal.throwIfAborted();
    await client.mergePatch(
      CORE.pod,
      { namespace, name },
      { status: podStatus(spec, ends) },
      { subresource: 'status' },
    );
  });
}

async function renderPod(
  client: KubeClient,
  job: KubeObject,
  spec: PodSpec,
  signal: AbortSignal,
): Promise<RenderedPod> {
  const volume = spec.volumes.find(({ secret }) => secret);
  const { secretName = '', items = [] } = volume?.secret ?? {};
  const data = await ownedSecret(client, job, secretName, signal);
  return {
    containers: [...spec.initContainers, ...spec.containers],
    files: new Map(items.map(({ key, path }) => [path, data[key] ?? new Uint8Array()])),
    filesVolume: volume?.name ?? '',
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
