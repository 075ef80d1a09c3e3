import { performance } from 'node:perf_hooks';
import { type ManagedClusterModule, type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import { until as wait } from '@kmm-fleet/lab';
import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import { type Figure, median } from '../measure.ts';
import type { RunningOperator } from '../operator.ts';
import { clusterNamed, plannerOf } from '../planned-work.ts';
import type { AuditReader } from './audit.ts';
import { type BenchFleet, type HubSettings, inParallel } from './fleet.ts';

/** A fleet with a hub, and what it asks its API server. */
export interface Run {
  readonly fleet: BenchFleet;
  /** Of the image with the tag 1. */
  readonly digest: string;
  readonly audit: AuditReader;
  readonly hub: RunningOperator;
}

/** Ends the hub and starts another one. */
export type Restart = (env?: HubSettings) => Promise<Run>;

/** What is still under way when it is over is over then. */
export const QUIET_MS = 2_000;
/** A hub that is restarted has done what it has to by then. */
export const RESTART_MS = 4_000;
/** 105,000 works, which the largest fleet has, take a server some ten minutes or more. */
const PATIENCE_MS = 1_800_000;
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

/** Writes of the works that a hub would send, by one who only writes. */
export interface PlainWrites {
  /** Writes them all under this name, as fast as the server takes them. */
  write(name: PlainName): Promise<void>;
  /** @throws {RangeError} when the hub's works are other ones, with which these cannot be compared */
  check(): void;
}

export type PlainName = 'plain' | 'plain-after';

/**
 * The works of the module kmod with an image of this tag. They have an owner too, whose rights the server looks up at
 * each write, and no label by which the hub would take them for its own.
 */
export function plainWrites(
  { writer, works, module, clusters }: BenchFleet,
  tag: string,
  digest: string,
): PlainWrites {
  const planOn = plannerOf(module(tag), digest);
  const planned = clusters.map((cluster) => {
    const { action } = planOn(clusterNamed(cluster));
    if (action.kind !== 'apply') throw new RangeError(`Nothing is planned for ${cluster}.`);
    return action.work;
  });
  return {
    write: (name) =>
      inParallel(planned, (work) => {
        const { namespace = '', ownerReferences } = work.metadata;
        const metadata = { name, namespace, labels: { plain: 'yes' }, ownerReferences };
        const object = { ...work, metadata } as unknown as KubeObject;
        const options = { fieldManager: 'plain', force: true, answer: 'metadata' } as const;
        return writer.apply(RESOURCES.manifestWork, object, options);
      }),
    check() {
      const specs = new Map(
        works().map(({ metadata, spec }) => [`${metadata.namespace}/${metadata.name}`, spec]),
      );
      const other = planned.find(
        ({ metadata, spec }) => !isSubset(spec, specs.get(`${metadata.namespace}/${metadata.name}`)),
      );
      if (other)
        throw new RangeError(`On ${other.metadata.namespace} the hub wrote another work than was planned.`);
    },
  };
}

/** Clusters report that their works of this name are applied; each run is a change of their status. */
export function report(
  { user }: BenchFleet,
  clusters: readonly string[],
  run: number,
  name: 'kmod' | PlainName = 'kmod',
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
  const look = () => {
    const all = works();
    return all.length === count && all.every(isKnown);
  };
  return until(`${count} works`, look, { pauseMs: WORKS_PAUSE_MS });
}

export function untilStatus(
  { user }: BenchFleet,
  isDone: (status: ManagedClusterModule['status']) => boolean,
): Promise<void> {
  return until('the status', async () => {
    const mcm = await user.get(RESOURCES.managedClusterModule, { name: 'kmod' });
    return isDone(mcm?.['status'] as ManagedClusterModule['status']);
  });
}

export const until: typeof wait = (what, look, patience) =>
  wait(what, look, { endMs: Date.now() + PATIENCE_MS, pauseMs: 50, ...patience });

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
