import { imageContents, type ModuleImageSpec } from '@kmm-fleet/api';
import { canonicalJson, deepEqual } from '@kmm-fleet/runtime';

/** Which Modules of this cluster want which images. Keys are `namespace/name`. */
export interface WishedImages {
  /** Records a wish. True when what the image should be has changed by it. */
  want(module: string, name: string, spec: ModuleImageSpec): boolean;
  /** Forgets what a Module wants, all but `names`. Returns the images for which that may change something. */
  keepOnly(module: string, names: ReadonlySet<string>): string[];
  /** What an image should be: the first Module decides, so that two that differ do not take turns. */
  spec(name: string): ModuleImageSpec | undefined;
  /** Modules that want different contents under one name, sorted; empty when all agree. */
  conflict(name: string): string[];
  modulesOf(name: string): string[];
}

export function createWishedImages(): WishedImages {
  const images = new Map<string, Map<string, ModuleImageSpec>>();
  const modulesOf = (name: string) => [...(images.get(name)?.keys() ?? [])].sort();
  const spec = (name: string) => images.get(name)?.get(modulesOf(name)[0] ?? '');
  return {
    want(module, name, wanted) {
      const before = spec(name);
      const wishes = images.get(name) ?? new Map<string, ModuleImageSpec>();
      images.set(name, wishes.set(module, wanted));
      return !deepEqual(before, spec(name));
    },
    keepOnly(module, names) {
      const gone = [...images].filter(([name, wishes]) => !names.has(name) && wishes.delete(module));
      for (const [name, wishes] of gone) if (wishes.size === 0) images.delete(name);
      return gone.map(([name]) => name).sort();
    },
    spec,
    conflict(name) {
      const recipes = new Set(
        [...(images.get(name)?.values() ?? [])].map((recipe) => canonicalJson(imageContents(recipe))),
      );
      return recipes.size > 1 ? modulesOf(name) : [];
    },
    modulesOf,
  };
}
