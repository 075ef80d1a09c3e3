import type { ModuleSpec } from '../kinds/module.ts';
import type { ImageState, ModuleImage, ModuleImageSpec } from '../kinds/module-image.ts';
import { lastWords } from '../words.ts';
import type { LoaderRecipe, ModuleIdentity } from './resolve-recipe.ts';

/** The whole recipe as an object of its own; what is not set is left out, so that it compares equal to what is stored. */
export function imageSpecOf(
  { name, namespace }: ModuleIdentity,
  spec: Pick<ModuleSpec, 'imageRepoSecret' | 'imageRebuildTriggerGeneration'>,
  recipe: LoaderRecipe,
): ModuleImageSpec {
  const { imageRepoSecret, imageRebuildTriggerGeneration } = spec;
  return {
    image: recipe.image,
    kernelVersion: recipe.kernel,
    module: { name, namespace },
    ...(recipe.build && { build: recipe.build }),
    ...(recipe.sign && { sign: recipe.sign }),
    ...(recipe.registryTLS && { registryTLS: recipe.registryTLS }),
    ...(imageRepoSecret && { imageRepoSecret }),
    ...(imageRebuildTriggerGeneration !== undefined && { imageRebuildTriggerGeneration }),
  };
}

/**
 * What of a recipe goes into its image: two of which that is equal share one. A build is told the name of its module;
 * who signs, or only looks an image up, takes no more than Secrets from the namespace.
 */
export const imageContents = (spec: ModuleImageSpec): ModuleImageSpec =>
  spec.build ? spec : { ...spec, module: { ...spec.module, name: '' } };

/** The digest of an image that is ready as it is wanted now: a status may speak of an earlier recipe. */
export function readyDigest(image: ModuleImage | undefined): string | undefined {
  const { status, metadata } = image ?? {};
  const isCurrent = status?.observedGeneration === metadata?.generation;
  return isCurrent && status?.state === 'Ready' ? status.digest : undefined;
}

/** Whether an image waits for somebody; any other state that is not ready goes on by itself. */
export const isStuck = (state: ImageState): state is 'Failed' | 'Missing' | 'Conflict' =>
  state === 'Failed' || state === 'Missing' || state === 'Conflict';

/** What kubelets say when an image cannot be pulled: its registry may not have it any more. */
const CANNOT_PULL: ReadonlySet<string> = new Set(['ErrImagePull', 'ImagePullBackOff']);

/** Whether the reason of a pod, or of a cluster that tells of one, makes an image doubtful. Pure. */
export const cannotPull = (reason: string): boolean => CANNOT_PULL.has(reason);

/** Why an image is not to be had, for those who wait for it. */
export interface ImageWait {
  readonly isStuck: boolean;
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_CHARS_MAX = 1_000;

/**
 * What an image that is not ready is waited for. Pure.
 *
 * @param image undefined: there is none yet that is made as it is wanted
 * @param note said behind its state
 */
export function imageWait(name: string, image: ModuleImage | undefined, note = ''): ImageWait {
  const { state = 'Wanted', reason = state, message = '', log } = image?.status ?? {};
  const stuck = isStuck(state);
  const said = `${stuck ? lastWords(log, message) : ''}${message}`;
  return {
    isStuck: stuck,
    reason: stuck ? reason : `Image${state}`,
    message: [`ModuleImage ${name} is ${state}.`, note, said]
      .filter(Boolean)
      .join(' ')
      .slice(0, MESSAGE_CHARS_MAX),
  };
}
