import { RESOURCES } from '@kmm-fleet/api';
import { deepEqual, isAppError, type KubeObject, type OwnerReference } from '@kmm-fleet/runtime';
import type { Agent } from './agent.ts';
import { identity, sortResources, untrackedResources } from './diff-applied.ts';
import { planWork, type WorkStep } from './plan-work.ts';
import { removeResources } from './remove-resources.ts';
import { writeStatus } from './status-patch.ts';
import { appliedStatus } from './work-status.ts';
import {
  APPLIED_FINALIZER,
  type AppliedResource,
  statusOf,
  WORK_API_VERSION,
  WORK_FINALIZER,
  type Work,
} from './work-view.ts';

/** A work is applied again after 4 minutes × (1..1.5): that is how drift on the cluster is mended. */
const RESYNC = { baseMs: 240_000, spread: 0.5 };
/** Manifests that failed, and objects that are slow to go, are looked at again sooner. */
const RETRY = { baseMs: 1_000, maxMs: 240_000 };
const attempts = new WeakMap<Agent, Map<string, number>>();

interface Outcome {
  readonly step: WorkStep;
  readonly object?: KubeObject;
  readonly error?: string;
}

/** Applies the manifests of one work, tells how it went, and removes what the work no longer names. */
export async function reconcileWork(agent: Agent, key: string, signal: AbortSignal) {
  const work = agent.work(key);
  // Nothing is applied before the finalizer stands: nobody would clean it up.
  if (!work || work.metadata.deletionTimestamp || !work.metadata.finalizers?.includes(WORK_FINALIZER))
    return undefined;
  const applied = await ensureApplied(agent, work, signal);
  if (!applied) return { requeueAfterMs: RETRY.baseMs };
  const owner = ownerOf(applied);
  const outcomes: Outcome[] = [];
  for (const step of planWork(work, agent.mapping()))
    outcomes.push(await applyStep(agent, step, owner, signal));
  const results = outcomes.map(({ step: { meta }, error }) => ({
    meta,
    ...(error !== undefined && { error }),
  }));
  const status = appliedStatus(statusOf(work), results, work.metadata.generation ?? 1, agent.now());
  await writeStatus(agent.hub, work, status, signal);
  // A work that never said that it applied anything may be a namesake on a hub made anew: it takes nothing away.
  const mayRemove = status.conditions?.some(({ type }) => type === 'Applied') ?? false;
  const pending = mayRemove ? await removeDropped(agent, applied, outcomes, signal) : 0;
  const isDone = pending === 0 && outcomes.every(({ error }) => error === undefined);
  return { requeueAfterMs: isDone ? resyncMs(agent, key) : retryMs(agent, key) };
}

async function applyStep(
  agent: Agent,
  step: WorkStep,
  owner: OwnerReference,
  signal: AbortSignal,
): Promise<Outcome> {
  if (step.problem !== undefined) return { step, error: step.problem };
  try {
    return { step, object: await agent.applier.apply(step, owner, signal) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { step, error: error.message };
  }
}

/** The AppliedManifestWork of a work; undefined while an older one of its name is on its way out. */
async function ensureApplied(agent: Agent, work: Work, signal: AbortSignal): Promise<KubeObject | undefined> {
  const name = appliedName(agent, work);
  const existing = await agent.spoke.get(RESOURCES.appliedManifestWork, { name }, signal);
  if (existing?.metadata.deletionTimestamp) return undefined;
  if (existing) return existing;
  const { labels } = work.metadata;
  const applied: KubeObject = {
    apiVersion: WORK_API_VERSION,
    kind: 'AppliedManifestWork',
    metadata: { name, finalizers: [APPLIED_FINALIZER], ...(labels && { labels }) },
    spec: { hubHash: agent.hubHash, agentID: agent.hubHash, manifestWorkName: work.metadata.name },
  };
  return agent.spoke.create(RESOURCES.appliedManifestWork, applied, signal);
}

export const appliedName = ({ hubHash }: Agent, { metadata }: Work): string => `${hubHash}-${metadata.name}`;

function ownerOf({ metadata: { name, uid = '' } }: KubeObject): OwnerReference {
  return { apiVersion: WORK_API_VERSION, kind: 'AppliedManifestWork', name, uid };
}

/** Keeps `status.appliedResources` true and returns how many dropped objects are still there. */
async function removeDropped(
  agent: Agent,
  applied: KubeObject,
  outcomes: readonly Outcome[],
  signal: AbortSignal,
): Promise<number> {
  const before = appliedResources(applied);
  const named = outcomes.map(({ step: { meta } }) => meta);
  const dropped = untrackedResources(before, named);
  const pending = await removeResources(agent.spoke, dropped, applied.metadata.uid ?? '', signal);
  const now = outcomes.flatMap(({ step: { meta }, object }): AppliedResource[] => {
    const { ordinal: _ordinal, kind: _kind, ...rest } = meta;
    if (object) return [{ ...rest, uid: object.metadata.uid ?? '' }];
    // It failed now but may be there from before: it must not be forgotten.
    return before.filter((known) => identity(known) === identity(meta));
  });
  const next = sortResources([...now, ...pending]);
  if (!deepEqual(next, before)) {
    const status = { appliedResources: next };
    const { uid, name } = applied.metadata;
    const patch = { metadata: { uid }, status };
    await agent.spoke.mergePatch(
      RESOURCES.appliedManifestWork,
      { name },
      patch,
      { subresource: 'status' },
      signal,
    );
  }
  return pending.length;
}

export function appliedResources(applied: KubeObject): readonly AppliedResource[] {
  return (
    (applied['status'] as { appliedResources?: readonly AppliedResource[] } | undefined)?.appliedResources ??
    []
  );
}

function resyncMs(agent: Agent, key: string): number {
  attempts.get(agent)?.delete(key);
  return Math.round(RESYNC.baseMs * (1 + agent.random() * RESYNC.spread));
}

function retryMs(agent: Agent, key: string): number {
  const counts = attempts.get(agent) ?? new Map<string, number>();
  attempts.set(agent, counts);
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return Math.min(RETRY.baseMs * 2 ** (count - 1), RETRY.maxMs);
}
