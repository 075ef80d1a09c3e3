import type { Clock, KubeObject } from '@kmm-fleet/runtime';
import { conflict } from './api-error.ts';
import { type HostedKind, storageKey } from './kinds.ts';
import { isBound, rfc3339, type WritePorts } from './writes.ts';

export interface DeleteBody {
  readonly propagationPolicy?: string;
  /** `All` says what would happen and does nothing. */
  readonly dryRun?: readonly string[];
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Finalizers by which the garbage collector gets its turn before an owner goes. */
const TURNS: Readonly<Record<string, string>> = { Foreground: 'foregroundDeletion', Orphan: 'orphan' };

/**
 * Deletes an object: at once, or marked while finalizers hold it. A pod on a node waits for its kubelet, which deletes it
 * again without grace. Returns the object as it is or was last.
 */
export function deleteObject(
  kind: HostedKind,
  key: string,
  live: KubeObject,
  body: DeleteBody,
  ports: WritePorts,
): KubeObject {
  const { uid, resourceVersion } = body.preconditions ?? {};
  const { metadata } = live;
  if (uid && uid !== metadata.uid)
    throw conflict(
      kind.plural,
      metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    );
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    throw conflict(kind.plural, metadata.name, 'Precondition failed: resourceVersion differs');
  const turn = TURNS[body.propagationPolicy ?? ''];
  const finalizers = [...new Set([...(metadata.finalizers ?? []), ...(turn ? [turn] : [])])];
  // A grace that runs is only ever shortened.
  const wantedSeconds = kind.kind === 'Pod' && isBound(live) ? (body.gracePeriodSeconds ?? graceOf(live)) : 0;
  const graceSeconds = Math.min(wantedSeconds, metadata.deletionGracePeriodSeconds ?? wantedSeconds);
  const waitsForKubelet = graceSeconds > 0;
  const storage = storageKey(kind);
  const marked: KubeObject = {
    ...live,
    ...(kind.kind === 'Namespace' && { status: { phase: 'Terminating' } }),
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 && { finalizers }),
      deletionTimestamp: endOfGrace(metadata, graceSeconds, ports.clock),
      deletionGracePeriodSeconds: graceSeconds,
      ...(!metadata.deletionTimestamp && { generation: (metadata.generation ?? 1) + 1 }),
    },
  };
  if (body.dryRun?.includes('All')) return marked;
  if (finalizers.length === 0 && !waitsForKubelet && kind.kind !== 'Namespace')
    return ports.store.remove(storage, key, marked);
  const isMarked =
    metadata.deletionTimestamp &&
    metadata.deletionGracePeriodSeconds === marked.metadata.deletionGracePeriodSeconds;
  return isMarked ? live : ports.store.put(storage, key, marked);
}

/** When the object may go at the latest, if nothing else holds it: not when somebody asked for it. */
function endOfGrace(metadata: KubeObject['metadata'], graceSeconds: number, clock: Clock): string {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  const askedMs = deletionTimestamp
    ? Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1_000
    : clock.now();
  return rfc3339(askedMs + graceSeconds * 1_000);
}

const graceOf = ({ spec }: KubeObject): number =>
  (spec as { terminationGracePeriodSeconds?: number } | undefined)?.terminationGracePeriodSeconds ?? 30;
