import { expect, it } from 'vitest';
import * as z from 'zod';
import { checkBuilder, IMAGE_SETTINGS } from './image-settings.ts';

const Settings = z.object(IMAGE_SETTINGS).superRefine(checkBuilder);
const TOLERATIONS = JSON.stringify([{ key: 'builds', operator: 'Exists' }]);

it.each<[string, Record<string, string>, string[]]>([
  ['nothing that is said', {}, []],
  ['a Job with an image', { KMM_BUILDER: 'job', KMM_BUILD_IMAGE: 'r/buildah:1' }, []],
  ['a Job without one', { KMM_BUILDER: 'job' }, ['KMM_BUILD_IMAGE']],
  ['tolerations of a Job', { KMM_BUILD_TOLERATIONS: TOLERATIONS }, []],
  ['Builds of OpenShift', { KMM_BUILDER: 'openshift' }, []],
  [
    'tolerations that they do not have',
    { KMM_BUILDER: 'openshift', KMM_BUILD_TOLERATIONS: TOLERATIONS },
    ['KMM_BUILD_TOLERATIONS'],
  ],
  ['a builder that nobody knows', { KMM_BUILDER: 'kaniko' }, ['KMM_BUILDER']],
])('judges %s', (_what, env, wrong) => {
  const parsed = Settings.safeParse(env);

  expect(parsed.error?.issues.map(({ path }) => path.join('.')) ?? []).toEqual(wrong);
});
