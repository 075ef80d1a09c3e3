import type { ManifestWork } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import { cluster, mcmInput, readyImages, stored } from '../testing/fixtures.ts';
import { itemStatus } from './item-status.ts';
import { createKernelImages } from './kernel-images.ts';
import { planWork, type Wait } from './plan-work.ts';

const plan = planWork({
  mcm: mcmInput(),
  cluster: cluster(['6.1.0-1']),
  isSelected: true,
  kernelImages: createKernelImages('ns'),
  image: readyImages({ '6.1.0-1': 'a' }),
  work: undefined,
});

const applied = {
  type: 'Applied',
  status: 'True',
  reason: 'AppliedManifestWorkComplete',
  observedGeneration: 1,
};
const feedback = (numbers: Record<string, number>, words: Record<string, string> = {}) => ({
  manifests: [
    {
      resourceMeta: {},
      statusFeedback: {
        values: [
          ...Object.entries(numbers).map(([name, integer]) => ({
            name,
            fieldValue: { type: 'Integer', integer },
          })),
          ...Object.entries(words).map(([name, string]) => ({
            name,
            fieldValue: { type: 'String', string },
          })),
        ],
      },
    },
  ],
});

function work(status: ManifestWork['status']): ManifestWork {
  if (plan.action.kind !== 'apply') throw new RangeError('the plan must apply');
  return stored(plan.action.work, status);
}

it.each([
  ['nobody applied it yet', {}, 'Progressing', 'WaitingForAgent'],
  [
    'an older generation was applied',
    { conditions: [{ ...applied, observedGeneration: 0 }] },
    'Progressing',
    'WaitingForAgent',
  ],
  [
    'the agent cannot apply it',
    { conditions: [{ ...applied, status: 'False', message: 'no rights' }] },
    'Degraded',
    'WorkNotApplied',
  ],
  ['nothing was reported', { conditions: [applied] }, 'Progressing', 'WaitingForStatus'],
  [
    'the cluster says why nodes fail',
    {
      conditions: [applied],
      resourceStatus: feedback(
        { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 1 },
        {
          'degraded.status': 'True',
          'degraded.reason': 'PostStartHookError',
          'degraded.message': 'Node n: modprobe: FATAL: Module kmod not found.',
        },
      ),
    },
    'Degraded',
    'PostStartHookError',
  ],
  [
    'the cluster says that nothing failed',
    {
      conditions: [applied],
      resourceStatus: feedback(
        { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 2 },
        {
          'degraded.status': 'False',
          'degraded.reason': 'NoFailure',
          'degraded.message': 'Nothing has failed.',
        },
      ),
    },
    'Ready',
    'Loaded',
  ],
  [
    'half of the nodes are ready',
    {
      conditions: [applied],
      resourceStatus: feedback({ 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 1 }),
    },
    'Progressing',
    'NodesLoading',
  ],
  [
    'no node is ready, and zero is left out',
    { conditions: [applied], resourceStatus: feedback({ 'moduleLoader.desiredNumber': 2 }) },
    'Progressing',
    'NodesLoading',
  ],
  [
    'the plugin is missing',
    {
      conditions: [applied],
      resourceStatus: feedback({
        'moduleLoader.desiredNumber': 1,
        'moduleLoader.availableNumber': 1,
        'devicePlugin.desiredNumber': 1,
      }),
    },
    'Progressing',
    'DevicePluginStarting',
  ],
  [
    'all is there',
    {
      conditions: [applied],
      resourceStatus: feedback({ 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 2 }),
    },
    'Ready',
    'Loaded',
  ],
  [
    'its selector matches no node',
    {
      conditions: [applied],
      resourceStatus: feedback({
        'moduleLoader.nodesMatchingSelectorNumber': 0,
        'moduleLoader.desiredNumber': 0,
        'moduleLoader.availableNumber': 0,
      }),
    },
    'Ready',
    'NoNodeSelected',
  ],
])('tells when %s', (_name, status, state, reason) => {
  expect(itemStatus(plan, work(status as ManifestWork['status']))).toMatchObject({ state, reason });
});

describe('a kernel that the Module of a cluster does not name is no failure there, for the hub writes its mappings', () => {
  const counts = {
    'moduleLoader.nodesMatchingSelectorNumber': 2,
    'moduleLoader.desiredNumber': 1,
    'moduleLoader.availableNumber': 1,
  };
  const on = work({
    conditions: [applied],
    resourceStatus: feedback(counts, {
      'degraded.status': 'True',
      'degraded.reason': 'KernelNotMapped',
      'degraded.message':
        'spec.moduleLoader.container.kernelMappings: No kernel mapping matches kernel 5.14.0-1.',
    }),
  });

  it.each<[string, readonly Wait[], string, string]>([
    ['that its cluster has not claimed yet', [], 'Progressing', 'NodesLoading'],
    [
      'whose image is built',
      [{ kernel: '5.14.0-1', state: 'Progressing', reason: 'ImageBuilding', message: '' }],
      'Progressing',
      'ImageBuilding',
    ],
    [
      'of a module that is invalid',
      [{ state: 'Waiting', reason: 'RegexpInvalid', message: '' }],
      'Waiting',
      'RegexpInvalid',
    ],
  ])('%s', (_name, waits, state, reason) => {
    expect(itemStatus({ ...plan, waits }, on)).toMatchObject({ state, reason });
  });

  it('and whoever waits for it is counted', () => {
    expect(itemStatus(plan, on)?.message).toBe('1 of 2 nodes have the module.');
  });
});

describe('what the agent cannot apply', () => {
  const refused = { ...applied, status: 'False', message: 'Failed to apply manifest work' };
  const because = (message: string) => {
    const conditions = [{ type: 'Applied', status: 'False', message }];
    const resourceStatus = { manifests: [{ resourceMeta: {}, conditions }] };
    return itemStatus(plan, work({ conditions: [refused], resourceStatus } as ManifestWork['status']))
      ?.message;
  };

  it('for want of a namespace names the field, and what makes it', () => {
    expect(because('Failed to apply manifest: namespaces "openshift-kmm" not found')).toBe(
      'spec.spokeNamespace: namespace openshift-kmm is not on east. Create it there: kmm install privileges openshift-kmm | kubectl --context east apply --server-side -f -',
    );
  });

  it.each([
    'Failed to apply manifest: modules is forbidden',
    'Failed to apply manifest: namespaces "other" not found',
  ])('otherwise is told in its words: %s', (words) => {
    expect(because(words)).toBe(`The cluster cannot apply the Module: ${words}`);
  });
});

it('names fields of the Module as the object on the hub has them', () => {
  const words = {
    'degraded.status': 'True',
    'degraded.reason': 'VersionToggled',
    'degraded.message': 'spec.moduleLoader.container.version: The version cannot be added. Undo the edit.',
  };
  const told = itemStatus(plan, work({ conditions: [applied], resourceStatus: feedback({}, words) }));

  expect(told?.message).toBe(
    'spec.moduleSpec.moduleLoader.container.version: The version cannot be added. Undo the edit.',
  );
});

it('is Deleting while a work waits for its cluster, and nothing afterwards', () => {
  const gone = planWork({
    mcm: undefined,
    cluster: undefined,
    isSelected: false,
    kernelImages: createKernelImages('ns'),
    image: () => undefined,
    work: undefined,
  });

  expect(itemStatus(gone, work({}))).toMatchObject({ state: 'Deleting', reason: 'WaitingForSpoke' });
  expect(itemStatus(gone, undefined)).toBeUndefined();
});
