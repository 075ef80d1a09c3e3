import { RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Agent } from './agent.ts';
import { appliedName, appliedResources } from './reconcile-work.ts';
import { removeResources } from './remove-resources.ts';
import { writeStatus } from './status-patch.ts';
import { deletingStatus } from './work-status.ts';
import { APPLIED_FINALIZER, statusOf, WORK_FINALIZER, type Work } from './work-view.ts';

/** Objects that are on their way out are looked at again after 50 ms, then less and less often. */
const WAIT = { baseMs: 50, maxMs: 60_000 };
const waits = new WeakMap<Agent, Map<string, number>>();

/** Puts the agent's finalizer on a work before anything of it is applied. */
export async function reconcileFinalizer(agent: Agent, key: string, signal: AbortSignal): Promise<undefined> {
  const work = agent.work(key);
  const finalizers = work?.metadata.finalizers ?? [];
  if (!work || work.metadata.deletionTimestamp || finalizers.includes(WORK_FINALIZER)) return;
  await writeFinalizers(agent, work, [...finalizers, WORK_FINALIZER], signal);
}

/** A work that is being deleted stays until everything it applied is really gone. */
export async function reconcileDeletion(agent: Agent, key: string, signal: AbortSignal): Promise<undefined> {
  const work = agent.work(key);
  const finalizers = work?.metadata.finalizers ?? [];
  if (!work?.metadata.deletionTimestamp || !finalizers.includes(WORK_FINALIZER)) return;
  agent.watches.follow(key, []);
  const name = appliedName(agent, work);
  const applied = await agent.spoke.get(RESOURCES.appliedManifestWork, { name }, signal);
  if (!applied)
    return writeFinalizers(
      agent,
      work,
      finalizers.filter((one) => one !== WORK_FINALIZER),
      signal,
    );
  const status = statusOf(work);
  if (!status.conditions?.some(({ type }) => type === 'Deleting')) {
    await writeStatus(
      agent.hub,
      work,
      deletingStatus(status, work.metadata.generation ?? 1, agent.now()),
      signal,
    );
  }
  if (applied.metadata.deletionTimestamp) return;
  await agent.spoke.delete(
    RESOURCES.appliedManifestWork,
    { name },
    { uid: applied.metadata.uid ?? '' },
    signal,
  );
}

/** Deletes what an AppliedManifestWork stands for, then lets it go. */
export async function reconcileApplied(agent: Agent, applied: KubeObject | undefined, signal: AbortSignal) {
  const finalizers = applied?.metadata.finalizers ?? [];
  if (!applied?.metadata.deletionTimestamp || !finalizers.includes(APPLIED_FINALIZER)) return undefined;
  const { name, uid = '', resourceVersion } = applied.metadata;
  const pending = await removeResources(agent.spoke, appliedResources(applied), uid, signal);
  if (pending.length > 0) return { requeueAfterMs: waitMs(agent, name) };
  waits.get(agent)?.delete(name);
  const rest = finalizers.filter((one) => one !== APPLIED_FINALIZER);
  const patch = { metadata: { uid, resourceVersion, finalizers: rest } };
  await agent.spoke.mergePatch(RESOURCES.appliedManifestWork, { name }, patch, {}, signal);
  return undefined;
}

async function writeFinalizers(
  agent: Agent,
  work: Work,
  finalizers: string[],
  signal: AbortSignal,
): Promise<undefined> {
  const { uid, resourceVersion } = work.metadata;
  const patch = { metadata: { uid, resourceVersion, finalizers } };
  await agent.hub.mergePatch(RESOURCES.manifestWork, work.metadata, patch, {}, signal);
}

function waitMs(agent: Agent, name: string): number {
  const counts = waits.get(agent) ?? new Map<string, number>();
  waits.set(agent, counts);
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return Math.min(WAIT.baseMs * 2 ** (count - 1), WAIT.maxMs);
}
