import { ANNOTATIONS, type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, deepEqual, type KubeObject } from '@kmm-fleet/runtime';
import type { ImageWish } from './wanted-images.ts';

/** The writes that bring one ModuleImage to what is wanted. */
export interface ImageChange {
  readonly apply?: KubeObject;
  readonly remove?: true;
  /** New count of clusters, a field of the status of its own writer. */
  readonly wantedBy?: number;
}

/**
 * What is there is left alone until the wishes are complete: those of a part of the fleet would count too few clusters,
 * miss conflicts, and remove what others want.
 *
 * @param isComplete all items were planned once since the start
 */
export function diffImage(
  name: string,
  wish: ImageWish | undefined,
  observed: ModuleImage | undefined,
  isComplete: boolean,
): ImageChange {
  if (!isComplete) return wish && !observed ? { apply: imageObject(name, wish, '') } : {};
  if (!wish) return observed && !observed.metadata.deletionTimestamp ? { remove: true } : {};
  const conflict = wish.conflict.join(', ');
  const same =
    observed &&
    deepEqual(observed.spec, wish.spec) &&
    (observed.metadata.annotations?.[ANNOTATIONS.conflict] ?? '') === conflict;
  return {
    ...(!same && { apply: imageObject(name, wish, conflict) }),
    ...(observed?.status?.wantedBy !== wish.clusters && { wantedBy: wish.clusters }),
  };
}

function imageObject(name: string, { spec }: ImageWish, conflict: string): KubeObject {
  return {
    apiVersion: apiVersionOf(RESOURCES.moduleImage),
    kind: RESOURCES.moduleImage.kind,
    metadata: { name, ...(conflict && { annotations: { [ANNOTATIONS.conflict]: conflict } }) },
    spec,
  };
}
