import {
  found,
  imageSpecOf,
  imageWait,
  isReason,
  type LoaderRecipe,
  type ModuleImage,
  type ModuleImageSpec,
  moduleImageName,
  parseImageReference,
  readyDigest,
  withDigest,
} from '@kmm-fleet/api';
import {
  createImages,
  createSystems,
  createWantedImages,
  type ImagesPorts,
  isSameImage,
  isWanted,
  reconcileImageObject,
} from '@kmm-fleet/images';
import { createQueue, objectKey } from '@kmm-fleet/runtime';
import type { ImagePin } from '../modules/plan-module.ts';
import type { SpokeImages } from '../start-spoke.ts';
import type { ModuleView } from '../views.ts';

const FIELD_MANAGER = 'kmm-spoke';

/** Images of the single-cluster operator: wanted by Modules of this cluster, made by the same factory as on a hub. */
export function createStandaloneImages(ports: Omit<ImagesPorts, 'systems'>): SpokeImages {
  const systems = createSystems();
  const factory = createImages({ ...ports, systems });
  const wanted = createWantedImages();
  const handlers: ((key: string) => void)[] = [];
  /** Modules that were not planned yet since the start; undefined before the first list. */
  let unplanned: Set<string> | undefined;

  const objects = createQueue({
    ...ports,
    name: 'image-objects',
    reconcile: (name, signal) =>
      reconcileImageObject(
        name,
        {
          ...{ client: ports.client, log: ports.log, images: factory.images, wanted },
          fieldManager: FIELD_MANAGER,
          isComplete: () => unplanned?.size === 0,
        },
        signal,
      ),
  });

  const want = (module: string, list: readonly Wish[]) => {
    for (const name of wanted.set(itemOf(module), module, list)) objects.add(name);
  };

  /** Now it is known who wants which image, and which nobody wants any more. */
  const complete = () => {
    for (const { metadata } of factory.images.all()) objects.add(metadata.name);
  };

  factory.images.onChange(({ key: name, before, after }) => {
    objects.add(name);
    if (isSameImage(before, after)) return;
    for (const item of wanted.itemsOf(name)) for (const handler of handlers) handler(moduleOf(item));
  });

  return {
    systems,
    begin(modules) {
      unplanned = new Set(modules);
      if (unplanned.size === 0) complete();
    },
    planning(module) {
      const list: Wish[] = [];
      return {
        pin(recipe) {
          if (!recipe.build && !recipe.sign) return { image: recipe.image };
          const wish = wishOf(module, recipe);
          list.push(wish);
          const image = factory.images.get(wish.name);
          return pinOf(wish, image && isWanted(image, wish.spec) ? image : undefined);
        },
        planned: () => want(objectKey(module.metadata), list),
      };
    },
    passed(module) {
      if (unplanned?.delete(module) && unplanned.size === 0) complete();
    },
    doubt(module, kernel) {
      for (const name of wanted.imagesOf(itemOf(module)))
        if (factory.images.get(name)?.spec.kernelVersion === kernel) factory.doubt(name);
    },
    forget: (module) => want(module, []),
    onChange: (handler) => void handlers.push(handler),
    whenSynced: factory.whenSynced,
    blind: factory.blind,
    settled: () => factory.settled() && objects.idle,
    async run(signal) {
      await Promise.all([factory.run(signal), objects.run(signal)]);
    },
  };
}

interface Wish {
  readonly name: string;
  readonly spec: ModuleImageSpec;
}

/** Wishes are kept by module and cluster; here there is one cluster, and it has no name. */
const itemOf = (module: string) => `${module}/`;
const moduleOf = (item: string) => item.slice(0, -1);

function wishOf({ metadata, checked }: ModuleView, recipe: LoaderRecipe): Wish {
  const identity = { name: metadata.name, namespace: metadata.namespace ?? '' };
  const spec = imageSpecOf(identity, checked.ok ? checked.value.spec : {}, recipe);
  return { name: moduleImageName(recipe.image, recipe.kernel), spec };
}

/** @param image undefined: there is none that is made as it is wanted */
function pinOf({ name, spec }: Wish, image: ModuleImage | undefined): ImagePin {
  const digest = readyDigest(image);
  const reference = parseImageReference(spec.image);
  if (digest && reference.ok) return { image: withDigest(reference.value, digest) };
  const { isStuck, reason, message } = imageWait(name, image);
  const finding = found(isReason(reason) ? reason : 'Refused', '', message, '');
  return isStuck ? { refused: finding } : { awaited: finding };
}
