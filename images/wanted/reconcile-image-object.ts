import { type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, type Cache, type KubeClient, type KubeObject, type Log } from '@kmm-fleet/runtime';
import { diffImage } from './diff-image.ts';
import type { WantedImages } from './wanted-images.ts';

export interface ImageObjectPorts {
  readonly client: KubeClient;
  readonly log: Log;
  readonly images: Cache<ModuleImage>;
  readonly wanted: Pick<WantedImages, 'wish'>;
  /** The count of clusters has a writer of its own beside the image controller's, called after it. */
  readonly fieldManager: string;
  /** All items were planned once since the start. */
  isComplete(): boolean;
}

/** One pass over one ModuleImage: makes the object what its clusters want, or removes it. */
export async function reconcileImageObject(
  name: string,
  ports: ImageObjectPorts,
  signal: AbortSignal,
): Promise<undefined> {
  const { client, log, fieldManager } = ports;
  const observed = ports.images.get(name);
  const { apply, remove, wantedBy } = diffImage(name, ports.wanted.wish(name), observed, ports.isComplete());
  if (remove) {
    await client.delete(RESOURCES.moduleImage, { name }, {}, signal);
    log.info('image.released', { image: observed?.spec.image ?? name });
  }
  if (apply) {
    await client.apply(RESOURCES.moduleImage, apply, { fieldManager, force: true }, signal);
    log.info('image.wanted', { image: (apply['spec'] as { image: string }).image });
  }
  if (wantedBy !== undefined) {
    const object: KubeObject = {
      apiVersion: apiVersionOf(RESOURCES.moduleImage),
      kind: RESOURCES.moduleImage.kind,
      metadata: { name },
      status: { wantedBy },
    };
    await client.apply(
      RESOURCES.moduleImage,
      object,
      { fieldManager: `${fieldManager}-wanted`, force: true, subresource: 'status' },
      signal,
    );
  }
  return undefined;
}
