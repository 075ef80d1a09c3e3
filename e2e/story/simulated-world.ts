import { readdirSync, readFileSync } from 'node:fs';
import { OPERATOR } from '@kmm-fleet/api';
import { readObjects, UNMAPPED_KERNEL } from '@kmm-fleet/cli';
import { createHub } from '@kmm-fleet/hub';
import { createRegistry, type RegistryTransport } from '@kmm-fleet/images';
import {
  createFakeBuilder,
  createMemoryRegistry,
  type FakeBuilder,
  loaderTools,
  type MemoryRegistry,
  pushImage,
  testPair,
} from '@kmm-fleet/images/testing';
import { createFleet, type Fleet } from '@kmm-fleet/lab';
import {
  CORE,
  createEvents,
  createKubeClient,
  createLog,
  createManualClock,
  createMetrics,
  createRandom,
  type KubeClient,
  type KubeObject,
  type ManualClock,
  type Metrics,
  type Transport,
} from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { addImageStreams, putToolkits } from '../images/image-streams.ts';
import type { StoryKernels, World } from './world.ts';

export interface SimulatedWorld extends World {
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  /** One line per write to any API server, in order. */
  readonly trace: readonly string[];
  /** The registry, whose faults a test may set. */
  readonly registry: MemoryRegistry;
  /** Lines that our processes logged at info or above. */
  readonly logs: readonly string[];
  /** What the processes measure, since they were started first: the hub, then the clusters by name. */
  readonly metrics: ReadonlyMap<string, Metrics>;
  /** Targets that were built, in order. */
  readonly built: readonly string[];
  /** Ends hub or spokes right before or after their Nth write from now, as SIGKILL would, and starts them again. */
  killAtWrite(process: 'hub' | 'spoke', n: number, moment: 'before' | 'after'): void;
  /** Whether that kill has happened. */
  readonly wasKilled: boolean;
  stop(): Promise<void>;
}

const KERNELS: StoryKernels = {
  common: '6.1.0-55-cloud-amd64',
  edge: '6.1.0-56-cloud-amd64',
  upgrade: '6.1.0-56-amd64',
  unmapped: UNMAPPED_KERNEL,
};
const REGISTRY = 'registry.test:5000';
const TOOLKIT = `${REGISTRY}/driver-toolkit:test`;
const LOGIN = { username: 'kmm', password: 's3cret', scheme: 'Basic' as const };
const STEP_MS = 100;
const PATIENCE_MS = 600_000;

/** What the fake builder puts into an image instead of compiling. */
const MODULES = [
  { name: 'kmm_demo_a', exports: ['kmm_demo_scale'], parameters: ['site'] },
  { name: 'kmm_demo_b', depends: ['kmm_demo_a'], needs: ['kmm_demo_scale'], parameters: ['site'] },
]
  .map((module) => `# module ${JSON.stringify(module)}\n`)
  .join('');

/**
 * The whole fleet in this process, on a clock of its own: equal seeds give equal runs.
 *
 * @param coreOs version of RHEL CoreOS of all nodes, for whose toolkit the hub then has a stream and no catalogue
 */
