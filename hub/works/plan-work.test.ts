import type { ManifestWork } from '@kmm-fleet/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cluster, digestOf, image, mcmInput, mcmObject, readyImages, stored } from '../testing/fixtures.ts';
import { diffWork } from './diff-work.ts';
import { createKernelImages } from './kernel-images.ts';
import { planWork, type WorkInput, type WorkPlan } from './plan-work.ts';

const base: WorkInput = {
  mcm: mcmInput(),
  cluster: cluster(['6.1.0-1']),
  isSelected: true,
  kernelImages: createKernelImages('openshift-kmm-hub'),
  image: () => undefined,
  work: undefined,
};

const plan = (input: Partial<WorkInput>) => planWork({ ...base, ...input });

function pins({ action }: WorkPlan): Record<string, string> {
  if (action.kind !== 'apply') return {};
  const module = action.work.spec.workload?.manifests?.[0] as unknown as ReturnType<typeof mcmObject>;
  const spec = module['spec'] as {
    moduleLoader: { container: { kernelMappings: { literal: string; containerImage: string }[] } };
  };
  return Object.fromEntries(
    spec.moduleLoader.container.kernelMappings.map(({ literal, containerImage }) => [
      literal,
      containerImage,
    ]),
  );
}

/** The work that a cluster has after its kernels were ready with these digests. */
function workWith(letters: Record<string, string>) {
  const { action } = plan({ cluster: cluster(Object.keys(letters)), image: readyImages(letters) });
  if (action.kind !== 'apply') throw new RangeError('the fixture must plan a work');
  return stored(action.work);
}

describe('what a cluster is given', () => {
  it('is one literal per kernel with the digest of a ready image', () => {
    const planned = plan({
      cluster: cluster(['6.1.0-1', '6.1.0-2']),
      image: readyImages({ '6.1.0-1': 'a', '6.1.0-2': 'b' }),
    });

    expect(pins(planned)).toEqual({
      '6.1.0-1': `registry.test/kmod@${digestOf('a')}`,
      '6.1.0-2': `registry.test/kmod@${digestOf('b')}`,
    });
    expect(planned.waits).toEqual([]);
    expect(planned.wanted.map(({ spec }) => spec.kernelVersion).sort()).toEqual(['6.1.0-1', '6.1.0-2']);
  });

  it('holds neither build nor sign nor regexp, and no tag', () => {
    const text = JSON.stringify(plan({ image: readyImages({ '6.1.0-1': 'a' }) }).action);

    expect(text).not.toMatch(/"build"|"sign"|"regexp"|kmod:6/);
  });

  it('waits without a work while no image is ready, and says for what', () => {
    const planned = plan({});

    expect(planned.action).toEqual({ kind: 'keep' });
    expect(planned.waits).toMatchObject([{ kernel: '6.1.0-1', state: 'Progressing', reason: 'ImageWanted' }]);
  });

  it('goes on for the kernels that can while one has no mapping', () => {
    const planned = plan({
      cluster: cluster(['5.14.0-1', '6.1.0-1']),
      image: readyImages({ '6.1.0-1': 'a' }),
    });

    expect(Object.keys(pins(planned))).toEqual(['6.1.0-1']);
    expect(planned.waits).toMatchObject([
      { kernel: '5.14.0-1', state: 'Waiting', reason: 'KernelNotMapped' },
    ]);
  });

  it('does not trust an image whose status is of an older generation', () => {
    const stale: WorkInput['image'] = (name, spec) => ({
      ...image(name, spec, { state: 'Ready', digest: digestOf('a') }),
      metadata: { name, generation: 2 },
    });

    expect(plan({ image: stale }).action).toEqual({ kind: 'keep' });
  });

  it('needs no kernels without a moduleLoader', () => {
    const moduleSpec = { selector: {}, devicePlugin: { container: { image: 'registry.test/plugin:1' } } };
    const planned = plan({ mcm: mcmInput(mcmObject({ moduleSpec })), cluster: cluster(undefined) });

    expect(planned.action.kind).toBe('apply');
  });
});

