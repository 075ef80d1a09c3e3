import { isAppError, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import type { Agent } from './agent.ts';
import { readFeedback } from './feedback-status.ts';
import { type ManifestConfig, manifestConfig } from './manifest-config.ts';
import { writeStatus } from './status-patch.ts';
import { availableStatus, type Observation } from './work-status.ts';
import { type ResourceMeta, statusOf } from './work-view.ts';

/** Polls are spread over up to 1.9 times the interval. */
const POLL_SPREAD = 0.9;

/** Looks at the objects of one work: whether they exist, and what its feedback rules ask of them. */
export async function reconcileAvailability(agent: Agent, key: string, signal: AbortSignal) {
  const work = agent.work(key);
  const manifests = work ? (statusOf(work).resourceStatus?.manifests ?? []) : [];
  if (!work || work.metadata.deletionTimestamp || manifests.length === 0) {
    agent.watches.follow(key, []);
    return undefined;
  }
  const targets = manifests.map(({ resourceMeta: meta }) => ({ meta, config: manifestConfig(work, meta) }));
  const watched = targets.filter(({ meta, config }) => config.isWatched && isComplete(meta));
  agent.watches.follow(
    key,
    watched.map(({ meta }) => watchedObject(meta)),
  );
  const seen: Observation[] = [];
  for (const { meta, config } of targets) seen.push(await observe(agent, meta, config, signal));
  const generation = work.metadata.generation ?? 1;
  await writeStatus(agent.hub, work, availableStatus(statusOf(work), seen, generation, agent.now()), signal);
  const isPolled = targets.some(
    ({ meta, config }) => !config.isWatched || agent.watches.get(watchedObject(meta)) === 'unknown',
  );
  if (!isPolled) return undefined;
  return { requeueAfterMs: Math.round(agent.statusSyncIntervalMs * (1 + agent.random() * POLL_SPREAD)) };
}

async function observe(
  agent: Agent,
  meta: ResourceMeta,
  config: ManifestConfig,
  signal: AbortSignal,
): Promise<Observation> {
  const hasRules = config.feedbackRules.length > 0;
  if (!isComplete(meta)) return { meta, availability: 'incomplete', hasRules };
  try {
    const object = await read(agent, meta, config, signal);
    if (!object) return { meta, availability: 'missing', hasRules };
    return {
      meta,
      availability: 'available',
      hasRules,
      feedback: readFeedback(object, config.feedbackRules),
    };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { meta, availability: { error: error.message }, hasRules };
  }
}

async function read(
  agent: Agent,
  meta: ResourceMeta,
  config: ManifestConfig,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const known = config.isWatched ? agent.watches.get(watchedObject(meta)) : 'unknown';
  return known === 'unknown' ? agent.spoke.get(typeOf(meta), meta, signal) : known;
}

const isComplete = ({ version, resource, name }: ResourceMeta) =>
  version !== '' && resource !== '' && name !== '';

const watchedObject = (meta: ResourceMeta) => ({
  type: typeOf(meta),
  namespace: meta.namespace,
  name: meta.name,
});

function typeOf({ group, version, resource, kind, namespace }: ResourceMeta): ResourceType {
  return { group, version, plural: resource, kind, namespaced: namespace !== '' };
}
