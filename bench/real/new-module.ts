import { RESOURCES } from '@kmm-fleet/api';
import type { Figure } from '../measure.ts';
import { claimKernel, inParallel } from './fleet.ts';
import {
  figure,
  LIMITS_ARE_OF,
  measured,
  memory,
  ofFleet,
  pause,
  plainWrites,
  QUIET_MS,
  type Run,
  report,
  seconds,
  UPSTREAM_MIB,
  untilWorks,
} from './measuring.ts';

/** Times of the slowest that a server allows: plain writes of the same objects. In a larger fleet it tells more meanwhile. */
const besidePlainMax = ({ fleet }: Run) => (fleet.clusters.length > LIMITS_ARE_OF ? 2 : 1.4);
const REQUESTS_MAX = 1.05;
const KERNELS = 20;

/** From a new module to its work on every cluster. */
export async function createOne(run: Run): Promise<Figure[]> {
  const { fleet, audit, hub } = run;
  const count = fleet.clusters.length;
  const idle = memory('with all clusters and no module', run, UPSTREAM_MIB.idle);
  const before = hub.cpuSeconds();
  const created = await measured(async () => {
    await fleet.user.create(RESOURCES.managedClusterModule, fleet.module('1'));
    await untilWorks(fleet, count);
  });
  // What the hub does right after counts too.
  await pause(QUIET_MS);
  const { reads, writes } = audit.next();
  const cpu = hub.cpuSeconds() - before;
  const plain = await measured(() => plainWrites(fleet));
  return [
    idle,
    figure(
      'new module: all works exist, beside plain writes',
      `${seconds(created)}, ${seconds(plain)}`,
      created / plain,
      besidePlainMax(run),
      '521 s at 3,500',
    ),
    perWork('requests per cluster for it', `${writes} writes, ${reads} reads`, writes + reads, count, '7'),
    figure(
      'CPU of the hub for it, in seconds',
      `${cpu.toFixed(1)} s`,
      cpu,
      ofFleet(run, 10),
      '53.7 s at 3,500',
    ),
  ];
}

/** A work carries its image by digest, which the hub knows only once it has looked: none goes out before. */
export async function newDigest(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  const digest = await fleet.pushImage('2', 'two');
  const spec = fleet.module('2')['spec'];
  const updated = await measured(async () => {
    await fleet.user.mergePatch(RESOURCES.managedClusterModule, { name: 'kmod' }, { spec }, {});
    await untilWorks(fleet, fleet.clusters.length, (work) => JSON.stringify(work.spec).includes(digest));
  });
  // Of objects that are there and have a status: a server takes those more slowly than new ones.
  await report(fleet, fleet.clusters, 3, 'plain');
  const rewritten = await measured(() => plainWrites(fleet));
  await pause(QUIET_MS);
  return [
    figure(
      'new digest: all works carry it, beside plain writes',
      `${seconds(updated)}, ${seconds(rewritten)}`,
      updated / rewritten,
      besidePlainMax(run),
      '520 s at 3,500',
    ),
    memory('after it', run, UPSTREAM_MIB.withModule),
  ];
}

/** Two more modules, then as many kernels as a fleet has in its worst week. */
export async function moreOfAll({ fleet, audit }: Run): Promise<Figure[]> {
  const count = fleet.clusters.length;
  audit.next();
  const modules = await measured(async () => {
    for (const name of ['second', 'third'])
      await fleet.user.create(RESOURCES.managedClusterModule, fleet.module('1', name));
    await untilWorks(fleet, count * 3);
  });
  const made = audit.next();
  const kernelOf = (cluster: string) => `6.1.0-${2 + (Number(cluster.slice(1)) % KERNELS)}-amd64`;
  const kernels = await measured(async () => {
    await inParallel(fleet.clusters, (name) => claimKernel(fleet.user, name, kernelOf(name)));
    await untilWorks(fleet, count * 3, ({ spec, metadata }) =>
      JSON.stringify(spec).includes(kernelOf(metadata.namespace ?? '')),
    );
  });
  const moved = audit.next();
  return [
    perWork(
      '3 modules: works written per work, for two more',
      `${made.writesOf('manifestworks')} in ${seconds(modules)}`,
      made.writesOf('manifestworks'),
      count * 2,
    ),
    perWork(
      `${KERNELS} kernels: works written per work, for new claims`,
      `${moved.writesOf('manifestworks')} in ${seconds(kernels)}`,
      moved.writesOf('manifestworks'),
      count * 3,
    ),
  ];
}

/** @throws {RangeError} when fewer requests are told than works were written, and so not all of them */
function perWork(name: string, value: string, requests: number, works: number, upstream?: string): Figure {
  if (requests < works)
    throw new RangeError(`${name}: ${requests} requests cannot have written ${works} works.`);
  return figure(name, value, requests / works, REQUESTS_MAX, upstream);
}
