import { expect, it } from 'vitest';
import type { AuditLine } from './audit.ts';
import { sentBeforeReady } from './image-first.ts';

const at = (second: number, resource: string, verb = 'patch', more: object = {}): AuditLine => ({
  verb,
  user: { username: 'hub' },
  requestReceivedTimestamp: `2026-01-01T00:00:0${second}.000000Z`,
  objectRef: { resource },
  ...more,
});
const says = (second: number, status: object) =>
  at(second, 'moduleimages', 'patch', {
    objectRef: { resource: 'moduleimages', subresource: 'status' },
    requestObject: { status },
  });
const work = (second: number) => at(second, 'manifestworks');
const ready = says(5, { state: 'Ready', digest: 'sha256:new' });

it.each([
  ['none that come after it', [ready, work(6), work(7)], 0],
  ['each that comes before, wherever in the log it stands', [ready, work(4), work(6), work(3)], 2],
  [
    'one before, although another image was Ready',
    [says(1, { state: 'Ready', digest: 'sha256:old' }), work(2), ready],
    1,
  ],
  [
    'one before, although the digest was known',
    [says(1, { state: 'Wanted', digest: 'sha256:new' }), work(2), ready],
    1,
  ],
  ['no reads and nothing else', [at(1, 'manifestworks', 'list'), at(2, 'secrets', 'create'), ready], 0],
])('counts works that were sent before their image was Ready: %s', (_name, requests, early) => {
  expect(sentBeforeReady(requests, 'sha256:new')).toBe(early);
});

it('does not call a run good in which nobody said that the image is Ready', () => {
  expect(() => sentBeforeReady([work(1)], 'sha256:new')).toThrow('sha256:new');
});
