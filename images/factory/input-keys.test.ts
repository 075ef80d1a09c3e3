import type { ModuleImageSpec } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { inputKeys } from './input-keys.ts';

const common = {
  image: 'registry.test/kmod:1',
  kernelVersion: '6.1.0-1',
  module: { name: 'kmod', namespace: 'ns' },
};
const build = { dockerfileConfigMap: { name: 'dockerfile' } };
const sign = { keySecret: { name: 'pair' }, certSecret: { name: 'pair' } };

it.each<[string, Partial<ModuleImageSpec>, readonly string[]]>([
  ['that is only looked up', {}, []],
  ['behind a login', { imageRepoSecret: { name: 'pull' } }, ['Secret/ns/pull']],
  ['whose Secrets are one, once', { sign }, ['Secret/ns/pair']],
  [
    'that is built, toolkits too',
    { build: { ...build, secrets: [{ name: 'token' }] } },
    ['Secret/ns/token', 'ConfigMap/ns/dockerfile', 'Toolkits'],
  ],
])('names what goes into an image %s', (_name, parts, expected) => {
  expect(inputKeys({ spec: { ...common, ...parts } })).toEqual(expected);
});
