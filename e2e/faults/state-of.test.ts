import { RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { differences, stateOf } from './state-of.ts';
import type { Look } from './watch-planes.ts';

const at = (name: string, letter: string, module: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ManifestWork',
  metadata: { namespace: 'east', name, uid: crypto.randomUUID() },
  spec: { image: `r/${name}@sha256:${letter.repeat(64)}`, module },
});
const lookAt =
  (...works: KubeObject[]): Look =>
  (_plane, type) =>
    (type === RESOURCES.manifestWork ? works : []) as never;
const [A, B] = [
  { name: 'round-1', module: 'kmm_a' },
  { name: 'round-12', module: 'kmm_b' },
];

it('is equal for rounds that have the same under names of their own, and leaves out what is of others', () => {
  const look = lookAt(at('round-1', 'a', 'kmm_a'), at('round-12', 'b', 'kmm_b'));

  expect(stateOf(look, A)).toHaveLength(1);
  expect(stateOf(look, B)).toEqual(stateOf(look, A));
  expect(stateOf(lookAt(at('round-1', 'a', 'kmm_c')), A)).not.toEqual(stateOf(look, A));
});

it.each<[string, string[], string[], string[]]>([
  ['nothing', ['a', 'b'], ['a', 'b'], []],
  ['what it lacks', ['a', 'b'], ['a'], ['it lacks b']],
  ['what is too much', ['a'], ['a', 'c'], ['it should not have c', 'there are 2 instead of 1']],
  ['what is there twice', ['a'], ['a', 'a'], ['there are 2 instead of 1']],
])('differs by %s', (_what, wanted, found, expected) => {
  expect(differences(wanted, found)).toEqual(expected);
});
