import { expect, it } from 'vitest';
import { qosClass } from './qos-class.ts';

const pod = (containers: readonly object[], initContainers: readonly object[] = []) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
  spec: {
    containers: containers.map((resources) => ({ resources })),
    initContainers: initContainers.map((resources) => ({ resources })),
  },
});
const full = { cpu: '1', memory: '1Gi' };

it.each<[string, readonly object[], readonly object[], string]>([
  ['asks for nothing', [{}], [], 'BestEffort'],
  ['asks for none of what counts', [{ requests: { 'ephemeral-storage': '1Gi' } }], [], 'BestEffort'],
  ['asks for nothing of it', [{ requests: { cpu: '0', memory: 0 } }], [], 'BestEffort'],
  ['asks for some memory', [{ requests: { memory: '64Mi' } }], [], 'Burstable'],
  ['has a limit of one kind', [{ limits: { memory: '64Mi' } }], [], 'Burstable'],
  ['may have more than it asks for', [{ requests: { cpu: '100m' }, limits: full }], [], 'Burstable'],
  ['has limits, and so asks for as much', [{ limits: full }], [], 'Guaranteed'],
  [
    'asks for its limits in other units',
    [{ requests: { cpu: '1000m', memory: '1024Mi' }, limits: full }],
    [],
    'Guaranteed',
  ],
  [
    'asks for a fraction',
    [{ requests: { cpu: 0.07 }, limits: { cpu: '70m', memory: '1e6' } }],
    [],
    'Guaranteed',
  ],
  ['has a second container that asks for nothing', [{ limits: full }, {}], [], 'Burstable'],
  ['begins with a container that asks for nothing', [{ limits: full }], [{}], 'Burstable'],
  ['begins with one that has limits', [{ limits: full }], [{ limits: full }], 'Guaranteed'],
])('a pod that %s', (_, containers, initContainers, expected) => {
  expect(qosClass(pod(containers, initContainers))).toBe(expected);
});
