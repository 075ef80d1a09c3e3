import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blindKinds, createCache } from './cache.ts';
import { createKubeClient } from './kube/kube-client.ts';
import { CORE, type KubeObject } from './kube/object.ts';
import { silentLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';
import { createRandom } from './random.ts';
import { createScriptedServer, type WatchScript } from './testing/scripted-server.ts';

type Server = ReturnType<typeof createScriptedServer>;

const versionOf = ({ metadata }: KubeObject) => Number(metadata.resourceVersion);

function world(prepare: (server: Server) => void = () => {}) {
  const server = createScriptedServer();
  prepare(server);
  const clock = createManualClock();
  const random = createRandom(1);
  const client = createKubeClient({ transport: server, clock, random, userAgent: 'test', idleMs: 60_000 });
  const cache = createCache({ client, type: CORE.configMap, clock, random, log: silentLog });
  const changes: string[] = [];
  cache.onChange(({ key, before, after }) => {
    const value = (object: typeof before) =>
      (object?.['data'] as { value: string } | undefined)?.value ?? '-';
    changes.push(`${key.slice(2)} ${value(before)}→${value(after)}`);
  });
  const life = new AbortController();
  const running = cache.run(life.signal);
  const seen = () =>
    Object.fromEntries(
      [...cache.all()].map((object) => [object.metadata.name, (object['data'] as { value: string }).value]),
    );
  const stop = async () => {
    life.abort();
    server.cut();
    await clock.advance(1_000);
    await running;
  };
  return { server, clock, cache, changes, seen, stop };
}

it.each([-3_600_000, 3_600_000])(
  'notices a watch that stalls when the clock is set by %i ms',
  async (byMs) => {
    const { server, clock, seen, stop } = world();
    server.script.push({ kind: 'stall' });
    await clock.advance(1_000);
    clock.set(clock.now() + byMs);
    server.put('a', '1');

    await clock.advance(70_000);

    expect(seen()).toEqual({ a: '1' });
    await stop();
  },
);

const FAULTS: WatchScript[] = [
  { kind: 'close-at-once' },
  { kind: 'status', status: 410 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 403 },
  { kind: 'error-event', code: 410 },
  { kind: 'error-event', code: 500 },
  { kind: 'stall' },
  { kind: 'half-a-line' },
  { kind: 'replay' },
];

it.each(FAULTS)('holds what the server holds after a watch that ends badly (%j)', async (fault) => {
  const { server, clock, changes, seen, stop } = world();
  server.put('a', '1');
  server.script.push(fault, fault, fault);
  await clock.advance(1_000);
  server.put('a', '2');
  server.put('b', '1');
  server.remove('b');

  await clock.advance(600_000);

  expect(seen()).toEqual(server.objects());
  expect(changes.filter((change) => change === 'a 1→2')).toHaveLength(1);
  await stop();
});

it('keeps no managed fields, of listed and of watched objects', async () => {
  const { server, clock, cache, stop } = world();
  server.put('listed', '1');
  await clock.advance(1_000);
  server.put('watched', '1');
  await clock.advance(1_000);

  expect([...cache.all()].map(({ metadata }) => [metadata.name, metadata.managedFields])).toEqual([
    ['listed', undefined],
    ['watched', undefined],
  ]);
  await stop();
});

it('learns of a write of ours before the watch tells it, once, and never goes back behind it', async () => {
  const { server, clock, cache, changes, seen, stop } = world();
  server.put('a', '1');
  await clock.advance(1_000);
  server.put('a', '2');
  const answer = server.object('a');
  server.put('a', '3');
  const later = server.object('a');

  cache.learn(later);
  cache.learn(answer);
  expect(seen()).toEqual({ a: '3' });
  await clock.advance(1_000);

  expect(changes).toEqual(['a -→1', 'a 1→3']);
  server.remove('a');
  await clock.advance(1_000);
  cache.learn(later);
  expect(seen()).toEqual({});
  await stop();
});

it.each<[string, string[], (server: Server, learn: () => void) => void]>([
  ['written', ['a -→1', 'a 1→2'], ({ put }, learn) => (put('a', '2'), learn())],
  [
    'written, and then by others',
    ['a -→1', 'a 1→2', 'a 2→3'],
    ({ put }, learn) => (put('a', '2'), learn(), put('a', '3')),
  ],
  [
    'written, and deleted',
    ['a -→1', 'a 1→2', 'a 2→-'],
    ({ put, remove }, learn) => (put('a', '2'), learn(), remove('a')),
  ],
  ['deleted', ['a -→1', 'a 1→-'], ({ remove }, learn) => (learn(), remove('a'))],
])('what is %s while a list is on its way is told once, as it was', async (_what, told, happens) => {
  const { server, clock, cache, changes, seen, stop } = world();
  server.put('a', '1');
  await clock.advance(1_000);
  server.script.push({ kind: 'status', status: 410 });
  server.meanwhile.push(() => happens(server, () => cache.learn(server.object('a'))));
  server.cut();
  await clock.advance(60_000);

  expect(changes).toEqual(told);
  expect(seen()).toEqual(server.objects());
  expect(server.meanwhile).toEqual([]);
  await stop();
});

it('keeps what it learnt of an object that was away when the list was made, not what was there before', async () => {
  const { server, clock, cache, changes, stop } = world();
  server.put('back', '1');
  server.put('gone', '1');
  const before = server.object('gone');
  await clock.advance(1_000);
  server.script.push({ kind: 'status', status: 410 });
  server.cut();
  server.remove('back');
  server.remove('gone');
  server.meanwhile.push(() => {
    server.put('back', '2');
    cache.learn(server.object('back'));
    cache.learn(before);
  });
  await clock.advance(60_000);

  expect(changes.slice(2).sort()).toEqual(['back 1→2', 'gone 1→-']);
  await stop();
});

it('asks a server that closes each watch at once only now and then', async () => {
  const { server, clock, stop } = world();
  server.script.push(...Array.from({ length: 10_000 }, () => ({ kind: 'close-at-once' }) as const));

  await clock.advance(600_000);

  expect(server.requests.length).toBeLessThan(80);
  await stop();
});

it('notices what changed and what went while the server was another one', async () => {
  const { server, clock, changes, seen, stop } = world();
  server.put('gone', '1');
  server.put('kept', '1');
  await clock.advance(1_000);
  server.cut();
  server.remove('gone');
  server.restart();

  await clock.advance(60_000);

  expect(seen()).toEqual({ kept: '1' });
  expect(changes).toContain('gone 1→-');
  await stop();
});

it('watches at once after a list, however many of them failed before', async () => {
  const { server, clock, seen, stop } = world(({ refusals }) =>
    refusals.push(...Array.from({ length: 40 }, () => ({ status: 500 }))),
  );
  server.put('a', '1');
  while (Object.keys(seen()).length === 0) await clock.advance(100);

  server.put('a', '2');
  await clock.advance(100);

  expect(seen()).toEqual({ a: '2' });
  await stop();
});

it('waits as long as a busy server asks, and lists again after errors', async () => {
  const { clock, cache, stop } = world(({ refusals }) =>
    refusals.push({ status: 429, retryAfter: '9' }, { status: 500 }, { status: 503 }),
  );

  await clock.advance(5_000);
  expect(cache.synced).toBe(false);
  await clock.advance(60_000);

  expect(cache.synced).toBe(true);
  await stop();
});

it('is blind when nothing could be listed for minutes, and sees again with the next list', async () => {
  const { server, clock, cache, stop } = world();
  await clock.advance(1_000);
  server.script.push(...Array.from({ length: 1_000 }, () => ({ kind: 'status', status: 403 }) as const));
  server.cut();
  await clock.advance(540_000);
  expect(cache.isBlind).toBe(false);

  await clock.advance(120_000);
  expect(cache.isBlind).toBe(true);
  expect(blindKinds([cache])).toEqual(['ConfigMap']);

  server.script.length = 0;
  server.put('a', '1');
  await clock.advance(60_000);
  expect(cache.isBlind).toBe(false);
  await stop();
});

it('is not blind while nothing happens', async () => {
  const { server, clock, cache, stop } = world();
  // The server is heard of in every tenth minute; in between, watches that are silent for a minute are opened again.
  for (let hour = 0; hour < 6; hour++) {
    await clock.advance(590_000);
    server.bookmark();
  }

  expect(cache.isBlind).toBe(false);
  await stop();
  expect(clock.pending()).toBe(0);
});

it('tells the others when one listener throws', async () => {
  const { server, clock, cache, changes, stop } = world();
  cache.onChange(() => {
    throw new Error('a bug');
  });
  const later: string[] = [];
  cache.onChange(({ key }) => later.push(key));
  server.put('a', '1');

  await clock.advance(1_000);

  expect(later).toEqual(['n/a']);
  expect(changes).toEqual(['a -→1']);
  await stop();
});

it('never goes back in time while one server answers, whenever it learns of writes and lists', async () => {
  const write = fc.tuple(fc.constantFrom('put', 'learn', 'remove'), fc.constantFrom('a', 'b'));
  const some = fc.array(write, { maxLength: 4 });
  /** With a list that these writes overtake, or without any. */
  const step = fc.record({ writes: some, overtaking: some, lists: fc.boolean() });
  let overtaken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const { server, clock, cache, seen, stop } = world();
      const backwards: KubeObject[] = [];
      cache.onChange(({ before, after }) => {
        if (before && after && versionOf(after) <= versionOf(before)) backwards.push(after);
      });
      const apply = ([what, name]: readonly [string, string]) => {
        if (what === 'remove') return server.remove(name);
        server.put(name, 'x');
        if (what === 'learn') cache.learn(server.object(name));
      };
      await clock.advance(100);
      for (const { writes, overtaking, lists } of steps) {
        for (const one of writes) apply(one);
        if (lists) {
          server.script.push({ kind: 'status', status: 410 });
          server.meanwhile.push(() => {
            overtaken += 1;
            for (const one of overtaking) apply(one);
          });
          server.cut();
        }
        await clock.advance(60_000);
      }

      expect(backwards).toEqual([]);
      expect(seen()).toEqual(server.objects());
      await stop();
    }),
    { numRuns: 60 },
  );
  expect(overtaken).toBeGreaterThan(20);
});

it('equals the server after any history and any faults, and tells each change once', async () => {
  const change = fc.tuple(
    fc.constantFrom('put', 'put', 'remove', 'cut', 'restart'),
    fc.constantFrom('a', 'b', 'c'),
  );
  const history = fc.array(fc.oneof({ weight: 3, arbitrary: change }, fc.constantFrom(...FAULTS)), {
    maxLength: 25,
  });
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const { server, clock, changes, seen, stop } = world();
      await clock.advance(100);
      for (const [index, step] of steps.entries()) {
        if (!Array.isArray(step)) server.script.push(step);
        else if (step[0] === 'put') server.put(step[1], String(index));
        else if (step[0] === 'remove') server.remove(step[1]);
        else if (step[0] === 'cut') server.cut();
        else server.restart();
        await clock.advance(50);
      }
      await clock.advance(400_000);

      expect(seen()).toEqual(server.objects());
      // Each change starts where the one before it ended.
      const last = new Map<string, string>();
      for (const text of changes) {
        const [, name = '', before, after = ''] = /^(\S+) (.+)→(.+)$/.exec(text) ?? [];
        expect(before).toBe(last.get(name) ?? '-');
        last.set(name, after);
      }
      await stop();
    }),
    { numRuns: 20 },
  );
});
