import { RESOURCES } from '@kmm-fleet/api';
import { type Figure, SETTLE_MS } from '../measure.ts';
import type { AuditCount } from './audit.ts';
import { claimKernel, inParallel } from './fleet.ts';
import { sentBeforeReady } from './image-first.ts';
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
/** Of the hub, for as many works as {@link LIMITS_ARE_OF}. */
const CPU_SECONDS_MAX = 10;
const CPU_MS_PER_WORK_MAX = 2.9;
const KERNELS = 20;

/** From a new module to its work on every cluster. */
export async function createOne(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  await pause(SETTLE_MS);
  const idle = memory('with all clusters and no module', run, UPSTREAM_MIB.idle);
  const plain = plainWrites(fleet, '1', run.digest);
  const beforeMs = await measured(() => plain.write('plain'));
  const cost = await costOf(run, async () => {
    await fleet.user.create(RESOURCES.managedClusterModule, fleet.module('1'));
    await untilWorks(fleet, fleet.clusters.length);
  });
  const after = memory('with its works', run, UPSTREAM_MIB.withModule);
  const afterMs = await measured(() => plain.write('plain-after'));
  plain.check();
  return [
    idle,
    besidePlain('new module: all works exist', run, cost.ms, [beforeMs, afterMs], '521 s at 3,500'),
    ...requestsOf('new module', run, cost, '7'),
    cpuOf('new module', run, cost, '53.7 s at 3,500'),
    after,
  ];
}

/** A work carries its image by digest, which the hub knows only once it has looked: none goes out before. */
export async function newDigest(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  const digest = await fleet.pushImage('2', 'two');
  const spec = fleet.module('2')['spec'];
  const plain = plainWrites(fleet, '2', digest);
  // Of objects that are there and have a status: a server takes those more slowly than new ones.
  await report(fleet, fleet.clusters, 3, 'plain');
  const beforeMs = await measured(() => plain.write('plain'));
  const cost = await costOf(run, async () => {
    await fleet.user.mergePatch(RESOURCES.managedClusterModule, { name: 'kmod' }, { spec }, {});
    await untilWorks(fleet, fleet.clusters.length, (work) => JSON.stringify(work.spec).includes(digest));
  });
  plain.check();
  // The way back is as long.
  const afterMs = await measured(() => plainWrites(fleet, '1', run.digest).write('plain'));
  const early = sentBeforeReady(cost.asked.requests, digest);
  return [
    besidePlain('new digest: all works carry it', run, cost.ms, [beforeMs, afterMs], '520 s at 3,500'),
    figure('new digest: works sent before their image was Ready', `${early}`, early, 0, '729 of 3,500'),
    ...requestsOf('new digest', run, cost),
    cpuOf('new digest', run, cost),
    memory('after it', run, UPSTREAM_MIB.withModule),
  ];
}

interface Cost {
  readonly ms: number;
  readonly asked: AuditCount;
  readonly cpuSeconds: number;
}

/** What the hub does right after is no part of the time, but it is asked for and it is work. */
async function costOf({ audit, hub }: Run, change: () => Promise<void>): Promise<Cost> {
  audit.next();
  const before = hub.cpuSeconds();
  const ms = await measured(change);
  await pause(QUIET_MS);
  return { ms, asked: audit.next(), cpuSeconds: hub.cpuSeconds() - before };
}

/** Beside the mean of plain writes before and after it: a server that is warm takes them faster. */
function besidePlain(
  name: string,
  run: Run,
  ms: number,
  [beforeMs, afterMs]: readonly [number, number],
  upstream: string,
): Figure {
  const value = `${seconds(ms)}, ${seconds(beforeMs)} and ${seconds(afterMs)}`;
  const ratio = ms / ((beforeMs + afterMs) / 2);
  return figure(`${name}, beside plain writes`, value, ratio, besidePlainMax(run), upstream);
}

function requestsOf(name: string, { fleet }: Run, { asked }: Cost, upstream?: string): Figure[] {
  const { reads, writes } = asked;
  const value = `${writes} writes, ${reads} reads`;
  return [
    perWork(`${name}: requests per cluster`, value, writes + reads, fleet.clusters.length, upstream),
    figure(`${name}: reads beyond the watches`, `${reads}`, reads, 0),
  ];
}

function cpuOf(name: string, run: Run, { cpuSeconds }: Cost, upstream?: string): Figure {
  const value = `${cpuSeconds.toFixed(1)} s`;
  return figure(
    `${name}: CPU of the hub in seconds`,
    value,
    cpuSeconds,
    ofFleet(run, CPU_SECONDS_MAX),
    upstream,
  );
}

/** Two more modules, then as many kernels as a fleet has in its worst week. */
export async function moreOfAll(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  const count = fleet.clusters.length;
  const modules = await costOf(run, async () => {
    for (const name of ['second', 'third'])
      await fleet.user.create(RESOURCES.managedClusterModule, fleet.module('1', name));
    await untilWorks(fleet, count * 3);
  });
  const kernelOf = (cluster: string) => `6.1.0-${2 + (Number(cluster.slice(1)) % KERNELS)}-amd64`;
  const kernels = await costOf(run, async () => {
    await inParallel(fleet.clusters, (name) => claimKernel(fleet.user, name, kernelOf(name)));
    await untilWorks(fleet, count * 3, ({ spec, metadata }) =>
      JSON.stringify(spec).includes(kernelOf(metadata.namespace ?? '')),
    );
  });
  return [
    ...costPerWork('3 modules, for two more', modules, count * 2),
    ...costPerWork(`${KERNELS} kernels, for new claims`, kernels, count * 3),
  ];
}

/** What a work costs must not depend on how many there are. */
function costPerWork(name: string, { ms, asked, cpuSeconds }: Cost, works: number): Figure[] {
  const written = asked.writesOf('manifestworks');
  const cpuMs = (cpuSeconds * 1_000) / works;
  return [
    perWork(`${name}: works written per work`, `${written} in ${seconds(ms)}`, written, works),
    figure(`${name}: CPU per work in ms`, `${cpuSeconds.toFixed(1)} s`, cpuMs, CPU_MS_PER_WORK_MAX),
  ];
}

/** @throws {RangeError} when fewer requests are told than works were written, and so not all of them */
function perWork(name: string, value: string, requests: number, works: number, upstream?: string): Figure {
  if (requests < works)
    throw new RangeError(`${name}: ${requests} requests cannot have written ${works} works.`);
  return figure(name, value, requests / works, REQUESTS_MAX, upstream);
}
