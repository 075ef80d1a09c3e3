import { expect, it } from 'vitest';
import { moreOfPod } from './more-of-pod.ts';

it.each([
  ['what ran and ended has a log', 'CrashLoopBackOff', 'kubectl logs plugin-x -n drivers --previous'],
  ['what never ran has events', 'ImagePullBackOff', 'kubectl describe pod plugin-x -n drivers'],
])('%s', (_why, reason, command) => {
  expect(moreOfPod({ namespace: 'drivers', name: 'plugin-x' }, reason)).toBe(command);
});