describe('what never unloads a driver', () => {
  const work = workWith({ '6.1.0-1': 'a' });

  it.each([
    [
      'an image that is made anew',
      { image: (name: string, spec: never) => image(name, spec, { state: 'Building' }) },
    ],
    [
      'an image that failed',
      { image: (name: string, spec: never) => image(name, spec, { state: 'Failed', reason: 'BuildFailed' }) },
    ],
    ['an image object that is not there yet', {}],
  ])('keeps the pin with %s', (_name, input) => {
    const planned = plan({ work, ...(input as Partial<WorkInput>) });

    expect(pins(planned)).toEqual({ '6.1.0-1': `registry.test/kmod@${digestOf('a')}` });
    expect(diffWork(planned, work)).toBeUndefined();
    expect(planned.waits).toHaveLength(1);
  });

  it.each([
    ['a claim that vanished', { cluster: cluster(undefined) }, 'ClaimMissing'],
    ['an empty claim', { cluster: cluster([]) }, 'ClaimEmpty'],
    [
      '5,000 kernels',
      { cluster: cluster(Array.from({ length: 5_000 }, (_, index) => `6.1.${index}-1`)) },
      'TooManyKernels',
    ],
    ['kernels that no mapping matches', { cluster: cluster(['5.14.0-1']) }, 'KernelNotMapped'],
    ['a kernel of two components', { cluster: cluster(['6.1']) }, 'KernelInvalid'],
    ['an invalid module', { mcm: mcmInput(mcmObject({ selector: 7 })) }, 'FieldInvalid'],
  ])('leaves the work as it is with %s', (_name, input, reason) => {
    const planned = plan({ work, ...input });

    expect(planned.action).toEqual({ kind: 'keep' });
    expect(planned.waits[0]).toMatchObject({ state: 'Waiting', reason });
  });

  it('tells the last lines of a failed build', () => {
    const failed: WorkInput['image'] = (name, spec) =>
      image(name, spec, {
        state: 'Failed',
        reason: 'BuildFailed',
        message: 'The build failed.',
        log: 'one\ntwo\nthree\nfour\n',
      });
    const [wait] = plan({ work, image: failed }).waits;

    expect(wait).toMatchObject({ state: 'Degraded', reason: 'BuildFailed', kernel: '6.1.0-1' });
    expect(wait?.message).toContain('two | three | four');
    expect(wait?.message).toContain('keeps the image it has');
  });
});

describe('a Module that is on a cluster stays in its namespace', () => {
  const work = workWith({ '6.1.0-1': 'a' });
  const moved = (namespace = 'kmm-typo') => ({ mcm: mcmInput(mcmObject({ spokeNamespace: namespace })) });
  const namespaceOf = ({ action }: WorkPlan) =>
    action.kind === 'apply' ? action.work.spec.workload?.manifests?.[0]?.metadata.namespace : action.kind;
  const said = (applied: string, available: string, namespace: string, observedGeneration = 1) =>
    stored(work, {
      conditions: [{ type: 'Applied', status: applied, observedGeneration }],
      resourceStatus: {
        manifests: [
          {
            resourceMeta: { name: 'kmod', namespace },
            conditions: [{ type: 'Available', status: available }],
          },
        ],
      },
    });

  it.each<[string, ManifestWork, string, string | undefined]>([
    ['that has not told yet', work, 'openshift-kmm', 'SpokeNamespaceChanged'],
    ['that has it', said('True', 'True', 'openshift-kmm'), 'openshift-kmm', 'SpokeNamespaceChanged'],
    [
      'that has it, and could not apply the last change',
      said('False', 'True', 'openshift-kmm'),
      'openshift-kmm',
      'SpokeNamespaceChanged',
    ],
    [
      'that has not seen the last change',
      said('False', 'False', 'openshift-kmm', 0),
      'openshift-kmm',
      'SpokeNamespaceChanged',
    ],
    [
      'whose agent cannot look',
      said('False', 'Unknown', 'openshift-kmm'),
      'openshift-kmm',
      'SpokeNamespaceChanged',
    ],
    [
      'that tells of another namespace',
      said('False', 'False', 'before'),
      'openshift-kmm',
      'SpokeNamespaceChanged',
    ],
    ['that could not have it there', said('False', 'False', 'openshift-kmm'), 'kmm-typo', undefined],
    ['that has it where it is to be', said('True', 'True', 'kmm-typo'), 'kmm-typo', undefined],
  ])('on one %s', (_name, on, namespace, reason) => {
    const planned = plan({ ...moved(), work: on, image: readyImages({ '6.1.0-1': 'a' }) });

    expect(namespaceOf(planned)).toBe(namespace);
    expect(planned.waits.map((wait) => wait.reason)).toEqual(reason ? [reason] : []);
  });

  it('and has all else that changes there', () => {
    const kernels = cluster(['6.1.0-1', '6.1.0-2']);
    const image = readyImages({ '6.1.0-1': 'b', '6.1.0-2': 'c' });
    const planned = plan({ ...moved(), work, cluster: kernels, image });

    expect(planned).toMatchObject({ waits: [{ state: 'Waiting', reason: 'SpokeNamespaceChanged' }] });
    expect(planned.waits[0]?.message).toMatch(/^spec\.spokeNamespace: .*openshift-kmm.*kmm-typo.* Put /);
    expect(namespaceOf(planned)).toBe('openshift-kmm');
    expect(pins(planned)['6.1.0-2']).toBe(`registry.test/kmod@${digestOf('c')}`);
  });

  it('and says so when nothing else can be planned', () => {
    const planned = plan({ ...moved(), work, cluster: cluster(['5.14.0-1']) });

    expect(planned.action).toEqual({ kind: 'keep' });
    expect(planned.waits.map(({ reason }) => reason)).toEqual(['SpokeNamespaceChanged', 'KernelNotMapped']);
  });

  it('while one that comes new starts where it is told', () => {
    const planned = plan({ ...moved(), image: readyImages({ '6.1.0-1': 'a' }) });

    expect(namespaceOf(planned)).toBe('kmm-typo');
    expect(planned.waits).toEqual([]);
  });

  it('with one that only has a device plugin too', () => {
    const moduleSpec = { selector: {}, devicePlugin: { container: { image: 'registry.test/plugin:1' } } };
    const planned = plan({ mcm: mcmInput(mcmObject({ moduleSpec, spokeNamespace: 'kmm-typo' })), work });

    expect(namespaceOf(planned)).toBe('openshift-kmm');
    expect(planned.waits).toMatchObject([{ reason: 'SpokeNamespaceChanged' }]);
  });
});

