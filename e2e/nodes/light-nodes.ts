import {
  type Clock,
  CORE,
  createCache,
  createLimiter,
  type KubeClient,
  type KubeObject,
  type Random,
  silentLog,
  sleep,
} from '@kmm-fleet/runtime';

export interface LightNodesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly count: number;
  readonly labels: Readonly<Record<string, string>>;
  kernelOf(index: number): string;
}

const PARALLEL = 32;
/** Often enough for a controller manager, which gives a node 50 s. */
const BEAT_MS = 25_000;

/** Nodes that are ready and say of every pod that it runs: for what is only about how many there are. */
export async function startLightNodes(options: LightNodesOptions): Promise<{ stop(): Promise<void> }> {
  const { client, clock, random, count } = options;
  const limiter = createLimiter(PARALLEL);
  const life = new AbortController();
  const forAll = (task: (index: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, index) => limiter.run(() => task(index))));
  await forAll((index) => client.create(CORE.node, nodeOf(index, options)));

  const pods = createCache({ client, clock, random, log: silentLog, type: CORE.pod });
  pods.onChange(({ after }) => {
    if (after && isBound(after)) void limiter.run(() => runPod(after)).catch(() => {});
  });
  const runPod = (pod: KubeObject) => {
    const { namespace = '', name } = pod.metadata;
    const status = running(pod as PodParts, clock);
    return client.mergePatch(CORE.pod, { namespace, name }, { status }, { subresource: 'status' });
  };
  const beat = async () => {
    while (!life.signal.aborted) {
      const heartbeat = { status: { conditions: [ready(clock)] } };
      await forAll((index) =>
        client.mergePatch(CORE.node, { name: nameOf(index) }, heartbeat, { subresource: 'status' }),
      ).catch(() => {});
      await sleep(clock, BEAT_MS, life.signal).catch(() => {});
    }
  };
  const work = Promise.all([pods.run(life.signal), sleep(clock, BEAT_MS, life.signal).then(beat, () => {})]);
  return {
    async stop() {
      life.abort();
      await work;
    },
  };
}

const nameOf = (index: number) => `light-${index}`;
const now = (clock: Clock) => new Date(clock.now()).toISOString().replace(/\.\d+/, '');

function ready(clock: Clock): object {
  const at = now(clock);
  return { type: 'Ready', status: 'True', reason: 'Light', lastHeartbeatTime: at, lastTransitionTime: at };
}

function nodeOf(index: number, { clock, labels, kernelOf }: LightNodesOptions): KubeObject {
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  const nodeInfo = {
    ...{ machineID: '', systemUUID: '', bootID: '', osImage: '', containerRuntimeVersion: '' },
    ...{ kubeletVersion: 'v1.35.4', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
    kernelVersion: kernelOf(index),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nameOf(index), labels: { 'kubernetes.io/os': 'linux', ...labels } },
    status: { capacity: resources, allocatable: resources, conditions: [ready(clock)], nodeInfo },
  };
}

interface PodParts {
  readonly spec?: { readonly nodeName?: string; readonly containers: readonly { readonly name: string }[] };
  readonly status?: { readonly phase?: string };
}

function isBound(pod: KubeObject): boolean {
  const { spec, status } = pod as PodParts;
  return spec?.nodeName?.startsWith('light-') === true && status?.phase !== 'Running';
}

function running(pod: PodParts, clock: Clock): object {
  const at = now(clock);
  const conditions = ['Initialized', 'ContainersReady', 'Ready', 'PodScheduled'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: at,
  }));
  const containerStatuses = (pod.spec?.containers ?? []).map(({ name }) => ({
    ...{ name, image: 'light', imageID: 'light', ready: true, started: true, restartCount: 0 },
    state: { running: { startedAt: at } },
  }));
  return { phase: 'Running', startTime: at, conditions, containerStatuses };
}
