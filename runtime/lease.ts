import { type Clock, sleep } from './clock.ts';
import { AppError, FAILURES, isAppError, isRace } from './errors.ts';
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
  /** Called at each try to take or to renew it, whatever comes of it: silence means that the loop is stuck. */
  readonly onTurn?: () => void;
  /** Told why the API server lets nobody have the lease, and `undefined` once that is over. A rival is no such reason. */
  readonly onDenied?: (why: string | undefined) => void;
}

type Times = LeaseOptions & { readonly durationMs: number; readonly retryMs: number };

const DURATION_MS = 15_000;
const RETRY_MS = 2_000;

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** What this process holds. `lost` is aborted when the last claim that succeeded was sent too long ago. */
interface Hold {
  lease: KubeObject | undefined;
  readonly lost: AbortController;
  disarm(): void;
}

/**
 * Runs `work` while this process holds a Lease. Times of others are never compared with our clock: a lease counts
 * as expired when it has not changed for its duration as we saw it. `work` is aborted when no renewal succeeded for
 * two thirds of the duration, so that it has stopped before anybody else can start. Returns when `signal` is aborted or
 * the lease was lost; a clean stop gives it up.
 *
 * Durations are timers, not differences of `now()`: the wall clock may be set at any moment.
 */
export async function runLeased(
  options: LeaseOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { log, name } = options;
  const times = { durationMs: DURATION_MS, retryMs: RETRY_MS, ...options };
  const hold = await acquire(times, signal);
  if (!hold) return;
  log.info('lease.acquired', { key: name });
  const lost = hold.lost.signal;
  lost.addEventListener('abort', () => log.error('lease.lost', { key: name }), { once: true });
  // Renewals go on until the work has ended, not only until it is told to.
  const ended = new AbortController();
  const renewing = renewUntil(times, hold, ended.signal);
  try {
    await work(AbortSignal.any([signal, lost]));
  } finally {
    ended.abort();
    await renewing;
    if (signal.aborted && !lost.aborted) await release(times).catch(() => {});
  }
}

async function acquire(options: Times, signal: AbortSignal): Promise<Hold | undefined> {
  const { clock, durationMs, retryMs } = options;
  let seenVersion: string | undefined;
  let isExpired = false;
  let told: string | undefined;
  const trouble = createTrouble(options);
  let disarm = () => {};
  while (!signal.aborted) {
    options.onTurn?.();
    try {
      const lease = await read(options, signal);
      const { holderIdentity, leaseDurationSeconds = durationMs / 1_000 } = specOf(lease);
      if (lease?.metadata.resourceVersion !== seenVersion) {
        seenVersion = lease?.metadata.resourceVersion;
        isExpired = false;
        disarm();
        disarm = clock.after(leaseDurationSeconds * 1_000, () => {
          isExpired = true;
        });
      }
      if (!lease || !holderIdentity || holderIdentity === options.identity || isExpired) {
        const hold: Hold = { lease, lost: new AbortController(), disarm: () => {} };
        await claim(options, hold, signal);
        disarm();
        trouble.end();
        return hold;
      }
      trouble.end();
      if (told !== holderIdentity)
        options.log.info('lease.held', {
          key: options.name,
          message: `${holderIdentity} works; this one stands by.`,
        });
      told = holderIdentity;
    } catch (error) {
      if (signal.aborted) break;
      if (!isAppError(error)) throw error;
      trouble.meet(error);
    }
    await sleep(clock, retryMs * (1 + options.random() / 2), signal).catch(() => {});
  }
  disarm();
  return undefined;
}

/** What keeps everybody from the lease, logged once for each cause, however often it is tried. */
function createTrouble({ log, namespace, name, onDenied }: Times) {
  const key = `${namespace}/${name}`;
  let told: string | undefined;
  const end = () => {
    told = undefined;
    onDenied?.(undefined);
  };
  return {
    end,
    meet(error: AppError) {
      const { code } = error;
      if (isRace(error)) {
        end();
        log.debug('lease.contended', { key: name, code });
        return;
      }
      const next = code === 'NOT_FOUND' ? NO_NAMESPACE : FAILURES[code].nextStep;
      const message = `Lease ${key} cannot be read or created: ${error.message.replace(/\.?$/, '.')} ${next}`;
      if (told !== code) log.error('lease.unreachable', { key, code, message });
      told = code;
      onDenied?.(code === 'NOT_FOUND' || code === 'API_FORBIDDEN' ? message : undefined);
    },
  };
}

/** A Lease that is not there is created: what is missing is where it would be. */
const NO_NAMESPACE = 'Create the namespace, or set OPERATOR_NAMESPACE to the one that the operator is in.';

/** Renews until `ended` is aborted or the lease is lost. */
async function renewUntil(options: Times, hold: Hold, ended: AbortSignal): Promise<void> {
  const over = AbortSignal.any([hold.lost.signal, ended]);
  /** An answer that came too late has used up most of our time: the next renewal does not wait, the one after it does. */
  let isUrgent = false;
  while (!over.aborted) {
    if (!isUrgent) await sleep(options.clock, options.retryMs, over).catch(() => {});
    if (over.aborted) break;
    options.onTurn?.();
    try {
      await claim(options, hold, over);
      isUrgent = false;
    } catch {
      const current = await read(options, over).catch(() => undefined);
      const isOurs = current && specOf(current).holderIdentity === options.identity;
      isUrgent = !isUrgent && isOurs === true;
      if (isOurs) hold.lease = current;
      else if (current) hold.lost.abort();
    }
  }
  hold.disarm();
}

/** Writes that the lease is ours. What is left of our time counts from the sending: others may see it from then on. */
async function claim(options: Times, hold: Hold, signal: AbortSignal): Promise<void> {
  const disarm = options.clock.after((options.durationMs * 2) / 3, () => hold.lost.abort());
  try {
    hold.lease = await bounded(options, signal, (bound) => write(options, hold.lease, bound));
  } catch (error) {
    disarm();
    throw error;
  }
  hold.disarm();
  hold.disarm = disarm;
}

const read = (options: Times, signal?: AbortSignal) =>
  bounded(options, signal, (bound) => options.client.get(CORE.lease, options, bound));

/** Gives up a request in time for a second one: nobody may ever answer, or ask us to wait for minutes. */
async function bounded<T>(
  { clock, durationMs, name }: Times,
  signal: AbortSignal | undefined,
  send: (bound: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const disarm = clock.after(durationMs / 4, () =>
    late.abort(new AppError('API_UNREACHABLE', `lease ${name}: no answer in time.`)),
  );
  const bound = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  const givenUp = Promise.withResolvers<never>();
  const giveUp = () => givenUp.reject(bound.reason);
  bound.addEventListener('abort', giveUp, { once: true });
  if (bound.aborted) giveUp();
  try {
    return await Promise.race([send(bound), givenUp.promise]);
  } finally {
    disarm();
    bound.removeEventListener('abort', giveUp);
  }
}

function write(options: Times, lease: KubeObject | undefined, signal: AbortSignal): Promise<KubeObject> {
  const { client, clock, identity, durationMs } = options;
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

async function release(options: Times): Promise<void> {
  const { client, clock } = options;
  const lease = await read(options);
  if (!lease || specOf(lease).holderIdentity !== options.identity) return;
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const spec = { ...specOf(lease), holderIdentity: null, leaseDurationSeconds: 1, renewTime };
  await bounded(options, undefined, (bound) => client.replace(CORE.lease, { ...lease, spec }, bound));
}

function specOf(lease: KubeObject | undefined): LeaseSpec {
  return (lease?.['spec'] ?? {}) as LeaseSpec;
}
