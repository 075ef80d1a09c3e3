import { ANNOTATIONS, type ModuleImage, type ModuleImageSpec } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import { diffImage } from './diff-image.ts';
import type { ImageWish } from './wanted-images.ts';

const SPEC: ModuleImageSpec = {
  image: 'registry.test/kmod:1',
  kernelVersion: '6.1.0-1',
  module: { name: 'kmod', namespace: 'ns' },
};
const wish = (overrides: Partial<ImageWish> = {}): ImageWish => ({
  spec: SPEC,
  clusters: 2,
  conflict: [],
  ...overrides,
});
const there = (wantedBy = 2): ModuleImage => ({
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ModuleImage',
  metadata: { name: 'i' },
  spec: SPEC,
  status: { wantedBy },
});
const RECIPE = { apply: { metadata: { name: 'i' }, spec: SPEC } };

describe('an image object', () => {
  it.each<[string, ImageWish | undefined, ReturnType<typeof there> | undefined, object]>([
    ['is made when it is wanted', wish(), undefined, { ...RECIPE, wantedBy: 2 }],
    ['is left alone when it is as wanted', wish(), there(), {}],
    ['counts the clusters that want it', wish({ clusters: 3 }), there(), { wantedBy: 3 }],
    [
      'follows its recipe',
      wish({ spec: { ...SPEC, imageRebuildTriggerGeneration: 1 } }),
      there(),
      { apply: {} },
    ],
    [
      'is told of a conflict',
      wish({ conflict: ['a', 'b'] }),
      there(),
      { apply: { metadata: { annotations: { [ANNOTATIONS.conflict]: 'a, b' } } } },
    ],
    ['goes when nobody wants it', undefined, there(), { remove: true }],
    ['is nothing when nobody wants it and it is not there', undefined, undefined, {}],
  ])('%s', (_rule, wanted, observed, change) => {
    expect(diffImage('i', wanted, observed, true)).toMatchObject(change);
    expect(Object.keys(diffImage('i', wanted, observed, true)).sort()).toEqual(Object.keys(change).sort());
  });

  it.each<[string, ImageWish | undefined, ReturnType<typeof there> | undefined, object]>([
    ['is made when it is wanted', wish(), undefined, RECIPE],
    ['is not counted', wish({ clusters: 1 }), there(), {}],
    ['is not changed', wish({ spec: { ...SPEC, imageRebuildTriggerGeneration: 1 } }), there(), {}],
    ['is not removed', undefined, there(), {}],
  ])('%s while a part of the fleet is not planned yet', (_rule, wanted, observed, change) => {
    expect(diffImage('i', wanted, observed, false)).toMatchObject(change);
    expect(Object.keys(diffImage('i', wanted, observed, false))).toEqual(Object.keys(change));
  });
});
