import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Build, KernelMapping, LoaderContainer, Sign } from '../kinds/loader.ts';
import { mergeMapping } from './merge-mapping.ts';

const container = (over: Partial<LoaderContainer>): LoaderContainer => ({
  containerImage: 'kmod:container',
  modprobe: { moduleName: 'kmod', dirName: '/opt' },
  kernelMappings: [],
  ...over,
});
const argument = (name: string, value: string) => ({ name, value });
const build = (over: Partial<Build>): Build => ({ dockerfileConfigMap: {}, ...over });
const sign = (over: Partial<Sign>): Sign => ({ keySecret: {}, certSecret: {}, ...over });

it.each<{ name: string; over: Partial<LoaderContainer>; mapping: KernelMapping; merged: object }>([
  {
    name: 'image: mapping before container',
    over: {},
    mapping: { containerImage: 'kmod:m' },
    merged: { containerImage: 'kmod:m' },
  },
  {
    name: 'image: container when the mapping is empty',
    over: {},
    mapping: { containerImage: '' },
    merged: { containerImage: 'kmod:container' },
  },
  {
    name: 'registryTLS: whole object',
    over: { registryTLS: { insecure: true } },
    mapping: { registryTLS: { insecureSkipTLSVerify: true } },
    merged: { registryTLS: { insecureSkipTLSVerify: true } },
  },
  {
    name: 'in-tree: the mapping replaces, in either form',
    over: { inTreeModulesToRemove: ['a', 'b'] },
    mapping: { inTreeModuleToRemove: 'c' },
    merged: { inTreeModulesToRemove: ['c'] },
  },
  { name: 'in-tree: none', over: {}, mapping: {}, merged: { inTreeModulesToRemove: [] } },
  {
    name: 'build arguments: overridden in place, new ones behind',
    over: { build: build({ buildArgs: [argument('A', '1'), argument('B', '2')] }) },
    mapping: { build: build({ buildArgs: [argument('C', '3'), argument('A', '4')] }) },
    merged: { build: { buildArgs: [argument('A', '4'), argument('B', '2'), argument('C', '3')] } },
  },
  {
    name: 'build secrets: one behind the other',
    over: { build: build({ secrets: [{ name: 'a' }] }) },
    mapping: { build: build({ secrets: [{ name: 'a' }, { name: 'b' }] }) },
    merged: { build: { secrets: [{ name: 'a' }, { name: 'a' }, { name: 'b' }] } },
  },
  {
    name: 'Dockerfile: kept when the mapping names none',
    over: { build: build({ dockerfileConfigMap: { name: 'container' } }) },
    mapping: { build: build({}) },
    merged: { build: { dockerfileConfigMap: { name: 'container' } } },
  },
  {
    name: 'build scalars: the mapping counts, which KMM forgets',
    over: {
      build: build({
        baseImageRegistryTLS: { insecure: true },
        selector: { a: '1' },
        kanikoParams: { tag: '1' },
      }),
    },
    mapping: {
      build: build({
        baseImageRegistryTLS: { insecure: false },
        selector: { b: '2' },
        kanikoParams: { tag: '2' },
      }),
    },
    merged: {
      build: { baseImageRegistryTLS: { insecure: false }, selector: { b: '2' }, kanikoParams: { tag: '2' } },
    },
  },
  {
    name: 'sign: names replaced when set, files one behind the other',
    over: {
      sign: sign({
        keySecret: { name: 'k' },
        certSecret: { name: 'c' },
        unsignedImage: 'u',
        filesToSign: ['/a'],
      }),
    },
    mapping: { sign: sign({ keySecret: { name: 'k2' }, unsignedImage: '', filesToSign: ['/b'] }) },
    merged: {
      sign: {
        keySecret: { name: 'k2' },
        certSecret: { name: 'c' },
        unsignedImage: 'u',
        filesToSign: ['/a', '/b'],
      },
    },
  },
  {
    name: 'sign TLS: the mapping counts, which KMM forgets',
    over: { sign: sign({ unsignedImageRegistryTLS: { insecure: true } }) },
    mapping: { sign: sign({ unsignedImageRegistryTLS: { insecure: false } }) },
    merged: { sign: { unsignedImageRegistryTLS: { insecure: false } } },
  },
])('$name', ({ over, mapping, merged }) => {
  expect(mergeMapping(container(over), mapping)).toMatchObject(merged);
});

const builds = fc.option(
  fc.record({
    dockerfileConfigMap: fc.record({ name: fc.constantFrom('', 'a', 'b') }),
    buildArgs: fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'B', 'C'), value: fc.string() }), {
      selector: ({ name }) => name,
    }),
  }),
  { nil: undefined },
);

it('names each build argument once, and takes a level alone as it is', () => {
  fc.assert(
    fc.property(builds, builds, (base, over) => {
      const before = JSON.stringify([base, over]);
      const merged = mergeMapping(container({ ...(base && { build: base }) }), {
        ...(over && { build: over }),
      });
      const names = (merged.build?.buildArgs ?? []).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(base && over ? undefined : merged.build).toEqual(base && over ? undefined : (base ?? over));
      expect(JSON.stringify([base, over])).toBe(before);
    }),
  );
});