export async function simulatedWorld(seed: number, coreOs?: string): Promise<SimulatedWorld> {
  // Later than the certificates of the tests were made.
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(seed);
  const logs: string[] = [];
  const trace: string[] = [];
  const log = createLog('simulation', { write: (line) => logs.push(line), now: clock.now });
  const transport = createMemoryRegistry({ login: LOGIN });
  const registry = createRegistry({ transport, clock, random });
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  const dockerConfig = JSON.stringify({ auths: { [REGISTRY]: { auth } } });
  await pushBases(registry, dockerConfig);
  const builders: FakeBuilder[] = [];
  const fleet = createFleet({ clock, random, log, registryTransport: transport, clusters: clusters(coreOs) });
  const stop = new AbortController();
  const running: Promise<void>[] = [fleet.run(stop.signal)];
  const servers = [fleet.hub, ...[...fleet.clusters.values()].map(({ server }) => server)];
  for (const server of servers) {
    server.onWrite(({ method, path, userAgent, status }) =>
      trace.push(`${clock.now()} ${server.name} ${userAgent} ${method} ${path.split('?')[0]} ${status}`),
    );
  }
  const clientOf = (
    to: { transport: Transport },
    userAgent: string,
    wrap = (inner: Transport) => inner,
  ): KubeClient => createKubeClient({ transport: wrap(to.transport), clock, random, userAgent });

  let kill: { process: 'hub' | 'spoke'; n: number; moment: 'before' | 'after' } | undefined;
  let wasKilled = false;

  /** Runs one process until it is killed, then runs it again. */
  const supervise = (
    process: 'hub' | 'spoke',
    start: (life: AbortController, wrap: (inner: Transport) => Transport) => Promise<void>,
  ) => {
    const live = async () => {
      while (!stop.signal.aborted) {
        const life = new AbortController();
        stop.signal.addEventListener('abort', () => life.abort(), { once: true });
        lives.set(process, life);
        const died = new Promise<void>((resolve) =>
          life.signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        // Nobody waits for a process that was killed: what it had begun hangs for ever.
        await Promise.race([start(life, (inner) => mortal(inner, process, life)), died]);
      }
    };
    running.push(live());
  };
  const lives = new Map<string, AbortController>();

  /** A transport that dies with its process: what was not sent by then is never sent. */
  const mortal = (inner: Transport, process: 'hub' | 'spoke', life: AbortController): Transport => ({
    async request(request, signal) {
      if (life.signal.aborted) return new Promise(() => {});
      const isFatal = kill?.process === process && request.method !== 'GET' && --kill.n <= 0;
      const moment = kill?.moment;
      if (isFatal) kill = undefined;
      if (isFatal && moment === 'before') return die(life);
      const response = await inner.request(request, signal);
      return isFatal ? die(life) : response;
    },
    close: () => inner.close(),
  });
  const die = (life: AbortController): Promise<never> => {
    wasKilled = true;
    life.abort();
    return new Promise(() => {});
  };

  const metrics = new Map(['hub', ...fleet.clusters.keys()].map((name) => [name, createMetrics()] as const));

  if (coreOs) {
    // Before the hub starts: it asks once whether there are any.
    await addImageStreams(clientOf(fleet.hub, 'user'));
    await putToolkits(clientOf(fleet.hub, 'user'), { [coreOs]: TOOLKIT });
  }
  supervise('hub', (life, wrap) => {
    const client = clientOf(fleet.hub, 'kmm-hub', wrap);
    const events = createEvents({ client, clock, component: 'kmm-hub', log });
    // A build dies with the hub that began it: what was not pushed by then is never pushed.
    const own = createRegistry({ transport: mortalRegistry(transport, life), clock, random });
    const builder = createFakeBuilder(own);
    builders.push(builder);
    return createHub({
      client,
      clock,
      random,
      log,
      events,
      metrics: metrics.get('hub'),
      registry: own,
      builder,
      operatorNamespace: OPERATOR.hubNamespace,
    }).run(life.signal);
  });
  for (const [name, { server }] of fleet.clusters) {
    supervise('spoke', (life, wrap) => {
      const client = clientOf(server, 'kmm', wrap);
      const events = createEvents({ client, clock, component: 'kmm', log });
      return createSpoke({
        client,
        clock,
        random,
        log,
        events,
        metrics: metrics.get(name),
        isManaged: true,
        operatorNamespace: OPERATOR.namespace,
      }).run(life.signal);
    });
  }
  const hub = clientOf(fleet.hub, 'user');
  await setUp(
    hub,
    [...fleet.clusters.values()].map(({ server }) => clientOf(server, 'user')),
    dockerConfig,
    coreOs,
  );

  return {
    hub,
    cluster: (name) => {
      const found = fleet.clusters.get(name);
      if (!found) throw new RangeError(`the fleet has no cluster ${name}`);
      return clientOf(found.server, 'user');
    },
    clusters: [...fleet.clusters.keys()],
    kernels: KERNELS,
    manifests: manifests(dockerConfig),
    async until(what, check) {
      const until = clock.now() + PATIENCE_MS;
      for (;;) {
        const found = await check();
        if (found !== undefined && found !== false) return found;
        if (clock.now() > until)
          throw new Error(
            `${what} did not come in ${PATIENCE_MS / 1_000} simulated seconds:\n${logs.slice(-12).join('')}`,
          );
        await clock.advance(STEP_MS);
      }
    },
    async killHub() {
      lives.get('hub')?.abort();
    },
    clock,
    fleet,
    registry: transport,
    trace,
    logs,
    metrics,
    get built() {
      return builders.flatMap(({ built }) => built);
    },
    killAtWrite: (process, n, moment) => {
      kill = { process, n, moment };
      wasKilled = false;
    },
    get wasKilled() {
      return wasKilled;
    },
    async stop() {
      stop.abort();
      await clock.advance(1_000);
    },
  };
}

function mortalRegistry(inner: RegistryTransport, life: AbortController): RegistryTransport {
  return {
    request: (request, signal) =>
      life.signal.aborted ? new Promise(() => {}) : inner.request(request, signal),
  };
}

function clusters(coreOs: string | undefined) {
  const trusted = [testPair('rsa').certificate];
  const labels = { 'node-wants-my-mcm': 'true' };
  const node = (name: string, kernel: string, secureBoot = false) => ({
    name,
    kernel,
    labels,
    secureBoot,
    trusted,
    ...(coreOs && { osImage: `Red Hat Enterprise Linux CoreOS ${coreOs} (Ootpa)` }),
  });
  return [
    { name: 'east', nodes: [node('east-1', KERNELS.common), node('east-2', KERNELS.common)] },
    { name: 'west', nodes: [node('west-1', KERNELS.common), node('west-2', KERNELS.common, true)] },
    { name: 'edge', nodes: [node('edge-1', KERNELS.edge, true), node('edge-2', KERNELS.unmapped)] },
  ];
}

async function pushBases(registry: Parameters<typeof pushImage>[0], dockerConfig: string): Promise<void> {
  for (const name of ['driver-toolkit:test', 'runtime:test', 'kmm-demo-source:1.0']) {
    await pushImage(registry, `${REGISTRY}/${name}`, { dockerConfig }, { '/README': name });
  }
  await pushImage(registry, `${REGISTRY}/kmm-demo-device-plugin:1.0`, { dockerConfig }, loaderTools());
}

/** What administrators of hub and spokes have set up before the story begins. */
async function setUp(
  hub: KubeClient,
  spokes: readonly KubeClient[],
  dockerConfig: string,
  coreOs: string | undefined,
): Promise<void> {
  const namespace = OPERATOR.hubNamespace;
  if (!coreOs) {
    const toolkits = { debian: `^.+-amd64$ ${TOOLKIT}` };
    await hub.create(CORE.configMap, object('ConfigMap', OPERATOR.toolkits, namespace, { data: toolkits }));
  }
  // A hash key of its own would be made of chance, and no run would equal another.
  const key = Buffer.from('simulated key of inputs hashes').toString('base64');
  await hub.create(CORE.secret, object('Secret', OPERATOR.inputsKey, namespace, { data: { key } }));
  for (const spoke of spokes) await spoke.create(CORE.secret, pullSecret(OPERATOR.namespace, dockerConfig));
}

function manifests(dockerConfig: string): KubeObject[] {
  const folder = new URL('../../lab/demo/hub/', import.meta.url);
  const pair = testPair('rsa');
  const values: Record<string, string> = {
    REGISTRY,
    LAB_RUNTIME: 'runtime:test',
    SIGNING_KEY_BASE64: pair.keyPem.toString('base64'),
    SIGNING_CERT_BASE64: pair.certPem.toString('base64'),
    DOCKER_CONFIG_BASE64: Buffer.from(dockerConfig).toString('base64'),
  };
  const texts = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const objects = texts.flatMap((text) =>
    readObjects(text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)),
  );
  return objects.map((one) => {
    if (one.kind !== 'ConfigMap') return one;
    const { dockerfile = '' } = one['data'] as Record<string, string>;
    return { ...one, data: { dockerfile: MODULES + dockerfile } };
  });
}

function pullSecret(namespace: string, dockerConfig: string): KubeObject {
  const data = { '.dockerconfigjson': Buffer.from(dockerConfig).toString('base64') };
  return object('Secret', 'repo-pull-secret', namespace, { type: 'kubernetes.io/dockerconfigjson', data });
}

function object(kind: string, name: string, namespace: string, rest: object): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace }, ...rest };
}
