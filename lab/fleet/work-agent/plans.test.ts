import type { KubeObject } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configMap } from '../testing/works.ts';
import { identity, sortResources, untrackedResources } from './diff-applied.ts';
import { diffManifest, mergeOwners } from './diff-manifest.ts';
import { readFeedback } from './feedback-status.ts';
import { kindRank } from './kind-rank.ts';
import { manifestConfig } from './manifest-config.ts';
import { planWork } from './plan-work.ts';
import { restMapping } from './rest-mapping.ts';
import type { AppliedResource, Work } from './work-view.ts';

const owner = { apiVersion: 'v1', kind: 'AppliedManifestWork', name: 'o', uid: 'mine' };
const meta = {
  ordinal: 0,
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  name: 'a',
  namespace: 'default',
};
const makeWork = (spec: object): Work =>
  ({ apiVersion: 'v1', kind: 'ManifestWork', metadata: { name: 'w' }, spec }) as unknown as Work;

const anyMap = fc.dictionary(fc.stringMatching(/^[a-c]{1,2}$/), fc.stringMatching(/^[a-z]{0,3}$/));
const anyObject = fc
  .record({ data: anyMap, labels: anyMap, annotations: anyMap })
  .map(({ data, ...rest }): KubeObject => configMap('a', data, rest));

describe('strategy Update', () => {
  it('writes what is wanted, keeps foreign labels, and then has nothing left to write', () => {
    fc.assert(
      fc.property(anyObject, anyObject, (manifest, live) => {
        const next = diffManifest(manifest, live, [owner]);
        expect(next?.['data']).toEqual(manifest['data']);
        expect(next?.metadata.labels).toEqual({ ...live.metadata.labels, ...manifest.metadata.labels });
        expect(diffManifest(manifest, next ?? live, [owner])).toBeUndefined();
      }),
    );
  });

  it('takes a label away whose key ends in a dash, and keeps finalizers', () => {
    const live = configMap('a', {}, { labels: { old: '1', kept: '1' }, finalizers: ['f'] });
    const next = diffManifest(configMap('a', {}, { labels: { 'old-': '' } }), live, []);
    expect(next?.metadata).toMatchObject({ labels: { kept: '1' }, finalizers: ['f'] });
  });

  it('joins owners once, and leaves them under Orphan', () => {
    const other = { ...owner, uid: 'theirs' };
    expect(mergeOwners([other], owner, false)).toEqual([other, owner]);
    expect(mergeOwners([other, owner], owner, false)).toEqual([other, owner]);
    expect(mergeOwners([other, owner], owner, true)).toEqual([other]);
  });
});

describe('options of a manifest', () => {
  const config = (...manifestConfigs: object[]) => manifestConfig(makeWork({ manifestConfigs }), meta);
  const entry = (identifier: object, rest: object = {}) => ({
    resourceIdentifier: { resource: 'configmaps', namespace: 'default', name: 'a', ...identifier },
    ...rest,
  });
  const create = { updateStrategy: { type: 'CreateOnly' } };

  it('come facet by facet from the first entry that has it, the scrape type from the last', () => {
    const feedbackRules = [{ type: 'WellKnownStatus' }];
    const merged = config(
      entry({}, { feedbackScrapeType: 'Poll' }),
      entry({ name: '*' }, { feedbackRules, feedbackScrapeType: 'Watch' }),
      entry({}, create),
      entry({}, { updateStrategy: { type: 'Update' } }),
    );
    expect(merged).toMatchObject({ feedbackRules, isWatched: true, strategy: 'CreateOnly' });
  });

  it.each([
    { identifier: {}, matches: true },
    { identifier: { name: '*' }, matches: true },
    { identifier: { namespace: 'def*lt' }, matches: true },
    { identifier: { name: 'b' }, matches: false },
    { identifier: { name: 'a*b' }, matches: false },
    { identifier: { group: 'apps' }, matches: false },
    { identifier: { namespace: '' }, matches: false },
  ])('for $identifier: $matches', ({ identifier, matches }) => {
    expect(config(entry(identifier, create)).strategy).toBe(matches ? 'CreateOnly' : 'Update');
  });

  it('match any name that a wildcard was cut out of', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{0,4}$/), { minLength: 2, maxLength: 4 }), (parts) => {
        const named = { ...meta, name: parts.join('x') };
        const work = makeWork({ manifestConfigs: [entry({ name: parts.join('*') }, create)] });
        expect(manifestConfig(work, named).strategy).toBe('CreateOnly');
      }),
    );
  });
});

