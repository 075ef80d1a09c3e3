import { expect, it } from 'vitest';
import { recipe } from '../testing/recipes.ts';
import { externalRecipe } from './external-recipe.ts';

const built = { ...recipe(), build: { dockerfileConfigMap: { name: 'dockerfile' } } };
const unsignedImage = 'registry.test/kmod:1_ns_kmod_kmm_unsigned';
const image = 'registry.test/kmod:1';
const module = { name: 'kmod', namespace: 'ns' };

it.each([
  ['a build without signature leaves the image', { sign: undefined }, undefined],
  ['a build with signature leaves what a build would have pushed', {}, unsignedImage],
  [
    'a recipe that only signs stays',
    { build: undefined, sign: sign('registry.test/a:1') },
    'registry.test/a:1',
  ],
])('%s', (_what, changes, expected) => {
  const external = externalRecipe({ ...built, image, module, sign: sign(), ...changes });

  expect(external.build).toBeUndefined();
  expect(external.image).toBe(image);
  expect(external.sign?.unsignedImage).toBe(expected);
});

function sign(unsigned?: string) {
  return {
    keySecret: { name: 'key' },
    certSecret: { name: 'cert' },
    ...(unsigned && { unsignedImage: unsigned }),
  };
}