it.each([
  ['the module is gone', { mcm: undefined }],
  ['the cluster is gone', { cluster: undefined }],
  ['the label is gone', { isSelected: false }],
])('deletes the work when %s', (_name, input) => {
  const work = workWith({ '6.1.0-1': 'a' });
  const planned = plan({ ...input, work });

  expect(diffWork(planned, work)).toEqual({ kind: 'delete' });
  expect(diffWork(planned, undefined)).toBeUndefined();
});

it('never plans an empty list of mappings or a tag, and applying a plan leaves nothing to do', () => {
  const kernels = fc.uniqueArray(fc.constantFrom('6.1.0-1', '6.1.0-2', '6.1.0-3', '5.14.0-1', '6.1'), {
    maxLength: 5,
  });
  const letters = fc.dictionary(
    fc.constantFrom('6.1.0-1', '6.1.0-2', '6.1.0-3'),
    fc.constantFrom('a', 'b', 'c'),
  );
  fc.assert(
    fc.property(kernels, letters, letters, (claimed, before, now) => {
      const work = Object.keys(before).length > 0 ? workWith(before) : undefined;
      const input = { cluster: cluster(claimed), image: readyImages(now), work };
      const planned = plan(input);
      const after = planned.action.kind === 'apply' ? stored(planned.action.work) : work;

      for (const pin of Object.values(pins(planned)))
        expect(pin).toMatch(/^registry\.test\/kmod@sha256:[0-9a-f]{64}$/);
      if (planned.action.kind === 'apply') expect(Object.keys(pins(planned)).length).toBeGreaterThan(0);
      // A kernel that is claimed, mapped and pinned stays pinned.
      const kept = claimed.filter((kernel) => kernel.startsWith('6.1.0') && before[kernel]);
      if (kept.length > 0) for (const kernel of kept) expect(pins(planned)[kernel]).toBeDefined();
      expect(diffWork(plan({ ...input, work: after }), after)).toBeUndefined();
    }),
  );
});

it('does not depend on the order of the claims', () => {
  const letters = { '6.1.0-1': 'a', '6.1.0-2': 'b' };
  const one = plan({ cluster: cluster(['6.1.0-1', '6.1.0-2']), image: readyImages(letters) });
  const two = plan({ cluster: cluster(['6.1.0-2', '6.1.0-1']), image: readyImages(letters) });

  expect(JSON.stringify(one)).toBe(JSON.stringify(two));
});