describe('resources that a work applied', () => {
  const anyResource = fc.record({
    group: fc.constantFrom('', 'apps'),
    version: fc.constantFrom('v1', 'v2'),
    resource: fc.constantFrom('as', 'bs'),
    name: fc.constantFrom('x', 'y'),
    namespace: fc.constantFrom('', 'n'),
    uid: fc.constantFrom('1', '2'),
  });
  const anyList = fc.array<AppliedResource>(anyResource, { maxLength: 8 });

  it('are each either named still or to be removed, whatever their version', () => {
    fc.assert(
      fc.property(anyList, anyList, (before, now) => {
        const gone = untrackedResources(before, now).map(identity);
        const kept = new Set(now.map(identity));
        for (const resource of before)
          expect(gone.includes(identity(resource))).toBe(!kept.has(identity(resource)));
      }),
    );
  });

  it('are listed once each, in one order', () => {
    fc.assert(
      fc.property(anyList, (list) => {
        const names = sortResources(list).map(identity);
        expect(names).toEqual([...new Set(list.map(identity))].sort());
      }),
    );
  });
});

it('plans manifests by rank, then as they stand in the work', () => {
  const kinds = ['Module', 'DaemonSet', 'ConfigMap', 'Namespace', 'ConfigMap'];
  const manifests = kinds.map((kind, index) => ({ apiVersion: 'v1', kind, metadata: { name: `n${index}` } }));
  const plan = planWork(makeWork({ workload: { manifests } }), restMapping([]));
  expect(plan.map((step) => step.meta.ordinal)).toEqual([3, 2, 4, 1, 0]);
  expect(kindRank('Namespace')).toBeLessThan(kindRank('Module'));
});

describe('feedback', () => {
  const job: KubeObject = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j' },
    status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }], ratio: 0.5, done: false },
  };
  const jsonPath = (path: string) =>
    readFeedback(job, [{ type: 'JSONPaths', jsonPaths: [{ name: 'v', path }] }]);

  it('knows what to ask of built-in kinds, and says of which it does not', () => {
    expect(readFeedback(job, [{ type: 'WellKnownStatus' }])).toEqual({
      values: [
        { name: 'JobComplete', fieldValue: { type: 'String', string: 'True' } },
        { name: 'JobSucceeded', fieldValue: { type: 'Integer', integer: 1 } },
      ],
      errors: [],
    });
    const { errors } = readFeedback(configMap('a'), [{ type: 'WellKnownStatus' }]);
    expect(errors).toEqual(['cannot find the wellknown statuses for resource with gvk v1, Kind=ConfigMap']);
  });

  it.each([
    { path: '.status.succeeded', values: [{ type: 'Integer', integer: 1 }], errors: 0 },
    { path: '.status.done', values: [{ type: 'Boolean', boolean: false }], errors: 0 },
    { path: '.status.conditions[*].type', values: [{ type: 'String', string: 'Complete' }], errors: 0 },
    {
      path: '.status.conditions[?(@.type=="Complete")].status',
      values: [{ type: 'String', string: 'True' }],
      errors: 0,
    },
    { path: '.status.none.deeper', values: [], errors: 0 },
    { path: '.status.ratio', values: [], errors: 1 },
    { path: '.status.conditions', values: [], errors: 1 },
    { path: '.status[', values: [], errors: 1 },
  ])('$path', ({ path, values, errors }) => {
    const feedback = jsonPath(path);
    expect(feedback.values.map(({ fieldValue }) => fieldValue)).toEqual(values);
    expect(feedback.errors).toHaveLength(errors);
  });
});
