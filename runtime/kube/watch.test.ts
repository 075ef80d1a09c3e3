import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCache } from '../cache.ts';
import { silentLog } from '../log.ts';
import { createManualClock } from '../manual-clock.ts';
import { createRandom } from '../random.ts';
import type { HttpResponse, Transport } from './client.ts';
import { createKubeClient } from './kube-client.ts';
import { CORE } from './object.ts';
import { readLines } from './read-body.ts';

type Answer = { readonly status?: number; readonly pieces: readonly (string | Uint8Array)[] };

/** A client of a server that gives these answers, one per request; `left` counts bodies that were let go of. */
function world(answers: readonly Answer[]) {
  const clock = createManualClock();
  const paths: URL[] = [];
  const rest = [...answers];
  let left = 0;
  const transport: Transport = {
    async request({ path }): Promise<HttpResponse> {
      paths.push(new URL(path, 'http://x'));
      const { status = 200, pieces } = rest.shift() ?? { status: 500, pieces: ['no more answers'] };
      const body = (async function* () {
        try {
          for (const piece of pieces) yield Buffer.from(piece);
        } finally {
          left += 1;
        }
      })();
      return { status, headers: {}, body };
    },
    async close() {},
  };
  const random = createRandom(1);
  const client = createKubeClient({ transport, clock, random, userAgent: 'test' });
  const watch = async () => {
    const events: string[] = [];
    const seen = client.watch(CORE.configMap, { resourceVersion: '5', labelSelector: 'a=b' });
    try {
      for await (const event of seen)
        events.push(
          event.type === 'BOOKMARK'
            ? `at ${event.resourceVersion}`
            : `${event.type} ${event.object.metadata.name}`,
        );
    } catch (error) {
      events.push((error as { code?: string }).code ?? String(error));
    }
    return events;
  };
  const all = async () => {
    const names: string[] = [];
    for await (const page of client.list(CORE.configMap, { namespace: 'n', fieldSelector: 'c=d' }))
      names.push(
        ...page.items.map(({ kind, metadata }) => `${kind} ${metadata.name}@${page.resourceVersion}`),
      );
    return names;
  };
  return { clock, client, random, paths, watch, all, leaks: () => paths.length - left };
}

const config = (name: string, version: number) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, resourceVersion: String(version) },
});
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const bookmark = line('BOOKMARK', { kind: 'ConfigMap', metadata: { resourceVersion: '9' } });
const page = (names: readonly string[], next?: string) => ({
  pieces: [
    JSON.stringify({
      metadata: { resourceVersion: '7', ...(next && { continue: next }) },
      items: names.map((name) => ({ metadata: { name } })),
    }),
  ],
});
const EXPIRED: Answer = { status: 410, pieces: ['{"reason":"Expired"}'] };

it('asks for changes since a version, with bookmarks, and for an end within ten minutes', async () => {
  const { watch, paths } = world([{ pieces: [] }]);
  await watch();

  const { timeoutSeconds, ...query } = Object.fromEntries(paths[0]?.searchParams ?? []);
  expect(query).toEqual({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '5',
    labelSelector: 'a=b',
  });
  expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(300);
  expect(Number(timeoutSeconds)).toBeLessThanOrEqual(600);
});

const added = line('ADDED', config('a', 6));

