import type { AuditedRequest } from '@kmm-fleet/policies';
import { describe, expect, it } from 'vitest';
import { auditViolations, unseen, WRITES_MAX, worksWritten } from './audit-violations.ts';
import type { Round } from './tell-round.ts';

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const round: Round = {
  name: 'round-1',
  began: at(10),
  westLeft: at(20),
  deleted: at(30),
  ended: at(40),
  digests: [DIGEST],
};

const request = (second: number, verb: string, resource: string, rest: object = {}): AuditedRequest => ({
  verb,
  user: { username: 'somebody' },
  userAgent: 'kmm-hub',
  objectRef: { resource, name: 'round-1-loader' },
  requestReceivedTimestamp: at(second),
  ...rest,
});
const write = (name: string, body: object) =>
  request(15, 'patch', 'manifestworks', {
    objectRef: { resource: 'manifestworks', name },
    requestObject: body,
  });
const workOf = (container: object, name = 'round-1') =>
  write(name, {
    spec: { workload: { manifests: [{ kind: 'Module', spec: { moduleLoader: { container } } }] } },
  });
const work = (image: string, extra: object = {}, name = 'round-1') =>
  workOf({ kernelMappings: [{ literal: 'k', containerImage: image, ...extra }] }, name);
const unship = (second: number, namespace: string, ref: object = {}, userAgent = 'kmm-hub') =>
  request(second, 'delete', 'manifestworks', {
    objectRef: { resource: 'manifestworks', name: 'round-1', namespace, ...ref },
    userAgent,
  });
const daemonSet = (second: number, nodeSelector: object) =>
  request(second, 'patch', 'daemonsets', {
    requestObject: { spec: { template: { spec: { nodeSelector } } } },
  });
const times = (count: number, one: AuditedRequest) => Array.from({ length: count }, () => one);
const named = (name: string) =>
  request(12, 'patch', 'modules', { userAgent: 'kmm', objectRef: { resource: 'modules', name } });
/** To an object each. */
const manyOf = (round: string) =>
  Array.from({ length: WRITES_MAX.mean }, (_, index) => named(`${round}-${index}`));
const nameless = (resource: string) => request(35, 'deletecollection', resource, { objectRef: { resource } });
const NONE: Record<'hub' | 'east' | 'west', AuditedRequest[]> = { hub: [], east: [], west: [] };

describe('what must never happen', () => {
  it.each<[string, Partial<typeof NONE>, string | undefined]>([
    ['nothing', {}, undefined],
    ['a pinned work', { hub: [work(`r/i@${DIGEST}`)] }, undefined],
    ['a tag is shipped', { hub: [work('r/i:v1')] }, 'ships r/i:v1'],
    [
      'a digest of another image is shipped',
      { hub: [work(`r/i@sha256:${'b'.repeat(64)}`)] },
      'no signed image',
    ],
    ['a build is shipped', { hub: [work(`r/i@${DIGEST}`, { build: {} })] }, 'tells a spoke to build'],
    ['a work of another round', { hub: [work('r/i:v1', {}, 'round-11')] }, undefined],
    ['west is unloaded after it left', { west: [request(25, 'delete', 'modules')] }, undefined],
    ['west is unloaded before', { west: [request(19, 'delete', 'modules')] }, 'of west was deleted'],
    ['east is unloaded with west', { east: [request(25, 'delete', 'daemonsets')] }, 'of east was deleted'],
    ['east is unloaded at the end', { east: [request(31, 'delete', 'daemonsets')] }, undefined],
    ['the work of west is deleted after it left', { hub: [unship(21, 'west')] }, undefined],
    ['the work of west is deleted before', { hub: [unship(19, 'west')] }, 'its work of west was deleted'],
    [
      'the work of east is deleted with that of west',
      { hub: [unship(21, 'east')] },
      'its work of east was deleted',
    ],
    ['the work of east is deleted at the end', { hub: [unship(31, 'east')] }, undefined],
    ['the work of another round is deleted', { hub: [unship(11, 'east', { name: 'round-11' })] }, undefined],
    [
      'the work of east is deleted by a garbage collector',
      { hub: [unship(11, 'east', {}, 'kube-controller-manager')] },
      'its work of east was deleted',
    ],
    [
      'all works of a cluster are deleted at once',
      { hub: [nameless('manifestworks')] },
      'all manifestworks of hub were deleted',
    ],
    ['all modules are deleted at once', { east: [nameless('modules')] }, 'all modules of east were deleted'],
    ['all loaders are deleted at once', { west: [nameless('pods')] }, 'all pods of west were deleted'],
    [
      'a kubelet removes a pod',
      { east: [request(15, 'delete', 'pods', { userAgent: 'kubelet/v1' })] },
      undefined,
    ],
    [
      'our operator deletes a loader',
      { east: [request(15, 'delete', 'pods', { userAgent: 'kmm' })] },
      'pods round-1-loader of east was deleted',
    ],
    ['a loader keeps its nodes', { east: [daemonSet(11, { a: '1' }), daemonSet(15, { a: '1' })] }, undefined],
    [
      'a loader is made anew after the end',
      { east: [request(45, 'patch', 'daemonsets', { userAgent: 'kmm', responseStatus: { code: 201 } })] },
      'round-1-loader of east was made at',
    ],
    [
      'a loader is taken from its nodes',
      { east: [daemonSet(11, { a: '1' }), daemonSet(15, { a: '2' })] },
      'daemonsets round-1-loader of east was taken from its nodes',
    ],
    [
      'a loader is given to all nodes',
      {
        east: [
          daemonSet(11, { a: '1' }),
          request(15, 'patch', 'daemonsets', { requestObject: { spec: { template: { spec: {} } } } }),
        ],
      },
      'daemonsets round-1-loader of east was taken from its nodes',
    ],
    [
      'a loader is told something that is not about its nodes',
      { east: [daemonSet(11, { a: '1' }), request(15, 'patch', 'daemonsets', { requestObject: {} })] },
      undefined,
    ],
    [
      'a loader is taken from its nodes at the end',
      { east: [daemonSet(11, { a: '1' }), daemonSet(31, { a: '2' })] },
      undefined,
    ],
    ['a tag for all kernels is shipped', { hub: [workOf({ containerImage: 'r/i:v1' })] }, 'ships r/i:v1'],
    [
      'kernels share a pinned image',
      { hub: [workOf({ containerImage: `r/i@${DIGEST}`, kernelMappings: [{ literal: 'k' }] })] },
      undefined,
    ],
    ['a kernel has no image', { hub: [workOf({ kernelMappings: [{ literal: 'k' }] })] }, 'ships no image'],
    [
      'a storm at one object',
      { hub: times(WRITES_MAX.object + 1, request(12, 'patch', 'moduleimages')) },
      `${WRITES_MAX.object + 1} writes of moduleimages round-1-loader on hub`,
    ],
    [
      'a storm in one round',
      { hub: manyOf('round-1'), east: manyOf('round-1'), west: manyOf('round-1') },
      `round-1: ${3 * WRITES_MAX.mean} writes of our operators`,
    ],
    ['as many in several rounds', { hub: manyOf('a'), east: manyOf('b'), west: manyOf('c') }, undefined],
    [
      'a storm beside all rounds',
      { hub: times(WRITES_MAX.mean + 1, named('another')) },
      `hub: ${WRITES_MAX.mean + 1} writes of our operator per round`,
    ],
    [
      'writes of others',
      { hub: times(1_000, request(12, 'patch', 'pods', { userAgent: 'kubectl' })) },
      undefined,
    ],
  ])('%s', (_what, logs, expected) => {
    const found = auditViolations([round], { ...NONE, ...logs });

    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(expected)]);
  });
});

