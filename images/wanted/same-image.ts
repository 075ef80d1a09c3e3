import type { ModuleImage } from '@kmm-fleet/api';
import { deepEqual } from '@kmm-fleet/runtime';

/** Whether two versions of an image lead to the same works: how many clusters want it leads nowhere. Pure. */
export function isSameImage(before: ModuleImage | undefined, after: ModuleImage | undefined): boolean {
  return deepEqual(partsOf(before), partsOf(after));
}

/** An image that says nothing yet is as good as none. */
function partsOf(image: ModuleImage | undefined) {
  const { wantedBy: _, ...told } = image?.status ?? {};
  if (!image || Object.keys(told).length === 0) return undefined;
  const { generation, annotations = {} } = image.metadata;
  return { generation, annotations, spec: image.spec, told };
}
