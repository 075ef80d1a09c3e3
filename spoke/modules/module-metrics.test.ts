import { createMetrics } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createModuleMetrics } from './module-metrics.ts';

const numbers = { nodesMatchingSelectorNumber: 3, desiredNumber: 2, availableNumber: 1 };
const degraded = (reason: string, status: 'True' | 'False' = 'True') => ({
  moduleLoader: numbers,
  conditions: [{ type: 'Degraded', status, reason, message: '', lastTransitionTime: '2030-01-01T00:00:00Z' }],
});

function setUp() {
  const metrics = createMetrics();
  const series = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('kmm_module_'));
  return { modules: createModuleMetrics(metrics), series };
}

it('tells nodes of a Module and why it is degraded, and takes back what is over', async () => {
  const { modules, series } = setUp();
  modules.set('ns/kmod', degraded('ImagePullBackOff'));
  expect(await series()).toEqual([
    'kmm_module_nodes{namespace="ns",module="kmod",state="selected"} 3',
    'kmm_module_nodes{namespace="ns",module="kmod",state="desired"} 2',
    'kmm_module_nodes{namespace="ns",module="kmod",state="available"} 1',
    'kmm_module_degraded{namespace="ns",module="kmod",reason="ImagePullBackOff"} 1',
  ]);

  modules.set('ns/kmod', degraded('NewWordOfAKubelet'));
  expect((await series()).at(-1)).toBe('kmm_module_degraded{namespace="ns",module="kmod",reason="Other"} 1');
  modules.set('ns/kmod', degraded('NoFailure', 'False'));
  expect(await series()).toHaveLength(3);
});

it('forgets every series of a Module that is gone', async () => {
  const { modules, series } = setUp();
  modules.set('ns/kmod', degraded('ImagePullBackOff'));
  modules.remove('ns/kmod');

  expect(await series()).toEqual([]);
});
