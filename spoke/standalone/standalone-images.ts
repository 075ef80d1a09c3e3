import {
  found,
  type LoaderRecipe,
  type ModuleImageSpec,
  moduleImageName,
  parseImageReference,
  RESOURCES,
  withDigest,
} from '@kmm-fleet/api';
import { createImages, type ImagesPorts } from '@kmm-fleet/images';
import { apiVersionOf, createQueue, deepEqual, type KubeObject, objectKey } from '@kmm-fleet/runtime';
import type { ModuleInput } from '../modules/plan-module.ts';
import type { SpokeImages } from '../start-spoke.ts';
import type { ModuleView } from '../views.ts';

const FIELD_MANAGER = 'kmm-spoke';

/** Images of the single-cluster operator: wanted by Modules of this cluster, made by the same factory as on a hub. */
export function createStandaloneImages(ports: ImagesPorts): SpokeImages {
  const factory = createImages(ports);
  /** Image name → the modules that want it, and their recipe. */
  const wishes = new Map<string, { readonly spec: ModuleImageSpec; readonly modules: Set<string> }>();
  const handlers: ((key: string) => void)[] = [];

  const objects = createQueue({
    ...ports,
    name: 'image-objects',
    reconcile: async (name, signal) => {
      const wish = wishes.get(name);
      const observed = factory.images.get(name);
      if (!wish && observed) await ports.client.delete(RESOURCES.moduleImage, { name }, {}, signal);
      if (wish && !deepEqual(observed?.spec, wish.spec)) {
        await ports.client.apply(
          RESOURCES.moduleImage,
          imageObject(name, wish.spec),
          { fieldManager: FIELD_MANAGER, force: true },
          signal,
        );
      }
      return undefined;
    },
  });

  const want = (module: ModuleView, name: string, spec: ModuleImageSpec) => {
    const known = wishes.get(name);
    const modules = known?.modules ?? new Set<string>();
    wishes.set(name, { spec, modules: modules.add(objectKey(module.metadata)) });
    if (!known || !deepEqual(known.spec, spec)) objects.add(name);
  };

  const pin = (module: ModuleView, recipe: LoaderRecipe): ReturnType<NonNullable<ModuleInput['pin']>> => {
    if (!recipe.build && !recipe.sign) return { image: recipe.image };
    const name = moduleImageName(recipe.image, recipe.kernel);
    const spec = imageSpec(module, recipe);
    want(module, name, spec);
    const image = factory.images.get(name);
    const isCurrent =
      image && deepEqual(image.spec, spec) && image.status?.observedGeneration === image.metadata.generation;
    const digest = isCurrent && image.status?.state === 'Ready' ? image.status.digest : undefined;
    const reference = parseImageReference(recipe.image);
    if (digest && reference.ok) return { image: withDigest(reference.value, digest) };
    const { state = 'Wanted', message = '', reason = `Image${state}` } = image?.status ?? {};
    return { wait: found(reason, '', `ModuleImage ${name} is ${state}. ${message}`, '') };
  };

  factory.images.onChange(({ key }) => {
    for (const module of wishes.get(key)?.modules ?? []) for (const handler of handlers) handler(module);
  });

  return {
    pinFor: (module) => (recipe) => pin(module, recipe),
    forget(key) {
      for (const [name, { modules }] of wishes) {
        if (!modules.delete(key) || modules.size > 0) continue;
        wishes.delete(name);
        objects.add(name);
      }
    },
    onChange: (handler) => void handlers.push(handler),
    whenSynced: factory.whenSynced,
    settled: () => factory.settled() && objects.idle,
    async run(signal) {
      await Promise.all([factory.run(signal), objects.run(signal)]);
    },
  };
}

function imageSpec({ metadata, checked }: ModuleView, recipe: LoaderRecipe): ModuleImageSpec {
  const { imageRepoSecret, imageRebuildTriggerGeneration } = checked.ok ? checked.value.spec : {};
  return {
    image: recipe.image,
    kernelVersion: recipe.kernel,
    module: { name: metadata.name, namespace: metadata.namespace ?? '' },
    ...(recipe.build && { build: recipe.build }),
    ...(recipe.sign && { sign: recipe.sign }),
    ...(recipe.registryTLS && { registryTLS: recipe.registryTLS }),
    ...(imageRepoSecret && { imageRepoSecret }),
    ...(imageRebuildTriggerGeneration !== undefined && { imageRebuildTriggerGeneration }),
  };
}

function imageObject(name: string, spec: ModuleImageSpec): KubeObject {
  const { kind } = RESOURCES.moduleImage;
  return { apiVersion: apiVersionOf(RESOURCES.moduleImage), kind, metadata: { name }, spec };
}
