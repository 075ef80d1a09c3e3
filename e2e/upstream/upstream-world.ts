import { LABELS, OPERATOR } from '@kmm-fleet/api';
import { createHub } from '@kmm-fleet/hub';
import { createRegistry, type SigningPair, signImage } from '@kmm-fleet/images';
import { createFakeBuilder, createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  createEvents,
  createKubeClient,
  createManualClock,
  createRandom,
  listAll,
  silentLog,
} from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { MODULES_ANNOTATION } from '../story/world.ts';

export const KERNEL = '6.1.0-55-amd64';

export type UpstreamWorld = Awaited<ReturnType<typeof upstreamWorld>>;

/** The modules that the node has, in words. */
export async function loaded({ user }: UpstreamWorld) {
  const node = await user.get(CORE.node, { name: 'n1' });
  return node?.metadata.annotations?.[MODULES_ANNOTATION];
}

/** What a reload would change: pods and the generations of their DaemonSets. */
export async function running({ user }: UpstreamWorld): Promise<Record<string, unknown>> {
  const all = await Promise.all(
    [CORE.pod, CORE.daemonSet].map((type) => listAll(user, type, { labelSelector: LABELS.moduleName })),
  );
  return Object.fromEntries(
    all.flat().map(({ metadata }) => [metadata.name, [metadata.uid, metadata.generation]]),
  );
}

const IMAGE = 'registry.test/kmod:v1';

/**
 * One cluster, and a registry with a module in it; whoever likes writes works on the hub, and starts what is ours.
 *
 * @param signer of the module; nobody has signed it where none is given
 */
export async function upstreamWorld(signer?: SigningPair) {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(3);
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  const builder = createFakeBuilder(registry);
  const built = await builder.build({
    dockerfile: '# module {"name":"kmod","parameters":["site"]}\nFROM scratch\n',
    buildArgs: { KERNEL_FULL_VERSION: KERNEL },
    secrets: [],
    target: IMAGE,
    labels: {},
    baseAccess: {},
    targetAccess: {},
  });
  builder.built.length = 0;
  const at = { source: IMAGE, sourceAccess: {}, target: IMAGE, targetAccess: {} };
  const { digest } = signer
    ? await signImage(registry, { ...at, files: [], pair: signer, labels: {} })
    : built;
  const inTree = [{ name: 'dummy', isLoadedAtBoot: true }];
  const nodes = [{ name: 'n1', kernel: KERNEL, labels: { worker: 'yes' }, inTree }];
  const clusters = [{ name: 'one', nodes }];
  const fleet = createFleet({ clock, random, log: silentLog, registryTransport: transport, clusters });
  const server = fleet.clusters.get('one')?.server ?? fleet.hub;
  const client = (to: typeof server, userAgent: string) =>
    createKubeClient({ transport: to.transport, clock, random, userAgent });
  const portsOf = (to: typeof server, name: string) => {
    const own = client(to, name);
    const events = createEvents({ client: own, clock, component: name, log: silentLog });
    return { client: own, clock, random, log: silentLog, events };
  };
  const stop = new AbortController();
  const running = [fleet.run(stop.signal)];
  const writes: string[] = [];
  for (const each of [server, fleet.hub])
    each.onWrite(({ method, path, userAgent }) =>
      writes.push(`${userAgent} ${method} ${path.split('?')[0]?.split('/').slice(-3).join('/')}`),
    );
  return {
    clock,
    digest,
    hub: client(fleet.hub, 'upstream'),
    user: client(server, 'user'),
    /** Who wrote what, in order. */
    writes,
    /** Images that our hub made. */
    built: builder.built,
    /** @param ended stops it before the world does */
    startSpoke(ended = stop.signal) {
      const spoke = createSpoke({
        ...portsOf(server, 'kmm'),
        operatorNamespace: OPERATOR.namespace,
        isManaged: true,
      });
      running.push(spoke.run(AbortSignal.any([stop.signal, ended])));
    },
    startHub(ended = stop.signal) {
      const hub = createHub({
        ...portsOf(fleet.hub, 'kmm-hub'),
        registry,
        builder,
        operatorNamespace: OPERATOR.hubNamespace,
      });
      running.push(hub.run(AbortSignal.any([stop.signal, ended])));
    },
    advance: (ms: number) => clock.advance(ms),
    async until(what: string, check: () => Promise<boolean>) {
      for (const end = clock.now() + 300_000; !(await check()); await clock.advance(500))
        if (clock.now() > end) throw new Error(`${what} did not come`);
    },
    async stop() {
      stop.abort();
      await clock.advance(1_000);
      await Promise.all(running);
    },
  };
}
