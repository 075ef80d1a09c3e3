import { LABELS, ROLES } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { K1, nodeOf, podOf } from '../testing/fixtures.ts';
import { daemonSetView } from '../views.ts';
import { planTeardown } from './plan-teardown.ts';

const set = (name: string, labels: Record<string, string>, isDeleting = false) =>
  daemonSetView({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, labels, ...(isDeleting && { deletionTimestamp: 'now' }) },
  });
const loader = (isDeleting = false) => set('loader', { [LABELS.kernelVersion]: K1 }, isDeleting);
const plugin = (isDeleting = false) => set('plugin', { [LABELS.role]: ROLES.devicePlugin }, isDeleting);
const loaderPod = podOf({});
const pluginPod = podOf({ role: 'device-plugin' });

it.each([
  {
    name: 'the plugin goes first',
    sets: [loader(), plugin()],
    pods: [loaderPod, pluginPod],
    step: { step: 'remove', daemonSets: ['plugin'] },
  },
  {
    name: 'a plugin pod that still stops is waited for',
    sets: [loader()],
    pods: [loaderPod, pluginPod],
    step: { step: 'wait', what: 'device plugins' },
  },
  {
    name: 'then the loaders',
    sets: [loader()],
    pods: [loaderPod],
    step: { step: 'remove', daemonSets: ['loader'] },
  },
  {
    name: 'which are waited for until they have unloaded',
    sets: [],
    pods: [loaderPod],
    step: { step: 'wait', what: 'loaders' },
  },
  {
    name: 'what is being deleted is not deleted again',
    sets: [loader(true)],
    pods: [],
    step: { step: 'wait', what: 'loaders' },
  },
  { name: 'at the end the Module may go', sets: [], pods: [], step: { step: 'release' } },
])('$name', ({ sets, pods, step }) => {
  expect(planTeardown(sets, pods, [nodeOf('n1', K1)])).toEqual(step);
});

it('a device plugin of a node that is not heard of holds up no loader, and the Module waits for both', () => {
  const taints = [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }];
  const nodes = [{ ...nodeOf('n1', K1), taints }, nodeOf('n2', K1)];
  const steps = (pods: (typeof pluginPod)[]) => planTeardown([loader()], pods, nodes).step;
  expect(steps([loaderPod, pluginPod])).toBe('remove');
  expect(steps([pluginPod, { ...pluginPod, node: 'n2' }])).toBe('wait');
  expect(planTeardown([], [pluginPod], nodes)).toEqual({ step: 'wait', what: 'loaders' });
  // Its kubelet answers, and ends the device plugin before the loader.
  const notReady = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }];
  const step = planTeardown([loader()], [loaderPod, pluginPod], [{ ...nodeOf('n1', K1), taints: notReady }]);
  expect(step).toEqual({ step: 'wait', what: 'device plugins' });
});
