import { describe, expect, it } from 'vitest';
import { kubeletWords, moreOfPod } from './pod-words.ts';

it.each([
  ['what ran and ended has a log', 'CrashLoopBackOff', 'kubectl logs plugin-x -n drivers --previous'],
  ['what never ran has events', 'ImagePullBackOff', 'kubectl describe pod plugin-x -n drivers'],
])('%s', (_why, reason, command) => {
  expect(moreOfPod({ namespace: 'drivers', name: 'plugin-x' }, reason)).toBe(command);
});

describe('what a kubelet says of an image that it cannot pull', () => {
  const failed = (cause: string) =>
    `failed to pull and unpack image "r.test/a@sha256:0": failed to resolve reference "r.test/a@sha256:0": ${cause}`;

  it.each([
    ['at the first try', `rpc error: code = NotFound desc = ${failed('r.test/a@sha256:0: not found')}`],
    [
      'while it backs off',
      `Back-off pulling image "r.test/a@sha256:0": ErrImagePull: rpc error: code = NotFound desc = ${failed('r.test/a@sha256:0: not found')}`,
    ],
  ])('is its cause, the same %s', (_when, message) => {
    expect(kubeletWords(message)).toBe('r.test/a@sha256:0: not found');
  });

  it.each([
    'Back-off pulling image "r.test/a@sha256:0"',
    'Get "https://r.test/v2/": dial tcp 10.0.0.1:443: i/o timeout',
    'secret "login" not found',
  ])('stays when nothing is wrapped around it: %s', (message) => {
    expect(kubeletWords(message)).toBe(message);
  });
});
