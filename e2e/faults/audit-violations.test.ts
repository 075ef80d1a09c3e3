import type { AuditedRequest } from '@kmm-fleet/policies';
import { describe, expect, it } from 'vitest';
import { auditViolations, WRITES_PER_ROUND_MAX } from './audit-violations.ts';
import { planStrikes } from './plan-strikes.ts';
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
const work = (image: string, extra: object = {}, name = 'round-1') => {
  const container = { kernelMappings: [{ literal: 'k', containerImage: image, ...extra }] };
  const manifests = [{ kind: 'Module', spec: { moduleLoader: { container } } }];
  return request(15, 'patch', 'manifestworks', {
    objectRef: { resource: 'manifestworks', name },
    requestObject: { spec: { workload: { manifests } } },
  });
};
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
    [
      'a write storm',
      { hub: Array.from({ length: WRITES_PER_ROUND_MAX + 1 }, () => request(12, 'patch', 'moduleimages')) },
      'hub: 61 writes of our operator per round',
    ],
  ])('%s', (_what, logs, expected) => {
    const found = auditViolations([round], { ...NONE, ...logs });

    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(expected)]);
  });
});

describe('a plan of strikes', () => {
  it('is equal for equal seeds and another for others', () => {
    expect(planStrikes(7, 4, true)).toEqual(planStrikes(7, 4, true));
    expect(planStrikes(7, 4, true)).not.toEqual(planStrikes(8, 4, true));
  });

  it('kills every part and sends every fault within a hundred seeds', () => {
    const strikes = Array.from({ length: 100 }, (_, seed) => planStrikes(seed, 4, true)).flat(2);
    const kinds = new Set(
      strikes.map(({ strike }) => (strike.what === 'requests' ? strike.fault.kind : strike.what)),
    );

    expect([...kinds].sort()).toEqual([
      'answer',
      'compact',
      'cut operator',
      'cut-after',
      'cut-before',
      'delay',
      'kill etcd',
      'kill kube-apiserver',
      'kill operator',
      'kill work agent',
      'stall',
      'twice',
    ]);
  });
});
