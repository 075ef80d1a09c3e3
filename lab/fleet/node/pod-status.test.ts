import { expect, it } from 'vitest';
import type { Pod } from './pod.ts';
import { podStatus } from './pod-status.ts';

const pod = (status?: Pod['status']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'ns', name: 'p' },
  spec: { containers: [] },
  ...(status && { status }),
});

it.each<[string, Pod['status'], string]>([
  ['keeps the class that its pod was given', { qosClass: 'Burstable' }, 'Burstable'],
  ['has the class of a pod that asks for nothing', undefined, 'BestEffort'],
])('a status %s', (_, before, qosClass) => {
  expect(podStatus(pod(before), [], '2027-01-01T00:00:00Z')).toMatchObject({ qosClass });
});
