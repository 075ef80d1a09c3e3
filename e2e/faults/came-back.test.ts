import type { AuditedRequest } from '@kmm-fleet/policies';
import { expect, it } from 'vitest';
import { cameBack } from './came-back.ts';
import type { Round } from './tell-round.ts';

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const round = { name: 'round-1', ended: at(40) } as Round;
const made = (second: number, resource: string, name: string, code = 201): AuditedRequest => ({
  verb: 'patch',
  user: { username: 'somebody' },
  objectRef: { resource, name },
  requestReceivedTimestamp: at(second),
  responseStatus: { code },
});

it.each<[string, Round, AuditedRequest[], number]>([
  ['nothing', round, [], 0],
  ['a DaemonSet made before the end', round, [made(39, 'daemonsets', 'round-1-abc')], 0],
  ['a DaemonSet made after it', round, [made(41, 'daemonsets', 'round-1-abc')], 1],
  ['one that was there and was only changed', round, [made(41, 'daemonsets', 'round-1-abc', 200)], 0],
  [
    'one whose Module was made anew',
    round,
    [made(41, 'modules', 'round-1'), made(42, 'daemonsets', 'round-1-abc')],
    0,
  ],
  [
    'one of a round that failed',
    { ...round, ended: undefined } as never,
    [made(41, 'daemonsets', 'round-1-a')],
    0,
  ],
])('%s', (_what, one, requests, count) => {
  expect(cameBack(one, 'east', requests)).toHaveLength(count);
});
