import type { ModuleImageSpec } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { createWishedImages } from './wished-images.ts';

const spec = (name: string, rest: Partial<ModuleImageSpec> = {}): ModuleImageSpec => ({
  image: 'r.io/kmod:1',
  kernelVersion: '6.1.0-1',
  module: { name, namespace: 'ns' },
  ...rest,
});
const build = (configMap: string) => ({ build: { dockerfileConfigMap: { name: configMap } } });

it('two modules that would put different contents into one image are told, and do not take turns', () => {
  const wishes = createWishedImages();
  expect(wishes.want('ns/a', 'image', spec('a', build('one')))).toBe(true);
  expect(wishes.want('ns/b', 'image', spec('b', build('two')))).toBe(false);
  expect(wishes.want('ns/a', 'image', spec('a', build('one')))).toBe(false);
  expect(wishes.conflict('image')).toEqual(['ns/a', 'ns/b']);
  expect(wishes.spec('image')?.module.name).toBe('a');
});

it('modules that only look the same image up share it', () => {
  const wishes = createWishedImages();
  wishes.want('ns/a', 'image', spec('a'));
  wishes.want('ns/b', 'image', spec('b'));
  expect(wishes.conflict('image')).toEqual([]);
});

it('an image that a module no longer wants is left to those who do, and then to nobody', () => {
  const wishes = createWishedImages();
  wishes.want('ns/a', 'image', spec('a', build('one')));
  wishes.want('ns/b', 'image', spec('b', build('two')));
  expect(wishes.keepOnly('ns/a', new Set())).toEqual(['image']);
  expect(wishes.spec('image')?.module.name).toBe('b');
  expect(wishes.keepOnly('ns/b', new Set(['image']))).toEqual([]);
  wishes.keepOnly('ns/b', new Set());
  expect([wishes.spec('image'), wishes.modulesOf('image')]).toEqual([undefined, []]);
});