it.each<[string, Answer, string[]]>([
  ['changes and bookmarks', { pieces: [added, bookmark] }, ['ADDED a', 'at 9']],
  ['empty lines', { pieces: [`\n\n${added}\n`] }, ['ADDED a']],
  ['half an event at the end', { pieces: [added, added.slice(0, -9)] }, ['ADDED a']],
  ['an error event', { pieces: [added, line('ERROR', { code: 410 })] }, ['ADDED a', 'WATCH_EXPIRED']],
  ['an error event without a code', { pieces: [line('ERROR', {})] }, ['API_ERROR']],
  ['an error event of nothing', { pieces: ['{"type":"ERROR"}\n'] }, ['API_ERROR']],
  ['a version that is gone', EXPIRED, ['WATCH_EXPIRED']],
  ['a kind that is gone', { status: 404, pieces: ['404 page not found'] }, ['NOT_FOUND']],
  ['a web page', { pieces: ['<html>\n</html>\n'] }, ['API_ERROR']],
  ['null', { pieces: ['null\n'] }, ['API_ERROR']],
  ['an event without an object', { pieces: ['{"type":"ADDED"}\n'] }, ['API_ERROR']],
  ['an object without metadata', { pieces: [line('ADDED', { kind: 'ConfigMap' })] }, ['API_ERROR']],
  ['an event of no known type', { pieces: [line('RENAMED', config('a', 6))] }, ['API_ERROR']],
  ['an event without an end', { pieces: Array(100).fill('x'.repeat(100_000)) }, ['API_ERROR']],
])('understands %s, and lets go of the answer', async (_what, answer, expected) => {
  const { watch, leaks, clock } = world([answer]);

  expect(await watch()).toEqual(expected);
  expect(leaks()).toBe(0);
  expect(clock.pending()).toBe(0);
});

it('lets go of the answer and its timer when the reader leaves', async () => {
  const { client, leaks, clock } = world([{ pieces: [added, added] }]);

  for await (const _ of client.watch(CORE.configMap, { resourceVersion: '5' })) break;

  expect(leaks()).toBe(0);
  expect(clock.pending()).toBe(0);
});

it('reads the same lines however the bytes are cut', async () => {
  const lines = fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !/\n/.test(text) && text !== ''));
  await fc.assert(
    fc.asyncProperty(lines, fc.integer({ min: 1, max: 7 }), async (texts, size) => {
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
      const body = (async function* () {
        for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
      })();

      expect(await Array.fromAsync(readLines(body, 10_000))).toEqual(texts);
    }),
    { numRuns: 50 },
  );
});

it('lists page after page, with the kind that items of a list do not tell', async () => {
  const { all, paths } = world([page(['a', 'b'], 'more'), page([], 'even more'), page(['c'])]);

  expect(await all()).toEqual(['ConfigMap a@7', 'ConfigMap b@7', 'ConfigMap c@7']);
  expect(paths.map(({ pathname }) => pathname)).toEqual(Array(3).fill('/api/v1/namespaces/n/configmaps'));
  expect(paths.map(({ search }) => search)).toEqual([
    '?fieldSelector=c%3Dd&limit=500',
    '?fieldSelector=c%3Dd&limit=500&continue=more',
    '?fieldSelector=c%3Dd&limit=500&continue=even+more',
  ]);
});

it.each<[string, string, string[] | string]>([
  ['no items, as Go writes them', '{"metadata":{"resourceVersion":"7"},"items":null}', []],
  ['items that are no list', '{"metadata":{},"items":{"a":1}}', 'API_ERROR'],
  ['items that are no objects', '{"metadata":{},"items":[null]}', 'API_ERROR'],
  ['no list at all', '{"metadata":{"name":"a"},"kind":"ConfigMap"}', 'API_ERROR'],
])('takes a list of %s for what it is', async (_what, body, expected) => {
  const { all } = world([{ pieces: [body] }]);

  if (Array.isArray(expected)) expect(await all()).toEqual(expected);
  else await expect(all()).rejects.toMatchObject({ code: expected });
});

it('starts a list anew when it expires between two pages, and shows nothing of the first try', async () => {
  const { client, clock, random, paths } = world([
    page(['old'], 'more'),
    EXPIRED,
    page(['a'], 'more'),
    page(['b']),
    { pieces: [bookmark] },
  ]);
  const cache = createCache({ client, type: CORE.configMap, clock, random, log: silentLog });
  const told: string[] = [];
  cache.onChange(({ key }) => told.push(key));
  const life = new AbortController();
  const running = cache.run(life.signal);
  await clock.advance(1_500);

  expect(told).toEqual(['a', 'b']);
  expect(paths.slice(0, 4).map(({ searchParams }) => searchParams.get('continue'))).toEqual([
    null,
    'more',
    null,
    'more',
  ]);
  expect(paths[4]?.searchParams.get('resourceVersion')).toBe('7');
  expect(paths[5]?.searchParams.get('resourceVersion')).toBe('9');
  life.abort();
  await clock.advance(1_000);
  await running;
});
