import { expect, it } from 'vitest';
import { createLeavers } from './leavers.ts';

const told = (clusters: readonly string[]) => {
  const leavers = createLeavers();
  for (const cluster of clusters) leavers.left('kmod', cluster);
  return { leavers, message: leavers.take('kmod')?.message };
};

it.each<[string, readonly string[], string | undefined]>([
  ['none', [], undefined],
  ['some, each once and sorted', ['west', 'east', 'west'], 'the module: east, west.'],
  [
    'thousands as a few names and their count',
    Array.from({ length: 3_500 }, (_, index) => `c${String(index).padStart(4, '0')}`),
    'c0008, c0009 and 3490 more.',
  ],
])('tells of %s in one event', (_name, clusters, end) => {
  const { message } = told(clusters);

  expect(end === undefined ? message : message?.endsWith(end)).toBe(end === undefined ? undefined : true);
});

it('tells of each only once, and of none of a module that is gone', () => {
  const { leavers } = told(['east']);
  expect(leavers.take('kmod')).toBeUndefined();

  leavers.left('kmod', 'west');
  leavers.forget('kmod');
  expect(leavers.take('kmod')).toBeUndefined();
});
