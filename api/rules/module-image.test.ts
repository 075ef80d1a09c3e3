import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { IMAGE_STATES, type ModuleImage, ModuleImageSpec } from '../kinds/module-image.ts';
import { isReason } from '../reasons/index.ts';
import {
  type ImageWait,
  imageContents,
  imageSpecOf,
  imageWait,
  isStuck,
  readyDigest,
} from './module-image.ts';

const identity = { name: 'kmod', namespace: 'openshift-kmm' };
const recipe = {
  kernel: '6.1.0',
  image: 'r.example.com/kmod:6.1.0',
  inTreeModulesToRemove: ['old'],
  modprobe: { moduleName: 'kmod', dirName: '/opt' },
};
const spec = { image: recipe.image, kernelVersion: '6.1.0', module: identity };

describe('the spec of a ModuleImage', () => {
  it('has what the image is made from, and nothing of how it is loaded', () => {
    expect(imageSpecOf(identity, {}, recipe)).toStrictEqual(spec);
  });

  it('has all that a recipe may say, so that a change of any is a new recipe', () => {
    const rest = {
      build: { dockerfileConfigMap: { name: 'dockerfile' } },
      sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
      registryTLS: { insecure: true },
    };
    const own = { imageRepoSecret: { name: 'login' }, imageRebuildTriggerGeneration: 0 };
    const full = imageSpecOf(identity, own, { ...recipe, ...rest });

    expect(full).toStrictEqual({ ...spec, ...rest, ...own });
    expect(Object.keys(full).sort()).toEqual(Object.keys(ModuleImageSpec.shape).sort());
  });
});

describe('two modules want the same image', () => {
  const build = { dockerfileConfigMap: { name: 'dockerfile' } };
  const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, unsignedImage: 'r.example.com/u' };
  const by = (name: string, rest: object, namespace = 'openshift-kmm'): ModuleImageSpec => ({
    ...spec,
    module: { name, namespace },
    ...rest,
  });

  it.each<[string, boolean, ModuleImageSpec, ModuleImageSpec]>([
    ['when nobody makes it', true, by('a', {}), by('b', {})],
    ['when it is only signed, with the same keys', true, by('a', { sign }), by('b', { sign })],
    [
      'not with other keys',
      false,
      by('a', { sign }),
      by('b', { sign: { ...sign, keySecret: { name: 'k' } } }),
    ],
    ['not when keys are of another namespace', false, by('a', { sign }), by('b', { sign }, 'other')],
    ['not when it is built, for a build knows the name', false, by('a', { build }), by('b', { build })],
    ['not when it is built and signed', false, by('a', { build, sign }), by('b', { build, sign })],
  ])('%s', (_rule, isSame, one, other) => {
    expect(isDeepStrictEqual(imageContents(one), imageContents(other))).toBe(isSame);
  });
});

describe('the digest of an image', () => {
  const image = (status: ModuleImage['status']): ModuleImage => ({
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ModuleImage',
    metadata: { name: 'kmod', generation: 2 },
    spec,
    ...(status && { status }),
  });

  it.each([
    ['is there when it is ready', image({ state: 'Ready', digest: 'd', observedGeneration: 2 }), 'd'],
    [
      'is not that of an earlier recipe',
      image({ state: 'Ready', digest: 'd', observedGeneration: 1 }),
      undefined,
    ],
    ['is not the last good one', image({ state: 'Building', digest: 'd', observedGeneration: 2 }), undefined],
    ['is not known before a status', image(undefined), undefined],
    ['is not known without an image', undefined, undefined],
  ])('%s', (_rule, observed, digest) => {
    expect(readyDigest(observed)).toBe(digest);
  });
});

it('tells states that wait for somebody from those that go on by themselves', () => {
  expect(IMAGE_STATES.filter(isStuck)).toEqual(['Failed', 'Missing', 'Conflict']);
});

describe('an image that is waited for', () => {
  const image = (status: ModuleImage['status']): ModuleImage => ({
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ModuleImage',
    metadata: { name: 'kmod' },
    spec,
    ...(status && { status }),
  });

  it.each<[string, ModuleImage | undefined, string, ImageWait]>([
    [
      'is wanted before it is there',
      undefined,
      '',
      { isStuck: false, reason: 'ImageWanted', message: 'ModuleImage kmod is Wanted.' },
    ],
    [
      'is on its way under a reason of its own, whatever it has told last',
      image({ state: 'Signing', reason: 'Signing', message: 'Signing.', log: 'of the build' }),
      'It is kept.',
      {
        isStuck: false,
        reason: 'ImageSigning',
        message: 'ModuleImage kmod is Signing. It is kept. Signing.',
      },
    ],
    [
      'is stuck when it has failed, with its last words',
      image({ state: 'Failed', reason: 'BuildFailed', message: 'It failed.', log: 'no such file' }),
      '',
      {
        isStuck: true,
        reason: 'BuildFailed',
        message: 'ModuleImage kmod is Failed. no such file. It failed.',
      },
    ],
  ])('%s', (_rule, observed, note, told) => {
    expect(imageWait('kmod', observed, note)).toEqual(told);
  });

  it('has a documented reason in every state', () => {
    const states = IMAGE_STATES.filter((state) => !isStuck(state));
    expect(states.map((state) => imageWait('kmod', image({ state })).reason).filter(isReason)).toHaveLength(
      states.length,
    );
  });
});
