// make bench-real: the hub as a process, on a real kube-apiserver with a large fleet of clusters. What it costs is
// set beside what plain writes of the same objects cost the same server in the same run.
import { performance } from 'node:perf_hooks';
import { type ManagedClusterModule, type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Figure } from '../measure.ts';
import { print } from '../print.ts';
import { createAuditReader } from './audit.ts';
import { inParallel, type RealFleet, startRealFleet } from './fleet.ts';

const CLUSTERS = Number(process.argv[2] ?? 3_500);
const QUIET_MS = 2_000;
const PATIENCE_MS = 600_000;

const fleet = await startRealFleet(CLUSTERS, (line) => console.log(line));
const audit = createAuditReader(fleet.plane.auditLog, 'kmm-hub');
const figures: Figure[] = [];
try {
  await fleet.pushImage('1', 'one');
  await fleet.pushImage('2', 'two');
  let hub = fleet.startHub();
  await pause(QUIET_MS * 2);
  audit.next();

  const created = await measured(async () => {
    await fleet.user.create(RESOURCES.managedClusterModule, fleet.module('1'));
    await untilWorks(() => true);
  });
  const creating = audit.next();
  const cpu = hub.cpuSeconds();
  const plain = await measured(() => plainWrites(fleet));
  figures.push(
    figure(
      'new module: all works exist, beside plain writes',
      `${seconds(created)} s, ${seconds(plain)} s`,
      created / plain,
      1.4,
    ),
    figure(
      'requests per cluster for it',
      `${creating.writes} writes, ${creating.reads} reads`,
      (creating.writes + creating.reads) / CLUSTERS,
      1.05,
    ),
    figure('CPU of the hub for it, in seconds', `${cpu.toFixed(1)} s`, cpu, 10),
  );

  await pause(QUIET_MS);
  audit.next();
  const before = hub.cpuSeconds();
  await report(fleet, fleet.clusters.slice(0, 1), 1);
  await pause(QUIET_MS);
  const event = audit.next();
  figures.push(
    figure('one status event: requests of the hub', event.what, event.writes + event.reads, 1),
    figure(
      'one status event: CPU in ms',
      `${((hub.cpuSeconds() - before) * 1_000).toFixed(0)} ms`,
      (hub.cpuSeconds() - before) * 1_000,
      50,
    ),
  );

  await report(fleet, fleet.clusters, 2);
  const settling = await measured(() => untilStatus((status) => status?.numberApplied === CLUSTERS));
  await pause(QUIET_MS);
  const burst = audit.next();
  figures.push(
    figure(
      `${CLUSTERS} status events: status right after the last, in seconds`,
      `${seconds(settling)} s`,
      settling / 1_000,
      2,
    ),
    figure(
      `${CLUSTERS} status events: writes of the hub per second of them`,
      burst.what,
      burst.writes / 60,
      1,
    ),
  );

  const next = fleet.module('2');
  const digest = await fleet.pushImage('2', 'two');
  const updated = await measured(async () => {
    await fleet.user.mergePatch(RESOURCES.managedClusterModule, { name: 'kmod' }, { spec: next['spec'] }, {});
    await untilWorks((works) => works.every((work) => JSON.stringify(work.spec).includes(digest)));
  });
  // Of objects that are there: a server takes those more slowly than new ones.
  const rewritten = await measured(() => plainWrites(fleet));
  figures.push(
    figure(
      'new digest: all works carry it, beside plain writes',
      `${seconds(updated)} s, ${seconds(rewritten)} s`,
      updated / rewritten,
      1.4,
    ),
  );
  await pause(QUIET_MS);
  audit.next();
  figures.push(
    figure(
      'memory of the hub after it, in MiB',
      `${hub.residentMiB().toFixed(0)} MiB`,
      hub.residentMiB(),
      200,
    ),
  );

  await hub.stop();
  hub = fleet.startHub();
  await pause(QUIET_MS * 3);
  const restart = audit.next();
  figures.push(
    figure(
      'restart with everything in place: writes',
      `${restart.what || 'none'}; ${restart.reads} reads`,
      restart.writes,
      0,
    ),
    figure('restart: CPU in seconds', `${hub.cpuSeconds().toFixed(1)} s`, hub.cpuSeconds(), 6),
    figure(
      'memory of the hub after a restart, in MiB',
      `${hub.residentMiB().toFixed(0)} MiB`,
      hub.residentMiB(),
      200,
    ),
  );
  await hub.stop();
} finally {
  await fleet.close();
}
process.exit(print(figures) ? 0 : 1);

function figure(name: string, value: string, ratio: number, ratioMax: number): Figure {
  return { name, value, ratio, ratioMax };
}

async function measured(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

/** The same objects under another name, written as fast as the server takes them. */
async function plainWrites({ user, works }: RealFleet): Promise<void> {
  await inParallel(works(), (work) => {
    const { name: _, ...rest } = work.metadata;
    const metadata = { name: 'plain', namespace: rest.namespace ?? '', labels: { plain: 'yes' } };
    const object = { apiVersion: work.apiVersion, kind: work.kind, metadata, spec: work.spec };
    return user.apply(RESOURCES.manifestWork, object as unknown as KubeObject, {
      fieldManager: 'plain',
      force: true,
    });
  });
}

/** Clusters report that their work is applied. */
function report({ user }: RealFleet, clusters: readonly string[], run: number): Promise<void> {
  return inParallel(clusters, (namespace) => {
    const condition = {
      type: 'Applied',
      status: 'True',
      reason: 'AppliedManifestWorkComplete',
      message: `run ${run}`,
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const status = { conditions: [condition] };
    return user.mergePatch(
      RESOURCES.manifestWork,
      { namespace, name: 'kmod' },
      { status },
      { subresource: 'status' },
    );
  });
}

async function untilWorks(isDone: (works: readonly ManifestWork[]) => boolean): Promise<void> {
  await until(async () => fleet.works().length === CLUSTERS && isDone(fleet.works()), 50);
}

async function untilStatus(isDone: (status: ManagedClusterModule['status']) => boolean): Promise<void> {
  await until(async () => {
    const mcm = await fleet.user.get(RESOURCES.managedClusterModule, { name: 'kmod' });
    return isDone(mcm?.['status'] as ManagedClusterModule['status']);
  }, 50);
}

async function until(check: () => Promise<boolean>, pauseMs: number): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await check()); await pause(pauseMs))
    if (performance.now() > end) throw new Error(`It did not come in ${PATIENCE_MS / 1_000} s.`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
