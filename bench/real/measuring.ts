import { performance } from 'node:perf_hooks';
import { type ManagedClusterModule, type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type Figure, median } from '../measure.ts';
import type { AuditReader } from './audit.ts';
import { type BenchFleet, type HubSettings, inParallel } from './fleet.ts';
import type { HubProcess } from './hub-process.ts';

/** A fleet with a hub, and what it asks its API server. */
export interface Run {
  readonly fleet: BenchFleet;
  readonly audit: AuditReader;
  readonly hub: HubProcess;
}

/** Ends the hub and starts another one. */
export type Restart = (env?: HubSettings) => Promise<Run>;

/** What is still under way when it is over is over then. */
export const QUIET_MS = 2_000;
/** A hub that is restarted has done what it has to by then. */
export const RESTART_MS = 4_000;
const PATIENCE_MS = 600_000;
/** To look through them all takes a while, on a machine that has better things to do. */
const WORKS_PAUSE_MS = 250;

export function figure(
  name: string,
  value: string,
  ratio: number,
  ratioMax: number,
  upstream?: string,
): Figure {
  return { name, value, ratio, ratioMax, ...(upstream && { upstream }) };
}

/** The median of many times in milliseconds, and the worst of them. */
export function latency(name: string, times: readonly number[], limitMs: number, upstream?: string): Figure {
  const value = `median ${median(times).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms`;
  return figure(name, value, median(times), limitMs, upstream);
}

export async function measured(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** Of upstream's hub with 3,500 clusters: without a module, and with one. */
export const UPSTREAM_MIB = { idle: 83, withModule: 136 };

/** @param limit upstream's with 3,500 clusters: that of a larger fleet grows as the fleet does */
export function memory(name: string, run: Run, limit: number): Figure {
  const amount = run.hub.residentMiB();
  return figure(
    `memory of the hub ${name}, in MiB`,
    `${amount.toFixed(0)} MiB`,
    amount,
    ofFleet(run, limit),
    `${limit} MiB at 3,500`,
  );
}

export const LIMITS_ARE_OF = 3_500;

/** What may be ten times as much where there are ten times as many clusters. */
export const ofFleet = ({ fleet }: Run, limit: number) =>
  limit * Math.max(1, fleet.clusters.length / LIMITS_ARE_OF);

/**
 * The works of one module under another name, written as fast as the server takes them. They have the same owner, whom
 * the server looks up at each write, and no label by which the hub would take them for its own.
 */
export async function plainWrites({ writer, works }: BenchFleet): Promise<void> {
  const some = works().filter(({ metadata }) => metadata.name === 'kmod');
  await inParallel(some, (work) => {
    const metadata = {
      name: 'plain',
      namespace: work.metadata.namespace ?? '',
      labels: { plain: 'yes' },
      ownerReferences: work.metadata.ownerReferences,
    };
    const object = { apiVersion: work.apiVersion, kind: work.kind, metadata, spec: work.spec };
    return writer.apply(RESOURCES.manifestWork, object as unknown as KubeObject, {
      fieldManager: 'plain',
      force: true,
    });
  });
}

/** Clusters report that their works of this name are applied; each run is a change of their status. */
export function report(
  { user }: BenchFleet,
  clusters: readonly string[],
  run: number,
  name: 'kmod' | 'plain' = 'kmod',
): Promise<void> {
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
      { namespace, name },
      { status },
      { subresource: 'status' },
    );
  });
}

/** Waits until there are so many works, and all are done. */
export function untilWorks(
  { works }: BenchFleet,
  count: number,
  isDone: (work: ManifestWork) => boolean = () => true,
): Promise<void> {
  /** Each work is looked into until it is done, and not again. */
  const done = new WeakSet<ManifestWork>();
  const isKnown = (work: ManifestWork) => done.has(work) || (isDone(work) && Boolean(done.add(work)));
  return until(async () => {
    const all = works();
    return all.length === count && all.every(isKnown);
  }, WORKS_PAUSE_MS);
}

export function untilStatus(
  { user }: BenchFleet,
  isDone: (status: ManagedClusterModule['status']) => boolean,
): Promise<void> {
  return until(async () => {
    const mcm = await user.get(RESOURCES.managedClusterModule, { name: 'kmod' });
    return isDone(mcm?.['status'] as ManagedClusterModule['status']);
  });
}

export async function until(check: () => Promise<boolean>, pauseMs = 50): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await check()); await pause(pauseMs))
    if (performance.now() > end) throw new Error(`It did not come in ${PATIENCE_MS / 1_000} s.`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
