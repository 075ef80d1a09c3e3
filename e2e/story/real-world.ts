import { readdirSync, readFileSync } from 'node:fs';
import { type LabPaths, type LabState, readLabState, readObjects, UNMAPPED_KERNEL } from '@kmm-fleet/cli';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  loadKubeConnection,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import type { World } from './world.ts';

const PATIENCE_MS = 180_000;
const PAUSE_MS = 100;

/** The story's world in a running lab: real API requests, real processes, real images. */
export async function realWorld(paths: LabPaths, state: LabState): Promise<World> {
  const clients = new Map<string, KubeClient>();
  for (const { name } of state.clusters) clients.set(name, await clientFor(paths.path(`${name}.kubeconfig`)));
  const client = (name: string) => {
    const found = clients.get(name);
    if (!found) throw new RangeError(`the lab has no cluster ${name}`);
    return found;
  };
  const files = readdirSync(paths.manifests).sort();
  return {
    hub: client('hub'),
    cluster: client,
    clusters: state.clusters.map(({ name }) => name).filter((name) => name !== 'hub'),
    kernels: { ...state.kernels, unmapped: UNMAPPED_KERNEL },
    manifests: files.flatMap((file) => readObjects(readFileSync(`${paths.manifests}/${file}`, 'utf8'))),
    until: (what, check) => poll(what, check, paths),
    async killHub() {
      const pid = readLabState(paths)?.processes['hub'];
      if (!pid) throw new Error('The lab has no hub that could be killed.');
      process.kill(pid, 'SIGKILL');
    },
  };
}

async function clientFor(kubeconfig: string): Promise<KubeClient> {
  const transport = createHttpTransport(await loadKubeConnection({}, { kubeconfig }));
  return createKubeClient({ transport, clock, random, userAgent: 'story' });
}

async function poll<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  paths: LabPaths,
): Promise<T> {
  const until = clock.now() + PATIENCE_MS;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (clock.now() > until)
      throw new Error(`${what} did not come in ${PATIENCE_MS / 1_000} s; see ${paths.logs}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
