import { type ModuleImage, type ModuleImageStatus, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import {
  type BuildRequest,
  createImages,
  createRegistry,
  createSystems,
  type ImageLimits,
} from '@kmm-fleet/images';
import { createFakeBuilder, createMemoryRegistry, pushImage, testPair } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  createEvents,
  createKubeClient,
  createLog,
  createManualClock,
  createMetrics,
  createRandom,
  type KubeObject,
  listAll,
} from '@kmm-fleet/runtime';
import { passesOf } from '@kmm-fleet/runtime/testing';

export const NAMESPACE = 'ns';
export const IMAGE = 'registry.test/kmod:1';
export const BASE = 'registry.test/base:1';
export const MODULE = '# module {"name":"kmod"}\n';

/** The controller of images alone, with an API server, a registry and a builder in memory. */
export async function imagesWorld(limits?: ImageLimits, builds: 'here' | 'elsewhere' = 'here') {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  let skewMs = 0;
  const own = { ...clock, now: () => clock.now() + skewMs };
  const random = createRandom(7);
  const logs: string[] = [];
  const log = createLog('test', { write: (line) => logs.push(line), now: own.now });
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  const { hub } = createFleet({ clock, random, log, registryTransport: transport, clusters: [] });
  const client = (userAgent: string) =>
    createKubeClient({ transport: hub.transport, clock, random, userAgent });
  const user = client('user');
  const fake = createFakeBuilder(registry);
  const requests: BuildRequest[] = [];
  const crowds = createCrowds();
  const stop = new AbortController();
  const events = createEvents({ client: client('images'), clock, component: 'images', log });
  const metrics = createMetrics();
  const systems = createSystems();
  systems.complete();
  const images = createImages({
    systems,
    client: client('images'),
    clock: own,
    random,
    log,
    events,
    metrics,
    registry,
    builder:
      builds === 'here'
        ? {
            logCommand: (target) => `show ${target}`,
            build: (request, signal) => {
              requests.push(request);
              return crowds.count(request.target, () => fake.build(request, signal));
            },
          }
        : undefined,
    operatorNamespace: OPERATOR.hubNamespace,
    ...(limits && { limits }),
  });
  const written: string[] = [];
  hub.onWrite(({ userAgent, body }) => {
    const status = (body as { status?: ModuleImageStatus } | undefined)?.status;
    if (userAgent === 'images' && status?.state) written.push(status.state);
  });
  await pushImage(registry, BASE, {}, { '/README': 'one' });
  const object = (kind: 'ConfigMap' | 'Secret', name: string, data: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: NAMESPACE },
    data,
  });
  await user.create(CORE.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const world = {
    clock,
    hub,
    user,
    registry,
    systems,
    transport,
    requests,
    /** How many builds went on at once, of one target or of all. */
    atOnceMax: (target?: string) => crowds.max(target),
    /** What DTK_AUTO stood for, build by build. */
    toolkits: () => requests.map(({ buildArgs }) => buildArgs['DTK_AUTO']),
    /** How often images were looked at. */
    passes: () => passesOf(metrics, 'images'),
    written,
    logs,
    built: fake.built,
    start: () => void images.run(stop.signal),
    skew: (ms: number) => void (skewMs = ms),
    dockerfile: (text: string) =>
      user.apply(CORE.configMap, object('ConfigMap', 'dockerfile', { dockerfile: text }), {
        fieldManager: 'user',
        force: true,
      }),
    async keys(name: 'rsa' | 'ec') {
      const { keyPem, certPem } = testPair(name);
      const options = { fieldManager: 'user', force: true };
      const key = { key: keyPem.toString('base64') };
      const cert = { cert: certPem.toString('base64') };
      await user.apply(CORE.secret, object('Secret', 'key', key), options);
      await user.apply(CORE.secret, object('Secret', 'cert', cert), options);
    },
    want: (
      spec: { [K in keyof ModuleImage['spec']]?: ModuleImage['spec'][K] | undefined } = {},
      name = 'image',
    ) =>
      user.apply(
        RESOURCES.moduleImage,
        {
          apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
          kind: 'ModuleImage',
          metadata: { name },
          spec: {
            image: IMAGE,
            kernelVersion: '6.1.0-1',
            module: { name: 'kmod', namespace: NAMESPACE },
            build: { dockerfileConfigMap: { name: 'dockerfile' } },
            sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
            ...spec,
          },
        },
        { fieldManager: 'user', force: true },
      ),
    status: async (name = 'image') =>
      ((await user.get(RESOURCES.moduleImage, { name }))?.['status'] ?? {}) as ModuleImageStatus,
    async events() {
      const all = await listAll(user, CORE.event);
      return all.map((event) => String(event['reason'])).sort();
    },
    async eventTexts(reason: string) {
      const all = await listAll(user, CORE.event);
      return all.filter((event) => event['reason'] === reason).map((event) => String(event['message']));
    },
    async until(check: (status: ModuleImageStatus) => boolean, patienceMs?: number, name = 'image') {
      const [status = {}] = await world.untilAll([name], ([one = {}]) => check(one), patienceMs);
      return status;
    },
    async untilAll(
      names: readonly string[],
      check: (statuses: readonly ModuleImageStatus[]) => boolean,
      patienceMs = 300_000,
    ) {
      const startMs = clock.now();
      for (;;) {
        const statuses = await Promise.all(names.map((name) => world.status(name)));
        if (check(statuses)) return statuses;
        const waitedMs = clock.now() - startMs;
        if (waitedMs > patienceMs) throw new Error(`${JSON.stringify(statuses)}\n${logs.slice(-8).join('')}`);
        // Days go by in some hundred steps.
        await clock.advance(Math.max(200, waitedMs / 20));
      }
    },
    async stop() {
      stop.abort();
      await clock.advance(1_000);
    },
  };
  await world.keys('rsa');
  await world.dockerfile(`${MODULE}FROM ${BASE}\n`);
  return world;
}

/** Counts how many tasks of one key, and of all keys, go on at once. */
function createCrowds() {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const all = '';
  const add = (key: string, change: number) => {
    const count = (now.get(key) ?? 0) + change;
    now.set(key, count);
    most.set(key, Math.max(most.get(key) ?? 0, count));
  };
  return {
    max: (key = all) => most.get(key) ?? 0,
    async count<T>(key: string, task: () => Promise<T>): Promise<T> {
      for (const one of [key, all]) add(one, 1);
      try {
        return await task();
      } finally {
        for (const one of [key, all]) add(one, -1);
      }
    },
  };
}

export type ImagesWorld = Awaited<ReturnType<typeof imagesWorld>>;

/** Tells one story and ends its processes, also when the story fails. */
export const story =
  (tell: (world: ImagesWorld) => Promise<void>, ...how: Parameters<typeof imagesWorld>) =>
  async () => {
    const world = await imagesWorld(...how);
    try {
      await tell(world);
    } finally {
      await world.stop();
    }
  };

export const isReady = ({ state }: ModuleImageStatus) => state === 'Ready';

export async function madeOnce(world: ImagesWorld): Promise<ModuleImageStatus> {
  world.start();
  await world.want();
  return world.until(isReady);
}
