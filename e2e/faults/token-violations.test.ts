import type { AuditedRequest } from '@kmm-fleet/policies';
import { expect, it } from 'vitest';
import type { GivenToken } from './account-tokens.ts';
import { REFUSALS_MAX, tokenViolations } from './token-violations.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const token = (id: string, given: number, ended?: number): GivenToken => ({
  id,
  given: at(given),
  ...(ended !== undefined && { ended: at(ended) }),
});
const request = (second: number, rest: Partial<AuditedRequest> = {}): AuditedRequest => ({
  verb: 'get',
  user: { username: '' },
  userAgent: 'kmm',
  requestReceivedTimestamp: at(second),
  ...rest,
});
const use = (id: string, second: number) =>
  request(second, {
    user: { username: 'kmm', extra: { 'authentication.kubernetes.io/credential-id': [id] } },
  });
const refusal = (second: number, userAgent = 'kmm') =>
  request(second, { userAgent, responseStatus: { code: 401 } });

const ROTATED = [token('a', 0), token('b', 100)];
const ENDED = [token('a', 0, 100), token('b', 110)];
const END = request(300, { userAgent: 'kubectl' });

it.each<[string, readonly GivenToken[], AuditedRequest[], string | undefined]>([
  ['a token is used', [token('a', 0)], [use('a', 1), use('a', 299)], undefined],
  ['a replaced one is used for a minute', ROTATED, [use('a', 160), use('b', 161)], undefined],
  ['a replaced one is used for longer', ROTATED, [use('a', 170)], 'used a 1 times long after the next'],
  ['a rotation is not noticed, and nothing asked', ROTATED, [use('a', 1)], undefined],
  ['an end, and the next token', ENDED, [use('a', 1), refusal(105), use('b', 111)], undefined],
  ['an end that nobody was told of', ENDED, [use('a', 1), use('b', 111)], 'never told that a had ended'],
  ['the next token is not read', ENDED, [refusal(105)], 'never used b, which came when it had none'],
  [
    'nor need it be when it ends soon',
    [...ENDED.slice(0, 1), token('b', 110, 120), token('c', 130)],
    [refusal(105), refusal(125), use('c', 131)],
    undefined,
  ],
  ['refused on the way while the next one came', ENDED, [refusal(114), use('b', 115)], undefined],
  [
    'refused long after the next one came',
    ENDED,
    [refusal(105), refusal(140), use('b', 141)],
    'refused at 2026-01-01T00:02:20.000Z',
  ],
  ['refused, and nothing had ended', ROTATED, [refusal(105)], 'no token had ended'],
  ['somebody else is refused', ROTATED, [refusal(105, 'kubectl')], undefined],
  [
    'asks on and on while refused',
    ENDED,
    [...Array.from({ length: REFUSALS_MAX + 1 }, () => refusal(105)), use('b', 111)],
    `told ${REFUSALS_MAX + 1} times`,
  ],
])('%s', (_what, given, requests, expected) => {
  const found = tokenViolations('kmm', given, [...requests, END]);

  if (expected === undefined) expect(found).toEqual([]);
  else expect(found).toEqual([expect.stringContaining(expected)]);
});
