import type { ModuleImageSpec } from '@kmm-fleet/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createWantedImages } from './wanted-images.ts';

const sign = {
  keySecret: { name: 'key' },
  certSecret: { name: 'cert' },
  unsignedImage: 'registry.test/base:1',
};
const spec = (module: string, build = false): ModuleImageSpec => ({
  image: 'registry.test/kmod:1',
  kernelVersion: '6.1.0',
  module: { name: module, namespace: 'hub' },
  ...(build && { build: { dockerfileConfigMap: { name: 'd' } } }),
});

it('counts the clusters of an image and forgets it with the last one', () => {
  const wanted = createWantedImages();

  expect(wanted.set('m/a', 'm', [{ name: 'i', spec: spec('m') }])).toEqual(['i']);
  wanted.set('m/b', 'm', [{ name: 'i', spec: spec('m') }]);
  expect(wanted.wish('i')).toMatchObject({ clusters: 2, conflict: [] });
  expect(wanted.itemsOf('i')).toEqual(['m/a', 'm/b']);
  expect([wanted.imagesOf('m/a'), wanted.imagesOf('m/c')]).toEqual([['i'], []]);
  expect(wanted.set('m/a', 'm', [])).toEqual(['i']);
  wanted.set('m/b', 'm', []);
  expect(wanted.wish('i')).toBeUndefined();
});

it('sees two modules that would put different things under one name', () => {
  const wanted = createWantedImages();
  wanted.set('one/a', 'one', [{ name: 'i', spec: spec('one', true) }]);
  wanted.set('two/a', 'two', [{ name: 'i', spec: spec('two', true) }]);

  expect(wanted.wish('i')?.conflict).toEqual(['one', 'two']);
});

it('lets modules share an image that nobody makes', () => {
  const wanted = createWantedImages();
  wanted.set('one/a', 'one', [{ name: 'i', spec: spec('one') }]);
  wanted.set('two/a', 'two', [{ name: 'i', spec: spec('two') }]);

  expect(wanted.wish('i')).toMatchObject({ clusters: 1, conflict: [] });
});

it('lets modules share an image that is signed alike, and tells two that would sign differently', () => {
  const wanted = createWantedImages();
  wanted.set('one/a', 'one', [{ name: 'i', spec: { ...spec('one'), sign } }]);
  wanted.set('two/a', 'two', [{ name: 'i', spec: { ...spec('two'), sign } }]);

  expect(wanted.wish('i')?.conflict).toEqual([]);
  expect([wanted.imagesOfModule('one'), wanted.imagesOfModule('two')]).toEqual([['i'], ['i']]);
  const other = { ...sign, keySecret: { name: 'other' } };
  wanted.set('two/a', 'two', [{ name: 'i', spec: { ...spec('two'), sign: other } }]);
  expect(wanted.wish('i')?.conflict).toEqual(['one', 'two']);
});

it('equals a recount after any history', () => {
  const event = fc.tuple(fc.constantFrom('m/a', 'm/b', 'n/a'), fc.subarray(['i', 'j', 'k']));
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const wanted = createWantedImages();
      const model = new Map<string, readonly string[]>();
      for (const [item, names] of events) {
        const module = item.split('/')[0] ?? '';
        wanted.set(
          item,
          module,
          names.map((name) => ({ name, spec: spec(module) })),
        );
        model.set(item, names);
      }
      for (const name of ['i', 'j', 'k']) {
        const items = [...model]
          .filter(([, names]) => names.includes(name))
          .map(([item]) => item)
          .sort();
        expect(wanted.itemsOf(name)).toEqual(items);
        const clusters = new Set(items.map((item) => item.split('/')[1]));
        expect(wanted.wish(name)?.clusters ?? 0).toBe(clusters.size);
        for (const module of ['m', 'n'])
          expect(wanted.imagesOfModule(module).includes(name)).toBe(
            items.some((item) => item.startsWith(`${module}/`)),
          );
      }
    }),
  );
});
