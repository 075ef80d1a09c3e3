import { devicePluginVersionLabel, loaderVersionLabel, moduleVersionLabel, readyLabel } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { NAMESPACE as namespace, podOf } from '../testing/fixtures.ts';
import type { PodView } from '../views.ts';
import { planVersionLabels, versionedOn } from './plan-version-labels.ts';

const name = 'kmod';
const [M, L, P] = [
  moduleVersionLabel(namespace, name),
  loaderVersionLabel(namespace, name),
  devicePluginVersionLabel(namespace, name),
];
const READY = readyLabel(namespace, name);
const loader = podOf({});
const plugin = podOf({ role: 'device-plugin' });

const cases: { name: string; labels: Record<string, string>; pods?: PodView[]; change: object }[] = [
  { name: 'nothing asked, nothing there', labels: {}, change: {} },
  { name: 'no longer asked: plugin first', labels: { [L]: '1', [P]: '1' }, change: { [P]: null } },
  { name: 'no longer asked: loader second', labels: { [L]: '1' }, change: { [L]: null } },
  { name: 'asked: loader first', labels: { [M]: '1' }, change: { [L]: '1' } },
  { name: 'asked: plugin second', labels: { [M]: '1', [L]: '1' }, change: { [P]: '1' } },
  { name: 'all as asked', labels: { [M]: '1', [L]: '1', [P]: '1' }, change: {} },
  { name: 'upgrade: old plugin leaves', labels: { [M]: '2', [L]: '1', [P]: '1' }, change: { [P]: null } },
  { name: 'upgrade: old loader leaves', labels: { [M]: '2', [L]: '1' }, change: { [L]: null } },
  {
    name: 'guard: a loader stays under its plugin',
    labels: { [M]: '2', [L]: '1' },
    pods: [plugin],
    change: {},
  },
  { name: 'guard: none comes while the old one is there', labels: { [M]: '2' }, pods: [loader], change: {} },
  {
    name: 'guard: none comes while the node says it is loaded',
    labels: { [M]: '2', [READY]: '' },
    change: {},
  },
  {
    name: 'a plugin that is ahead of its loader leaves, or both would wait',
    labels: { [M]: '2', [L]: '1', [P]: '2' },
    pods: [plugin],
    change: { [P]: null },
  },
];
it.each(cases)('$name', ({ labels, pods = [], change }) => {
  expect(planVersionLabels({ namespace, name }, labels, pods)).toEqual(change);
});

it('walks a node from one version to the next and ends there, one label at a time', () => {
  let labels: Record<string, string> = { [M]: '2', [L]: '1', [P]: '1' };
  const steps: string[] = [];
  for (let change = planVersionLabels({ namespace, name }, labels, []); Object.keys(change).length > 0; ) {
    expect(Object.keys(change)).toHaveLength(1);
    steps.push(JSON.stringify(change));
    labels = Object.fromEntries(
      Object.entries({ ...labels, ...change }).filter(([, value]) => value !== null),
    ) as Record<string, string>;
    change = planVersionLabels({ namespace, name }, labels, []);
  }
  expect(steps).toHaveLength(4);
  expect(labels).toEqual({ [M]: '2', [L]: '2', [P]: '2' });
});

it('finds the modules of version labels, also with dots in a name', () => {
  const labels = {
    [loaderVersionLabel('ns', 'a.b')]: '1',
    [devicePluginVersionLabel('ns', 'a.b')]: '1',
    other: '',
  };
  expect(versionedOn(labels)).toEqual([{ namespace: 'ns', name: 'a.b' }]);
});
