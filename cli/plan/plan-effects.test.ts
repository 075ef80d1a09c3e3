import { describe, expect, it } from 'vitest';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import {
  type FleetOptions,
  fleetOf,
  imagesFor,
  managedCluster,
  ready,
  reported,
  worksFor,
} from '../testing/fixtures.ts';
import { planClusters } from './plan-clusters.ts';
import { loses } from './plan-effects.ts';

const [KERNEL, OTHER] = ['6.1.0-1', '6.1.0-2'];
const east = managedCluster('east', [KERNEL, OTHER]);
const ON_FIVE = {
  'moduleLoader.nodesMatchingSelectorNumber': 5,
  'moduleLoader.desiredNumber': 5,
  'moduleLoader.availableNumber': 5,
};
const pinned = { [KERNEL]: ready('a'), [OTHER]: ready('a') };

type Spec = {
  selector?: unknown;
  moduleLoader?: { container: Record<string, unknown> & { kernelMappings: Record<string, unknown>[] } };
  tolerations?: unknown;
  devicePlugin?: unknown;
};

/** The module of the fixtures after an edit of its moduleSpec. */
function edited(edit: (spec: Required<Spec>) => void) {
  const mcm = structuredClone(mcmObject());
  edit((mcm['spec'] as { moduleSpec: Required<Spec> }).moduleSpec);
  return mcm;
}

/** What an edit does to the nodes of a cluster that has the module, by what its agent reports. */
function effectsOf(
  after: ReturnType<typeof mcmObject>,
  before = mcmObject(),
  numbers: Record<string, number> = ON_FIVE,
  rest: Partial<FleetOptions> = {},
) {
  const works = worksFor(before, [east], pinned, reported(numbers));
  const images = imagesFor(after, [east], pinned);
  const [plan] = planClusters(after, fleetOf({ clusters: [east], works, images, ...rest }));
  return plan?.effects;
}

const container = (spec: Required<Spec>) => spec.moduleLoader?.container ?? { kernelMappings: [] };
const modprobe = (change: object) =>
  edited((spec) => {
    container(spec)['modprobe'] = { moduleName: 'kmod', ...change };
  });

describe('nodes that have the module lose it', () => {
  it.each([
    ['another value in the selector', { accelerator: 'yse' }],
    ['a further label in the selector', { accelerator: 'yes', zone: 'a' }],
  ])('by %s', (_name, selector) => {
    expect(effectsOf(edited((spec) => Object.assign(spec, { selector })))).toEqual([
      { kind: 'unload', field: 'spec.moduleSpec.selector', nodes: 5 },
    ]);
  });

  it('by a moduleLoader that is taken away', () => {
    const plugin = { container: { image: 'registry.test/plugin:1' } };
    const without = edited((spec) => {
      delete (spec as Spec).moduleLoader;
      spec.devicePlugin = plugin;
    });

    expect(effectsOf(without)).toEqual([{ kind: 'unload', field: 'spec.moduleSpec.moduleLoader', nodes: 5 }]);
  });

  it('by a cluster that spec.selector leaves', () => {
    expect(effectsOf(mcmObject({ selector: { site: 'none' } }))).toEqual([
      { kind: 'unload', field: 'spec.selector', nodes: 5 },
    ]);
  });

  it('by mappings that leave a kernel while another keeps its own', () => {
    const narrower = edited((spec) => {
      Object.assign(container(spec).kernelMappings[0] ?? {}, { regexp: '^6\\.1\\.0-1$' });
    });

    expect(effectsOf(narrower)).toEqual([
      { kind: 'unload', field: 'spec.moduleSpec.moduleLoader.container.kernelMappings', nodes: 5 },
    ]);
  });

  it('not by mappings that match none of its kernels: the work stays', () => {
    const none = edited((spec) => {
      Object.assign(container(spec).kernelMappings[0] ?? {}, { regexp: '^7' });
    });

    expect(effectsOf(none)).toEqual([]);
  });
});

it('another moduleName takes the place of what is loaded', () => {
  expect(effectsOf(modprobe({ moduleName: 'other' }))).toEqual([
    {
      kind: 'replace',
      field: 'spec.moduleSpec.moduleLoader.container.modprobe.moduleName',
      nodes: 5,
    },
  ]);
});

describe('nodes unload the module and load it again', () => {
  it.each([
    ['parameters', modprobe({ parameters: ['debug=1'] }), 'moduleLoader.container.modprobe'],
    ['args', modprobe({ args: { load: ['-f'] } }), 'moduleLoader.container.modprobe'],
    ['a wider selector', edited((spec) => Object.assign(spec, { selector: {} })), 'selector'],
    [
      'tolerations',
      edited((spec) => Object.assign(spec, { tolerations: [{ operator: 'Exists' }] })),
      'tolerations',
    ],
    [
      'a module to remove first',
      edited((spec) => Object.assign(container(spec), { inTreeModulesToRemove: ['old'] })),
      'moduleLoader.container.inTreeModulesToRemove',
    ],
  ])('for %s', (_name, after, field) => {
    expect(effectsOf(after)).toEqual([{ kind: 'reload', field: `spec.moduleSpec.${field}`, nodes: 5 }]);
  });

  it('for another image, however it came', () => {
    const images = imagesFor(mcmObject(), [east], { [KERNEL]: ready('b'), [OTHER]: ready('a') });

    expect(effectsOf(mcmObject(), mcmObject(), ON_FIVE, { images })).toEqual([
      { kind: 'reload', field: 'image', nodes: 5 },
    ]);
  });
});

describe('nothing happens on a node', () => {
  const typo = edited((spec) => Object.assign(spec, { selector: { accelerator: 'yse' } }));

  it.each<[string, ReturnType<typeof mcmObject>, ReturnType<typeof mcmObject>, Record<string, number>]>([
    ['where nothing changes', mcmObject(), mcmObject(), ON_FIVE],
    [
      'where no node is selected',
      typo,
      mcmObject(),
      { 'moduleLoader.desiredNumber': 0, 'moduleLoader.availableNumber': 0 },
    ],
    [
      'that runs an older version until it is told',
      edited((spec) => Object.assign(container(spec), { version: '2', modprobe: { moduleName: 'other' } })),
      edited((spec) => Object.assign(container(spec), { version: '1' })),
      ON_FIVE,
    ],
  ])('%s', (_name, after, before, numbers) => {
    expect(effectsOf(after, before, numbers)).toEqual([]);
  });

  it('where there is no work yet, or it is on its way out', () => {
    const leaving = worksFor(mcmObject(), [east], pinned, reported(ON_FIVE)).map((work) => ({
      ...work,
      metadata: { ...work.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));

    expect(effectsOf(mcmObject(), mcmObject(), ON_FIVE, { works: [] })).toEqual([]);
    expect(effectsOf(typo, mcmObject(), ON_FIVE, { works: leaving })).toEqual([]);
  });
});

it('a cluster that has not reported may have the module on any number of nodes', () => {
  const typo = edited((spec) => Object.assign(spec, { selector: { accelerator: 'yse' } }));

  expect(effectsOf(typo, mcmObject(), {})).toEqual([{ kind: 'unload', field: 'spec.moduleSpec.selector' }]);
});

it('what leaves nodes or is replaced there is a loss; what is loaded again is none', () => {
  expect(
    (['unload', 'replace', 'reload'] as const).map((kind) => loses({ kind, field: 'image', nodes: 1 })),
  ).toEqual([true, true, false]);
});