describe('what must have been seen', () => {
  const unloading = (second: number) => [
    daemonSet(12, { a: '1' }),
    request(second, 'delete', 'modules'),
    request(second + 1, 'delete', 'daemonsets'),
  ];
  const shipping = [work('r/i:v1'), work('r/i:v2')];
  const ALL = {
    hub: [...shipping, unship(21, 'west'), unship(31, 'east')],
    east: unloading(31),
    west: unloading(21),
  };
  const without = (requests: AuditedRequest[], resource: string, verb: string) =>
    requests.filter((one) => one.objectRef?.resource !== resource || one.verb !== verb);

  it.each<[string, Partial<typeof NONE>, string | undefined]>([
    ['all', {}, undefined],
    ['one version', { hub: ALL.hub.slice(1) }, 'no works of two versions'],
    ['the work of west stays', { hub: [...shipping, unship(31, 'east')] }, 'its work of west'],
    [
      'the work of east went with west',
      { hub: [...shipping, unship(21, 'west'), unship(22, 'east')] },
      'its work of east',
    ],
    ['no Module of east goes', { east: without(ALL.east, 'modules', 'delete') }, 'its modules of east'],
    ['no loader of west goes', { west: without(ALL.west, 'daemonsets', 'delete') }, 'its daemonsets of west'],
    ['no nodes', { west: without(ALL.west, 'daemonsets', 'patch') }, 'for which nodes of west'],
  ])('%s', (_what, logs, expected) => {
    const found = unseen([round], { ...ALL, ...logs });

    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(expected)]);
  });

  it('is not what went too early', () => {
    expect(unseen([round], { ...ALL, east: unloading(28) })).toHaveLength(2);
  });

  it('of a cluster that was cut off while the module was deleted is the end of its work then, and the rest later', () => {
    const cut = { ...round, deleted: at(30), westLeft: at(35) };
    const hub = [...times(2, work(`r/i@${DIGEST}`)), unship(31, 'east'), unship(32, 'west')];
    const logs = { ...ALL, hub, west: unloading(36) };

    expect([...auditViolations([cut], logs), ...unseen([cut], logs)]).toEqual([]);
  });

  it('is not asked of a round that failed', () => {
    const { ended: _, ...failed } = round;
    expect(unseen([failed], NONE)).toEqual([]);
    expect(auditViolations([failed], { ...NONE, east: unloading(28) })).toHaveLength(2);
  });
});

it.each<[string, AuditedRequest[], number]>([
  ['the hub writes a work', [work('r/i:v1'), work('r/i:v2')], 2],
  ['a work agent writes its finalizer', [write('round-1', { metadata: { finalizers: ['f'] } })], 0],
  ['somebody else writes one', [{ ...work('r/i:v1'), userAgent: 'kubectl' }], 0],
  ['the hub deletes one', [request(15, 'delete', 'manifestworks', { requestObject: {} })], 0],
])('%s: is it a work written by the hub?', (_what, requests, count) => {
  expect(worksWritten(requests)).toHaveLength(count);
});
