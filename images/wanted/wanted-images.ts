import { ANNOTATIONS, imageContents, type ModuleImage, type ModuleImageSpec } from '@kmm-fleet/api';
import { canonicalJson, deepEqual } from '@kmm-fleet/runtime';

/** Which clusters want which images, kept step by step: one entry per image, whoever wants it. */
export interface WantedImages {
  /** Replaces what one item (`module/cluster`) wants. Returns the names of images whose wish changed. */
  set(
    item: string,
    module: string,
    wanted: readonly { readonly name: string; readonly spec: ModuleImageSpec }[],
  ): string[];
  /** What an image should be; undefined when nobody wants it. */
  wish(name: string): ImageWish | undefined;
  /** Items that want an image, sorted. */
  itemsOf(name: string): string[];
  /** Images that an item wants. */
  imagesOf(item: string): readonly string[];
  /** Images that a module wants on any cluster, sorted. */
  imagesOfModule(module: string): string[];
}

export interface ImageWish {
  readonly spec: ModuleImageSpec;
  /** Clusters that want it. */
  readonly clusters: number;
  /** Modules that want different contents under this name; empty when all agree. */
  readonly conflict: readonly string[];
}

interface Entry {
  /** module → its recipe and the clusters that want it. */
  readonly modules: Map<string, { spec: ModuleImageSpec; items: Set<string> }>;
  /** cluster → how many of the items are its own. */
  readonly clusters: Map<string, number>;
}

const clusterOf = (item: string) => item.slice(item.lastIndexOf('/') + 1);

export function createWantedImages(): WantedImages {
  const images = new Map<string, Entry>();
  const ofItem = new Map<string, readonly string[]>();

  const leave = (name: string, module: string, item: string) => {
    const entry = images.get(name);
    const wishes = entry?.modules.get(module);
    if (!entry || !wishes?.items.delete(item)) return;
    const cluster = clusterOf(item);
    const others = (entry.clusters.get(cluster) ?? 0) - 1;
    if (others > 0) entry.clusters.set(cluster, others);
    else entry.clusters.delete(cluster);
    if (wishes.items.size === 0) entry.modules.delete(module);
    if (entry.modules.size === 0) images.delete(name);
  };

  const join = (name: string, module: string, item: string, spec: ModuleImageSpec) => {
    const entry = images.get(name) ?? { modules: new Map(), clusters: new Map() };
    images.set(name, entry);
    const known = entry.modules.get(module);
    const isJoining = !known?.items.has(item);
    const isNew = isJoining || !deepEqual(known.spec, spec);
    const cluster = clusterOf(item);
    if (isJoining) entry.clusters.set(cluster, (entry.clusters.get(cluster) ?? 0) + 1);
    // All clusters of a module want the same recipe for one name: the newest counts for all.
    entry.modules.set(module, { spec, items: (known?.items ?? new Set()).add(item) });
    return isNew;
  };

  return {
    set(item, module, wanted) {
      const names = wanted.map(({ name }) => name);
      const gone = (ofItem.get(item) ?? []).filter((name) => !names.includes(name));
      for (const name of gone) leave(name, module, item);
      const fresh = wanted.filter(({ name, spec }) => join(name, module, item, spec)).map(({ name }) => name);
      if (names.length > 0) ofItem.set(item, names);
      else ofItem.delete(item);
      return [...new Set([...gone, ...fresh])].sort();
    },
    wish(name) {
      const modules = [...(images.get(name)?.modules ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      const [first] = modules;
      if (!first) return undefined;
      const recipes = new Set(modules.map(([, { spec }]) => canonicalJson(imageContents(spec))));
      return {
        spec: first[1].spec,
        clusters: images.get(name)?.clusters.size ?? 0,
        conflict: recipes.size > 1 ? modules.map(([module]) => module) : [],
      };
    },
    imagesOf: (item) => ofItem.get(item) ?? [],
    imagesOfModule: (module) =>
      [...images]
        .filter(([, { modules }]) => modules.has(module))
        .map(([name]) => name)
        .sort(),
    itemsOf: (name) =>
      [...(images.get(name)?.modules.values() ?? [])].flatMap(({ items }) => [...items]).sort(),
  };
}

/** Whether a stored image is the one that a module wants: then its status counts for it. */
export function isWanted(image: ModuleImage, spec: ModuleImageSpec): boolean {
  return !image.metadata.annotations?.[ANNOTATIONS.conflict]
    ? deepEqual(imageContents(image.spec), imageContents(spec))
    : image.status?.state === 'Conflict';
}
