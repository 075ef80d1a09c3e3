import { expect, it } from 'vitest';
import type { Pod } from './pod.ts';
import { podStatus } from './pod-status.ts';

it('a status keeps the class that its pod was given', () => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'p' },
    spec: { containers: [] },
    status: { qosClass: 'Burstable' },
  };

  expect(podStatus(pod, [], '2027-01-01T00:00:00Z')).toMatchObject({ qosClass: 'Burstable' });
});
