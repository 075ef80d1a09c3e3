import {
  type Clock,
  canonicalJson,
  isAppError,
  type KubeClient,
  type KubeObject,
  type OwnerReference,
  sleep,
} from '@kmm-fleet/runtime';
import { diffManifest, mergeOwners } from './diff-manifest.ts';
import type { WorkStep } from './plan-work.ts';

/** Writes the object of a manifest, by its strategy. */
export interface Applier {
  /** The object as it stands afterwards. Throws AppError. */
  apply(step: WorkStep, owner: OwnerReference, signal: AbortSignal): Promise<KubeObject>;
}

/** client-go's default back-off for conflicts: 10 ms, five times longer each time. */
const CONFLICT = { triesMax: 4, baseMs: 10, factor: 5 };

export function createApplier(client: KubeClient, clock: Clock): Applier {
  /** What was wanted and what it became: when neither has moved since, nothing is compared or written. */
  const settled = new Map<string, { readonly wanted: string; readonly version: string }>();

  const update = async (step: Typed, owner: OwnerReference, signal: AbortSignal) => {
    const { type, manifest, isOrphaned } = step;
    const live = await client.get(type, manifest.metadata, signal);
    if (!live) return create(step, owner, signal);
    const key = live.metadata.uid ?? '';
    const wanted = canonicalJson([manifest, isOrphaned]);
    const known = settled.get(key);
    if (known?.wanted === wanted && known.version === live.metadata.resourceVersion) return live;
    const owners = mergeOwners(live.metadata.ownerReferences, owner, isOrphaned);
    const next = diffManifest(manifest, live, owners);
    const result = next ? await client.replace(type, next, signal) : live;
    settled.set(key, { wanted, version: result.metadata.resourceVersion ?? '' });
    return result;
  };

  const create = ({ type, manifest, isOrphaned }: Typed, owner: OwnerReference, signal: AbortSignal) => {
    const ownerReferences = mergeOwners(manifest.metadata.ownerReferences, owner, isOrphaned);
    const { uid: _, ...metadata } = manifest.metadata;
    return client.create(type, { ...manifest, metadata: { ...metadata, ownerReferences } }, signal);
  };

  const own = async (
    { type, isOrphaned }: Typed,
    live: KubeObject,
    owner: OwnerReference,
    signal: AbortSignal,
  ) => {
    const before = live.metadata.ownerReferences ?? [];
    const ownerReferences = mergeOwners(before, owner, isOrphaned);
    if (ownerReferences.length === before.length) return live;
    const { uid, resourceVersion } = live.metadata;
    return client.mergePatch(
      type,
      live.metadata,
      { metadata: { uid, resourceVersion, ownerReferences } },
      {},
      signal,
    );
  };

  const once = async (step: Typed, owner: OwnerReference, signal: AbortSignal): Promise<KubeObject> => {
    const { type, manifest, config } = step;
    if (config.strategy === 'Update') return update(step, owner, signal);
    if (config.strategy === 'ServerSideApply') {
      const { uid: _uid, creationTimestamp: _time, ...metadata } = manifest.metadata;
      const how = { fieldManager: config.fieldManager, force: config.force };
      const applied = await client.apply(type, { ...manifest, metadata }, how, signal);
      return own(step, applied, owner, signal);
    }
    const live = await client.get(type, manifest.metadata, signal);
    return live ? own(step, live, owner, signal) : create(step, owner, signal);
  };

  return {
    async apply(step, owner, signal) {
      const typed = withType(step);
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(typed, owner, signal);
        } catch (error) {
          // A conflict of server-side apply is about ownership: trying again changes nothing.
          const isRace =
            isAppError(error) && error.code === 'CONFLICT' && step.config.strategy !== 'ServerSideApply';
          if (!isRace || attempt >= CONFLICT.triesMax) throw error;
          await sleep(clock, CONFLICT.baseMs * CONFLICT.factor ** (attempt - 1), signal);
        }
      }
    },
  };
}

type Typed = WorkStep & { readonly type: NonNullable<WorkStep['type']> };

function withType(step: WorkStep): Typed {
  const { type } = step;
  if (type) return { ...step, type };
  throw new RangeError(`${step.manifest.kind} has no resource type: its problem should have been told`);
}
