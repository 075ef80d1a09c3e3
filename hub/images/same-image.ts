import type { ModuleImage } from '@kmm-fleet/api';
import { deepEqual } from '@kmm-fleet/runtime';

/** Whether two versions of an image lead to the same works: how many clusters want it leads nowhere. Pure. */
export function isSameImage(before: ModuleImage | undefined, after: ModuleImage | undefined): boolean {
  if (!before || !after) return before === after;
  return deepEqual(partsOf(before), partsOf(after));
}

function partsOf({ metadata, spec, status }: ModuleImage) {
  const { wantedBy: _, ...told } = status ?? {};
  const { generation, annotations = {} } = metadata;
  return { generation, annotations, spec, told };
}
