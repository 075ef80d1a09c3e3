import { type ModuleImageSpec, parseImageReference, unsignedReference } from '@kmm-fleet/api';

/**
 * What is left of a recipe where somebody else builds: the image itself, or the one to sign, under the name that a
 * build would have given it. Pure.
 */
export function externalRecipe({ build, ...recipe }: ModuleImageSpec): ModuleImageSpec {
  const final = parseImageReference(recipe.image);
  if (!build || !recipe.sign || !final.ok) return recipe;
  const { namespace, name } = recipe.module;
  const unsignedImage = unsignedReference(final.value, namespace, name);
  return { ...recipe, sign: { ...recipe.sign, unsignedImage } };
}
