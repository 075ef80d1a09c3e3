import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { buildJobStatus, podOf } from './build-job-status.ts';

const job = (...conditions: object[]): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'kmm-build-1' },
  status: { conditions },
});
const pod = (status: object, created = '2027-01-01T00:00:00Z'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod', creationTimestamp: created },
  status,
});
const containers = (build: object, push: object = {}) => ({
  initContainerStatuses: [{ name: 'build', state: build }],
  containerStatuses: [{ name: 'push', state: push }],
});
const ended = (exitCode: number, more: object = {}) => ({ terminated: { exitCode, ...more } });
const disrupted = { conditions: [{ type: 'DisruptionTarget', status: 'True' }], ...containers(ended(137)) };

it.each<[string, KubeObject[], KubeObject, object]>([
  ['no pod yet', [], job(), { kind: 'running' }],
  ['a build that runs', [pod(containers({ running: {} }))], job(), { kind: 'running' }],
  ['a push that runs', [pod(containers(ended(0), { running: {} }))], job(), { kind: 'running' }],
  [
    'a push that is done',
    [pod(containers(ended(0), ended(0, { message: 'sha256:1\n' })))],
    job(),
    { kind: 'built', digest: 'sha256:1' },
  ],
  ['a step that failed', [pod(containers(ended(2)))], job(), { kind: 'failed', command: 'bud', exitCode: 2 }],
  [
    'a push that failed',
    [pod(containers(ended(0), ended(125)))],
    job(),
    { kind: 'failed', command: 'push', exitCode: 125 },
  ],
  [
    'a build without memory',
    [pod(containers(ended(137, { reason: 'OOMKilled' })))],
    job(),
    { kind: 'ended', code: 'BUILD_FAILED', message: 'The build used more memory than its pod may.' },
  ],
  [
    'a build that filled its folder',
    [pod({ reason: 'Evicted', message: 'Usage of EmptyDir volume "builds" exceeds the limit "1Gi".' })],
    job(),
    { kind: 'ended', code: 'BUILD_TOO_LARGE' },
  ],
  [
    'an image of the builder that cannot be pulled',
    [pod(containers({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }))],
    job(),
    {
      kind: 'ended',
      code: 'BUILDER_MISSING',
      message: 'The pod of the build cannot start: ImagePullBackOff not found',
    },
  ],
  [
    'a pull that failed once',
    [pod(containers({ waiting: { reason: 'ErrImagePull' } }))],
    job(),
    { kind: 'running' },
  ],
  ['a pod whose node went away', [pod(disrupted)], job(), { kind: 'running' }],
  [
    'a Job whose time is over',
    [pod(containers({ running: {} }))],
    job({ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too long' }),
    { kind: 'ended', code: 'BUILD_TIMED_OUT', message: 'Job kmm-build-1: too long' },
  ],
  [
    'a Job that failed without a pod',
    [],
    job({ type: 'Failed', status: 'True', reason: 'PodFailurePolicy' }),
    { kind: 'ended', code: 'BUILD_FAILED', message: 'Job kmm-build-1: PodFailurePolicy' },
  ],
])('reads %s', (_what, pods, of, expected) => {
  expect(buildJobStatus(of, pods)).toMatchObject(expected);
});

it('counts the newest pod that no disruption ended, in whatever order they come', () => {
  const [first, second, lost] = [
    pod({}, '2027-01-01T00:00:01Z'),
    pod({}, '2027-01-01T00:00:02Z'),
    pod(disrupted, '2027-01-01T00:00:03Z'),
  ] as const;

  for (const pods of [
    [first, second, lost],
    [lost, second, first],
    [second, lost, first],
  ])
    expect(podOf(pods)).toBe(second);
});
