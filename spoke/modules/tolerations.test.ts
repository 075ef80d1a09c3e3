import { expect, it } from 'vitest';
import { isAbsent, mayStart, tolerates } from './tolerations.ts';

it.each([
  ['an empty key with Exists takes all', { operator: 'Exists' }, true],
  ['a value that fits', { key: 'a', value: 'b' }, true],
  ['another value', { key: 'a', value: 'c' }, false],
  ['any value with Exists', { key: 'a', operator: 'Exists' }, true],
  ['another effect', { key: 'a', operator: 'Exists', effect: 'NoExecute' }, false],
] as const)('a taint is met by tolerations: %s', (_rule, toleration, isMet) => {
  expect(tolerates([toleration], [{ key: 'a', value: 'b', effect: 'NoSchedule' }])).toBe(isMet);
});

it.each([
  ['keeps a loader on a node that is cordoned', 'node.kubernetes.io/unschedulable', 'NoSchedule', true],
  ['and on one that is not ready', 'node.kubernetes.io/not-ready', 'NoExecute', true],
  ['starts where its pods are only not preferred', 'a', 'PreferNoSchedule', true],
  ['heeds any other taint', 'a', 'NoSchedule', false],
])('without tolerations a DaemonSet %s', (_rule, key, effect, isMet) => {
  expect(mayStart([], [{ key, effect }])).toBe(isMet);
});

it.each(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])(
  'a node that is %s starts no pod, and they belong there all the same',
  (key) => {
    const taints = [
      { key, effect: 'NoSchedule' },
      { key, effect: 'NoExecute' },
    ];
    expect([mayStart([], taints), tolerates([], taints), isAbsent(taints)]).toEqual([false, true, true]);
    const own = { key: 'gpu', effect: 'NoSchedule' };
    expect([tolerates([], [...taints, own]), isAbsent([own])]).toEqual([false, false]);
  },
);
