import {
  deprecatedReadyLabel,
  devicePluginReadyLabel,
  LABELS,
  loaderVersionLabel,
  readyLabel,
} from '@kmm-fleet/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { K1, NAMESPACE, nodeOf, podOf } from '../testing/fixtures.ts';
import type { PodView } from '../views.ts';
import { planNodeLabels } from './plan-node-labels.ts';

const READY = readyLabel(NAMESPACE, 'kmod');
const ALIAS = deprecatedReadyLabel('kmod');
const KERNEL = { [LABELS.kernelVersion]: K1 };
const plan = (labels: Record<string, string>, pods: PodView[] = [], known: string[] = []) =>
  planNodeLabels(nodeOf('n1', K1, labels), pods, [], new Set(known));

it('says the kernel without its plus, and only when it is said wrongly', () => {
  expect(planNodeLabels(nodeOf('n1', `${K1}+`, {}), [], [], new Set()).labels).toEqual(KERNEL);
  expect(plan(KERNEL).labels).toEqual({});
});

it('a ready loader labels its node, in both spellings', () => {
  const { labels, loaded } = plan(KERNEL, [podOf({})]);
  expect(labels).toEqual({ [READY]: '', [ALIAS]: '' });
  expect(loaded).toEqual([`${NAMESPACE}/kmod`]);
});

it.each([
  { name: 'not ready', pod: { isReady: false } },
  { name: 'deleting', pod: { isDeleting: true } },
  { name: 'on another node', pod: { node: 'n2' } },
])('the label goes when the pod is $name', ({ pod }) => {
  const { labels } = plan({ ...KERNEL, [READY]: '', [ALIAS]: '' }, [podOf(pod)]);
  expect(labels).toEqual({ [READY]: null, [ALIAS]: null });
});

it('the label stays while another pod of the module is ready there', () => {
  const pods = [podOf({ isDeleting: true }), podOf({ metadata: { name: 'other', namespace: NAMESPACE } })];
  expect(plan({ ...KERNEL, [READY]: '', [ALIAS]: '' }, pods).labels).toEqual({});
});

it('a pod is released only when its label is gone from the node', () => {
  const leaving = podOf({ isDeleting: true });
  expect(plan({ ...KERNEL, [READY]: '', [ALIAS]: '' }, [leaving]).released).toEqual([]);
  expect(plan(KERNEL, [leaving]).released).toEqual([`${NAMESPACE}/pod`]);
});

it('a pod of a node that is gone is released at once', () => {
  expect(planNodeLabels(undefined, [podOf({ isDeleting: true })], [], new Set()).released).toHaveLength(1);
});

it('the device plugin has a label of its own and is no loading', () => {
  const { labels, loaded } = plan(KERNEL, [podOf({ role: 'device-plugin' })]);
  expect(labels[devicePluginReadyLabel(NAMESPACE, 'kmod')]).toBe('');
  expect([labels[READY], loaded]).toEqual([undefined, []]);
});

it('a module with a dot in its name is one module in events', () => {
  expect(plan(KERNEL, [podOf({ module: 'a.b' })]).loaded).toEqual([`${NAMESPACE}/a.b`]);
});

it('version labels of a Module that is gone go; of one that is there, valid or not, they stay', () => {
  const L = loaderVersionLabel(NAMESPACE, 'kmod');
  expect(plan({ ...KERNEL, [L]: '1' }).labels).toEqual({ [L]: null });
  expect(plan({ ...KERNEL, [L]: '1' }, [], [`${NAMESPACE}/kmod`]).labels).toEqual({});
});

it('touches no label but ours, and is content with its own work', () => {
  const label = fc.constantFrom(
    'zone',
    'kmm.node.kubernetes.io/version-module.a.b',
    READY,
    ALIAS,
    'example.com/x.ready',
  );
  const pod = fc.record({
    isReady: fc.boolean(),
    isDeleting: fc.boolean(),
    module: fc.constantFrom('kmod', 'b'),
  });
  fc.assert(
    fc.property(
      fc.dictionary(label, fc.constantFrom('', 'x')),
      fc.array(pod, { maxLength: 4 }),
      (labels, pods) => {
        const views = pods.map((view, index) =>
          podOf({ ...view, metadata: { name: `p${index}`, namespace: NAMESPACE, finalizers: ['f'] } }),
        );
        const { labels: change } = plan(labels, views);
        for (const name of Object.keys(change))
          expect(name).toMatch(/^kmm\.node\.kubernetes\.io\/(?!version-module)/);
        const after = Object.fromEntries(
          Object.entries({ ...labels, ...change }).filter(([, value]) => value !== null),
        );
        expect(plan(after as Record<string, string>, views).labels).toEqual({});
      },
    ),
  );
});
