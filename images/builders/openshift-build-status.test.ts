import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { NEW_MS_MAX, openshiftBuildStatus } from './openshift-build-status.ts';

const CREATED = '2027-01-01T00:00:00Z';
const NOW_MS = Date.parse(CREATED) + 60_000;
const build = (status?: object): KubeObject => ({
  apiVersion: 'build.openshift.io/v1',
  kind: 'Build',
  metadata: { name: 'kmm-build-1', creationTimestamp: CREATED },
  ...(status && { status }),
});
const running = { kind: 'running' };

it.each<[string, object | undefined, object]>([
  ['no status yet', undefined, running],
  ['New', { phase: 'New', reason: 'CannotCreateBuildPod' }, running],
  ['Pending', { phase: 'Pending' }, running],
  ['Running', { phase: 'Running' }, running],
  [
    'Complete',
    { phase: 'Complete', output: { to: { imageDigest: 'sha256:1' } } },
    { kind: 'built', digest: 'sha256:1' },
  ],
  ['Complete without a digest', { phase: 'Complete', output: {} }, { kind: 'built', digest: '' }],
  [
    'Failed at a step',
    { phase: 'Failed', reason: 'DockerBuildFailed' },
    { kind: 'failed', command: 'bud', exitCode: 125 },
  ],
  [
    'Failed at a base image',
    { phase: 'Failed', reason: 'PullBuilderImageFailed' },
    { kind: 'failed', command: 'bud', exitCode: 125 },
  ],
  [
    'Failed at the push',
    { phase: 'Failed', reason: 'PushImageToRegistryFailed' },
    { kind: 'failed', command: 'push', exitCode: 125 },
  ],
  [
    'Failed for want of memory',
    { phase: 'Failed', reason: 'OutOfMemoryKilled' },
    { kind: 'ended', code: 'BUILD_FAILED', message: 'The build used more memory than its pod may.' },
  ],
  [
    'Failed for the disk that it took',
    {
      phase: 'Failed',
      reason: 'BuildPodEvicted',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.',
    },
    { kind: 'ended', code: 'BUILD_TOO_LARGE' },
  ],
  [
    'Failed with its node under pressure',
    { phase: 'Failed', reason: 'BuildPodEvicted', message: 'The node was low on resource: memory.' },
    { kind: 'ended', code: 'BUILD_FAILED' },
  ],
  [
    'Error',
    { phase: 'Error', reason: 'BuildPodDeleted', message: 'The pod was deleted.' },
    {
      kind: 'ended',
      code: 'BUILD_FAILED',
      message: 'Build kmm-build-1 did not run: BuildPodDeleted, The pod was deleted.',
    },
  ],
  [
    'Cancelled',
    { phase: 'Cancelled' },
    { kind: 'ended', code: 'BUILD_FAILED', message: 'Build kmm-build-1 was cancelled.' },
  ],
])('reads %s', (_what, status, expected) => {
  expect(openshiftBuildStatus(build(status), NOW_MS)).toMatchObject(expected);
});

it('gives up a Build that nobody takes up, and says what was said of it', () => {
  const status = { phase: 'New', reason: 'CannotRetrieveServiceAccount', message: 'No builder.' };
  const atMs = (afterMs: number) => openshiftBuildStatus(build(status), Date.parse(CREATED) + afterMs);

  expect(atMs(NEW_MS_MAX - 1)).toEqual(running);
  expect(atMs(NEW_MS_MAX)).toEqual({
    kind: 'ended',
    code: 'BUILDER_MISSING',
    message: `Build kmm-build-1 is New since ${CREATED}: CannotRetrieveServiceAccount, No builder.`,
  });
});
