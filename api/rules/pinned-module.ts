import type { KernelMapping } from '../kinds/loader.ts';
import type { ManagedClusterModule } from '../kinds/managed-cluster-module.ts';
import type { Module } from '../kinds/module.ts';
import { GROUP, VERSION } from '../names.ts';
import { kernelKey } from './kernel.ts';

/** One kernel of one cluster and the image it runs, by digest. */
export interface Pin {
  readonly kernel: string;
  readonly image: string;
  readonly inTreeModulesToRemove: readonly string[];
}

/**
 * The Module that a cluster is given: literals only, images by digest, nothing to build, to sign or to substitute,
 * sorted by kernel; releases that differ in a trailing '+' are one kernel, served by the first of them. All else of the spec is kept as it is. The caller sees to it that `pins` is not empty when there is a moduleLoader.
 */
export function pinnedModule(
  mcm: ManagedClusterModule,
  pins: readonly Pin[],
  namespace = mcm.spec.spokeNamespace,
): Module {
  // A copy of its own, as JSON: structuredClone takes twice as long.
  const spec = JSON.parse(JSON.stringify(mcm.spec.moduleSpec)) as ManagedClusterModule['spec']['moduleSpec'];
  const container = spec.moduleLoader?.container;
  if (container) {
    delete container.build;
    delete container.sign;
    // Each mapping names its image and what it removes, so the container level would only say it twice.
    delete container.containerImage;
    delete container.inTreeModuleToRemove;
    delete container.inTreeModulesToRemove;
    container.kernelMappings = pinnedMappings(pins);
  }
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: 'Module',
    metadata: { name: mcm.metadata.name, namespace },
    spec,
  };
}

function pinnedMappings(pins: readonly Pin[]): KernelMapping[] {
  const sorted = pins.toSorted((a, b) => Number(a.kernel > b.kernel) - Number(a.kernel < b.kernel));
  const byKernel = new Map(sorted.toReversed().map((pin) => [kernelKey(pin.kernel), pin]));
  return [...byKernel]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kernel, pin]) => pinnedMapping({ ...pin, kernel }));
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
