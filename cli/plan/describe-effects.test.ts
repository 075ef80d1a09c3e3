import { expect, it } from 'vitest';
import { describeEffects } from './describe-effects.ts';
import type { Effect } from './plan-effects.ts';

const linesOf = (...perCluster: readonly (readonly Effect[])[]) =>
  describeEffects(
    perCluster.map((effects, index) => ({ cluster: `c${index}`, action: 'update', effects, kernels: [] })),
  );
const selector = { kind: 'unload', field: 'spec.moduleSpec.selector' } as const;
const image = { kind: 'reload', field: 'image' } as const;

it.each<[string, readonly (readonly Effect[])[], string]>([
  [
    'sums nodes over clusters',
    [[{ ...selector, nodes: 1 }], [{ ...selector, nodes: 3 }]],
    '4 nodes of 2 clusters',
  ],
  ['counts one as one', [[{ ...selector, nodes: 1 }]], '1 node of 1 cluster'],
  [
    'says that there may be more where clusters have not reported',
    [[{ ...selector, nodes: 1 }], [selector]],
    'at least 1 node of 2 clusters; 1 has not reported',
  ],
  ['claims no number where none has', [[selector], [selector]], 'an unknown number of nodes of 2 clusters'],
])('%s', (_name, perCluster, loaded) => {
  expect(linesOf(...perCluster).map(({ sentence }) => sentence)).toEqual([
    `spec.moduleSpec.selector changes: the module leaves the nodes that no longer match (now loaded on ${loaded}).`,
  ]);
});

it('tells what is lost before what is loaded again, a line for each field', () => {
  const left = { kind: 'unload', field: 'spec.selector', nodes: 2 } as const;

  expect(linesOf([{ ...image, nodes: 1 }], [left], [left])).toEqual([
    {
      word: 'unloads',
      isLoss: true,
      sentence:
        'spec.selector matches 2 clusters no longer: the module leaves every node there (now loaded on 4 nodes of 2 clusters).',
    },
    {
      word: 'reloads',
      isLoss: false,
      sentence:
        'Another image is pinned: each node unloads the module and loads it again (now loaded on 1 node of 1 cluster).',
    },
  ]);
});
