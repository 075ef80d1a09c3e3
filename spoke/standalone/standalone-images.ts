import {
  found,
  imageContents,
  imageSpecOf,
  isReason,
  isStuck,
  type LoaderRecipe,
  type ModuleImageSpec,
  moduleImageName,
  parseImageReference,
  RESOURCES,
  readyDigest,
  withDigest,
} from '@kmm-fleet/api';
import { createImages, createSystems, type ImagesPorts } from '@kmm-fleet/images';
import { apiVersionOf, createQueue, deepEqual, type KubeObject, objectKey } from '@kmm-fleet/runtime';
import type { ModuleInput } from '../modules/plan-module.ts';
import type { SpokeImages } from '../start-spoke.ts';
import type { ModuleView } from '../views.ts';
import { createWishedImages } from './wished-images.ts';

const FIELD_MANAGER = 'kmm-spoke';
/**
 * An image that no Module has asked for by then is a leftover from before a restart. Were it too early, the image would
 * be found in the registry again by its label: nothing is built twice, and DaemonSets keep their pins.
 */
const LEFTOVER_MS = 300_000;

/** Images of the single-cluster operator: wanted by Modules of this cluster, made by the same factory as on a hub. */
export function createStandaloneImages(ports: Omit<ImagesPorts, 'systems'>): SpokeImages {
  const systems = createSystems();
  const factory = createImages({ ...ports, systems });
  const wishes = createWishedImages();
  /** What each Module has asked for in its pass that runs now. */
  const asked = new Map<string, Set<string>>();
  const handlers: ((key: string) => void)[] = [];

  const objects = createQueue({
    ...ports,
    name: 'image-objects',
    reconcile: async (name, signal) => {
      const wish = wishes.spec(name);
      const observed = factory.images.get(name);
      if (!wish && observed) await ports.client.delete(RESOURCES.moduleImage, { name }, {}, signal);
      if (wish && !deepEqual(observed?.spec, wish)) {
        await ports.client.apply(
          RESOURCES.moduleImage,
          imageObject(name, wish),
          { fieldManager: FIELD_MANAGER, force: true },
          signal,
        );
      }
      return undefined;
    },
  });

  const want = (module: string, name: string, spec: ModuleImageSpec) => {
    asked.get(module)?.add(name);
    const before = wishes.conflict(name);
    if (wishes.want(module, name, spec)) objects.add(name);
    // The others learn that they are in conflict, or no longer.
    if (!deepEqual(before, wishes.conflict(name))) tell(name, module);
  };

  const tell = (name: string, except?: string) => {
    const others = wishes.modulesOf(name).filter((module) => module !== except);
    for (const module of others) for (const handler of handlers) handler(module);
  };

  const letGo = (module: string, keep: ReadonlySet<string>) => {
    for (const name of wishes.keepOnly(module, keep)) {
      objects.add(name);
      tell(name);
    }
  };

  const pin = (module: ModuleView, recipe: LoaderRecipe): ReturnType<NonNullable<ModuleInput['pin']>> => {
    if (!recipe.build && !recipe.sign) return { image: recipe.image };
    const name = moduleImageName(recipe.image, recipe.kernel);
    const { metadata, checked } = module;
    const identity = { name: metadata.name, namespace: metadata.namespace ?? '' };
    const spec = imageSpecOf(identity, checked.ok ? checked.value.spec : {}, recipe);
    want(objectKey(metadata), name, spec);
    const rivals = wishes.conflict(name);
    if (rivals.length > 0) return { wait: conflict(recipe.image, rivals) };
    const image = factory.images.get(name);
    const isWanted = image && deepEqual(imageContents(image.spec), imageContents(spec));
    const digest = isWanted ? readyDigest(image) : undefined;
    const reference = parseImageReference(recipe.image);
    if (digest && reference.ok) return { image: withDigest(reference.value, digest) };
    const { state = 'Wanted', message = '', reason = '' } = image?.status ?? {};
    const known = isReason(reason) ? reason : isStuck(state) ? 'Refused' : (`Image${state}` as const);
    return { wait: found(known, '', `ModuleImage ${name} is ${state}. ${message}`, '') };
  };

  factory.images.onChange(({ key, before }) => {
    tell(key);
    if (!before) objects.addAfter(key, LEFTOVER_MS);
  });

  return {
    systems,
    pinFor(module) {
      asked.set(objectKey(module.metadata), new Set());
      return (recipe) => pin(module, recipe);
    },
    planned(module) {
      const key = objectKey(module.metadata);
      letGo(key, asked.get(key) ?? new Set());
      asked.delete(key);
    },
    forget(module) {
      asked.delete(module);
      letGo(module, new Set());
    },
    onChange: (handler) => void handlers.push(handler),
    whenSynced: factory.whenSynced,
    blind: factory.blind,
    settled: () => factory.settled() && objects.idle,
    async run(signal) {
      await Promise.all([factory.run(signal), objects.run(signal)]);
    },
  };
}

function conflict(image: string, modules: readonly string[]) {
  const message = `Modules ${modules.join(', ')} would put different contents into ${image}.`;
  return found('ImageConflict', '', message, 'Give each its own image name.');
}

function imageObject(name: string, spec: ModuleImageSpec): KubeObject {
  const { kind } = RESOURCES.moduleImage;
  return { apiVersion: apiVersionOf(RESOURCES.moduleImage), kind, metadata: { name }, spec };
}
