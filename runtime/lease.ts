import { type Clock, sleep } from './clock.ts';
import { isAppError } from './errors.ts';
import type { KubeClient } from './kube/client.ts';
import { CORE, type KubeObject } from './kube/object.ts';
import type { Log } from './log.ts';
import type { Random } from './random.ts';

export interface LeaseOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: unique per process. */
  readonly identity: string;
  /** Others may take the lease this long after its last renewal. */
  readonly durationMs?: number;
  readonly retryMs?: number;
}

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/**
 * Runs `work` while this process holds a Lease. Times of others are never compared with our clock: a lease counts
 * as expired when it has not changed for its duration as we saw it. `work` is aborted when no renewal succeeded for
 * two thirds of the duration, so that it has stopped before anybody else can start. Returns when `signal` is aborted or
 * the lease was lost; a clean stop gives it up.
 */
export async function runLeased(
  options: LeaseOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, durationMs = 15_000, retryMs = 2_000 } = options;
  const held = await acquire(options, durationMs, retryMs, signal);
  if (!held) return;
  log.info('lease.acquired', { key: options.name });
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  const renewing = renewUntilLost(options, held, durationMs, retryMs, both).then((alive) => {
    if (!alive) log.error('lease.lost', { key: options.name });
    lost.abort();
  });
  try {
    await work(both);
  } finally {
    lost.abort();
    await renewing;
    if (signal.aborted) await release(options, clock).catch(() => {});
  }
}

async function acquire(options: LeaseOptions, durationMs: number, retryMs: number, signal: AbortSignal) {
  const { clock } = options;
  let seenVersion: string | undefined;
  let seenAt = clock.now();
  while (!signal.aborted) {
    try {
      const lease = await options.client.get(CORE.lease, options, signal);
      if (lease?.metadata.resourceVersion !== seenVersion) {
        seenVersion = lease?.metadata.resourceVersion;
        seenAt = clock.now();
      }
      const spec = specOf(lease);
      const free = !spec.holderIdentity || spec.holderIdentity === options.identity;
      const expired = clock.now() - seenAt >= (spec.leaseDurationSeconds ?? durationMs / 1_000) * 1_000;
      if (!lease || free || expired) return await write(options, lease, durationMs, signal);
    } catch (error) {
      if (!isAppError(error)) throw error;
      options.log.debug('lease.contended', { key: options.name, code: error.code });
    }
    await sleep(clock, retryMs * (1 + options.random() / 2), signal).catch(() => {});
  }
  return undefined;
}

async function renewUntilLost(
  options: LeaseOptions,
  held: KubeObject,
  durationMs: number,
  retryMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = options;
  let lease = held;
  let renewedAt = clock.now();
  while (!signal.aborted) {
    await sleep(clock, retryMs, signal).catch(() => {});
    if (signal.aborted) return true;
    try {
      lease = await write(options, lease, durationMs, signal);
      renewedAt = clock.now();
    } catch {
      const current = await options.client.get(CORE.lease, options, signal).catch(() => undefined);
      if (current && specOf(current).holderIdentity === options.identity) lease = current;
      else if (current) return signal.aborted;
    }
    if (clock.now() - renewedAt > (durationMs * 2) / 3) return signal.aborted;
  }
  return true;
}

function write(
  options: LeaseOptions,
  lease: KubeObject | undefined,
  durationMs: number,
  signal: AbortSignal,
) {
  const { client, clock, identity } = options;
  const now = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const before = specOf(lease);
  const taken = before.holderIdentity !== identity;
  const spec: LeaseSpec = {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    renewTime: now,
    ...(taken && { acquireTime: now, leaseTransitions: (before.leaseTransitions ?? -1) + 1 }),
  };
  if (lease) return client.replace(CORE.lease, { ...lease, spec }, signal);
  const metadata = { namespace: options.namespace, name: options.name };
  const fresh = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  return client.create(CORE.lease, fresh, signal);
}

async function release(options: LeaseOptions, clock: Clock): Promise<void> {
  const lease = await options.client.get(CORE.lease, options);
  if (!lease || specOf(lease).holderIdentity !== options.identity) return;
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const spec = { ...specOf(lease), holderIdentity: null, leaseDurationSeconds: 1, renewTime };
  await options.client.replace(CORE.lease, { ...lease, spec });
}

function specOf(lease: KubeObject | undefined): LeaseSpec {
  return (lease?.['spec'] ?? {}) as LeaseSpec;
}
