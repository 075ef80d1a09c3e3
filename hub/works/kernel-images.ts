import {
  type Checked,
  good,
  imageSpecOf,
  type ManagedClusterModule,
  type ModuleImageSpec,
  moduleImageName,
  resolveRecipe,
} from '@kmm-fleet/api';

/** What a module needs for a kernel. */
export interface KernelImage {
  /** Without a trailing '+'. */
  readonly kernel: string;
  readonly inTreeModulesToRemove: readonly string[];
  /** Of its ModuleImage. */
  readonly name: string;
  readonly spec: ModuleImageSpec;
}

export type KernelImages = (mcm: ManagedClusterModule, release: string) => Checked<KernelImage>;

/** Claims are the word of clusters: more kernels of one module than this are not remembered. */
const KERNELS_MAX = 1_000;

/** Works out once for each kernel of a module what all of its clusters ask for. */
export function createKernelImages(operatorNamespace: string): KernelImages {
  const known = new WeakMap<ManagedClusterModule, Map<string, Checked<KernelImage>>>();
  return (mcm, release) => {
    const ofModule = known.get(mcm) ?? new Map<string, Checked<KernelImage>>();
    const found = ofModule.get(release);
    if (found) return found;
    if (ofModule.size >= KERNELS_MAX) ofModule.clear();
    const image = kernelImage(mcm, operatorNamespace, release);
    known.set(mcm, ofModule.set(release, image));
    return image;
  };
}

function kernelImage(mcm: ManagedClusterModule, namespace: string, release: string): Checked<KernelImage> {
  const identity = { name: mcm.metadata.name, namespace };
  const { moduleSpec } = mcm.spec;
  const recipe = resolveRecipe(identity, moduleSpec, release, 'spec.moduleSpec');
  if (!recipe.ok) return recipe;
  const { kernel, image, inTreeModulesToRemove } = recipe.value;
  const spec = imageSpecOf(identity, moduleSpec, recipe.value);
  return good({ kernel, inTreeModulesToRemove, name: moduleImageName(image, kernel), spec });
}
