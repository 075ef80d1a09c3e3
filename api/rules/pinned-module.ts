import type { KernelMapping } from '../kinds/loader.ts';
import type { ManagedClusterModule } from '../kinds/managed-cluster-module.ts';
import type { Module } from '../kinds/module.ts';
import { GROUP, VERSION } from '../names.ts';

/** One kernel of one cluster and the image it runs, by digest. */
export interface Pin {
  readonly kernel: string;
  readonly image: string;
  readonly inTreeModulesToRemove: readonly string[];
}

/**
 * The Module that a cluster is given: literals only, images by digest, nothing to build or to sign, sorted by kernel.
 * All else of the spec is kept as it is. The caller sees to it that `pins` is not empty when there is a moduleLoader.
 */
export function pinnedModule(mcm: ManagedClusterModule, pins: readonly Pin[]): Module {
  const spec = structuredClone(mcm.spec.moduleSpec);
  const container = spec.moduleLoader?.container;
  if (container) {
    delete container.build;
    delete container.sign;
    // Each mapping says what it removes, so the container level would only say it twice.
    delete container.inTreeModuleToRemove;
    delete container.inTreeModulesToRemove;
    container.kernelMappings = pins.toSorted((a, b) => (a.kernel < b.kernel ? -1 : 1)).map(pinnedMapping);
  }
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: 'Module',
    metadata: { name: mcm.metadata.name, namespace: mcm.spec.spokeNamespace },
    spec,
  };
}

function pinnedMapping({ kernel, image, inTreeModulesToRemove }: Pin): KernelMapping {
  const [only] = inTreeModulesToRemove;
  return {
    literal: kernel,
    containerImage: image,
    // One module goes in the field that spokes of every era know.
    ...(inTreeModulesToRemove.length === 1 && only && { inTreeModuleToRemove: only }),
    ...(inTreeModulesToRemove.length > 1 && { inTreeModulesToRemove: [...inTreeModulesToRemove] }),
  };
}
