import type { ManifestWork } from '@kmm-fleet/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cluster, mcmInput, mcmObject, readyImages, stored } from '../testing/fixtures.ts';
import { diffWork } from './diff-work.ts';
import { createKernelImages } from './kernel-images.ts';
import { planWork } from './plan-work.ts';
import { isSameWork } from './same-work.ts';

const planOn = (work?: ManifestWork, spokeNamespace = 'openshift-kmm') =>
  planWork({
    mcm: mcmInput(mcmObject({ spokeNamespace })),
    cluster: cluster(['6.1.0-1', '6.1.0-2']),
    isSelected: true,
    kernelImages: createKernelImages('ns'),
    // The second kernel has no image: it keeps what the work pins.
    image: readyImages({ '6.1.0-1': 'a' }),
    work,
  });

function plannedWork(): ManifestWork {
  const { action } = planOn();
  if (action.kind !== 'apply') throw new RangeError('the fixture must plan a work');
  return stored(action.work);
}

const told = (applied: string, available: string, namespace = 'openshift-kmm') => ({
  conditions: [{ type: 'Applied', status: applied, observedGeneration: 1 }],
  resourceStatus: {
    manifests: [
      {
        resourceMeta: { name: 'kmod', namespace },
        conditions: [{ type: 'Available', status: available }],
      },
    ],
  },
});

/** What others do to a work. */
const CHANGES: Readonly<Record<string, readonly [isSame: boolean, change: (work: ManifestWork) => void]>> = {
  nothing: [true, () => {}],
  'its version': [true, ({ metadata }) => Object.assign(metadata, { resourceVersion: '8' })],
  'its status': [true, (work) => Object.assign(work, { status: { conditions: [] } })],
  'what failed on its cluster': [true, (work) => Object.assign(work, { status: told('False', 'True') })],
  'whether its cluster has it at all': [
    false,
    (work) => Object.assign(work, { status: told('False', 'False') }),
  ],
  'where its cluster has it': [
    false,
    (work) => Object.assign(work, { status: told('True', 'True', 'other') }),
  ],
  'a label of somebody else': [true, ({ metadata }) => Object.assign(metadata.labels ?? {}, { a: 'b' })],
  'its labels': [false, ({ metadata }) => Object.assign(metadata, { labels: {} })],
  'its owner': [false, ({ metadata }) => Object.assign(metadata, { ownerReferences: [] })],
  'its deletion': [false, ({ metadata }) => Object.assign(metadata, { deletionTimestamp: 'now' })],
  'its payload': [false, ({ spec }) => Object.assign(spec, { workload: { manifests: [] } })],
  'what is reported of it': [false, ({ spec }) => Object.assign(spec, { manifestConfigs: [] })],
};

function changed(work: ManifestWork, names: readonly string[]): ManifestWork {
  const copy = structuredClone(work);
  for (const name of names) CHANGES[name]?.[1](copy);
  return copy;
}

it.each(Object.entries(CHANGES))('a change of %s leads to the same plan: %o', (name, [isSame]) => {
  expect(isSameWork(plannedWork(), changed(plannedWork(), [name]))).toBe(isSame);
});

it('a work that is new is never the same', () => {
  expect(isSameWork(undefined, plannedWork())).toBe(false);
});

it('what is the same leads to the same plan, and to no write where there was none', () => {
  const histories = fc.tuple(
    fc.subarray(Object.keys(CHANGES)),
    fc.subarray(Object.keys(CHANGES), { maxLength: 2 }),
  );
  fc.assert(
    fc.property(histories, fc.constantFrom('openshift-kmm', 'other'), ([first, then], namespace) => {
      const before = changed(plannedWork(), first);
      const after = changed(before, then);
      fc.pre(isSameWork(before, after));

      expect(planOn(after, namespace)).toEqual(planOn(before, namespace));
      if (!diffWork(planOn(before, namespace), before))
        expect(diffWork(planOn(after, namespace), after)).toBeUndefined();
    }),
  );
});
