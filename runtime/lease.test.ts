import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { type Clock, sleep } from './clock.ts';
import { AppError } from './errors.ts';
import type { HttpRequest, Transport } from './kube/client.ts';
import { createKubeClient } from './kube/kube-client.ts';
import { CORE, type KubeObject } from './kube/object.ts';
import { runLeased } from './lease.ts';
import { silentLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';
import { createRandom } from './random.ts';

/** How requests of one contender fare: `silent` ones never arrive, the answers of `mute` ones never come back. */
type Net = 'up' | 'refused' | 'busy' | 'silent' | 'mute';

/** How long work takes to stop: less than the third of the duration that it has for that. */
const STOP_MS = 4_000;
/** A holder whose last claim was sent longer ago than this has to be stopping. */
const HOLD_MS = 10_000;
/** How long a request travels, each way. */
const TRAVEL_MS = 300;

/** An API server with room for one Lease. */
function leaseServer() {
  let version = 0;
  const server = {
    lease: undefined as KubeObject | undefined,
    edit(change: Record<string, unknown>) {
      const metadata = { ...server.lease?.metadata, name: 'l', resourceVersion: String(++version) };
      const base = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
      server.lease = { ...base, ...server.lease, ...change, metadata };
    },
    answer({ method, body }: HttpRequest): [number, unknown] {
      const { lease } = server;
      if (method === 'GET') return lease ? [200, lease] : [404, {}];
      const sent = JSON.parse(String(body)) as KubeObject;
      if (method === 'POST' && lease) return [409, { reason: 'AlreadyExists' }];
      if (method === 'PUT' && sent.metadata.resourceVersion !== lease?.metadata.resourceVersion)
        return [409, {}];
      server.edit(sent);
      return [200, server.lease];
    },
    get spec() {
      return server.lease?.['spec'] as Record<string, unknown>;
    },
  };
  return server;
}

function world() {
  const clock = createManualClock();
  const server = leaseServer();
  const active = new Set<string>();
  const events: string[] = [];
  const tell = (event: string) => events.push(event);
  const all: { stop(): void; readonly done: Promise<void> }[] = [];

  function contender(identity: string, stopMs = STOP_MS) {
    let life = new AbortController();
    let claimedMs = 0;
    const self = { net: 'up' as Net, skewMs: 0, travelMs: TRAVEL_MS, answersOthers: true };
    const own: Clock = { ...clock, now: () => clock.now() + self.skewMs };
    const exchange = async (request: HttpRequest, never: Promise<never>) => {
      const sentWith = self.net;
      const sentMs = clock.now();
      if (sentWith === 'refused') throw new AppError('API_UNREACHABLE', 'refused');
      await sleep(clock, self.travelMs);
      if (sentWith === 'silent') return never;
      if (!self.answersOthers && !request.path.includes('/leases')) return never;
      const [status, body] = sentWith === 'busy' ? [429, {}] : server.answer(request);
      if (status === 200 && request.method !== 'GET') claimedMs = Math.max(claimedMs, sentMs);
      // What the server keeps is what it is sent now, not what becomes of it later.
      const text = JSON.stringify({ metadata: {}, ...(body as object) });
      await sleep(clock, self.travelMs);
      if (self.net === 'silent' || self.net === 'mute') return never;
      const headers: Record<string, string> = status === 429 ? { 'retry-after': '300' } : {};
      const pieces = (async function* () {
        yield Buffer.from(text);
      })();
      return { status, headers, body: pieces };
    };
    const transport: Transport = {
      request(request, signal) {
        const never = new Promise<never>((_resolve, reject) => {
          const giveUp = () => reject(new AppError('API_UNREACHABLE', 'given up'));
          if (signal?.aborted) giveUp();
          signal?.addEventListener('abort', giveUp, { once: true });
        });
        never.catch(() => {});
        return Promise.race([exchange(request, never), never]);
      },
      async close() {},
    };
    const random = createRandom(all.length);
    const client = createKubeClient({ transport, clock: own, random, userAgent: identity });
    const lease = { client, clock: own, random, log: silentLog, namespace: 'n', name: 'l', identity };
    const work = async (signal: AbortSignal) => {
      tell(`${identity} starts${active.size > 0 ? ` beside ${[...active].join()}` : ''}`);
      active.add(identity);
      await new Promise<void>((resolve) =>
        signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
      );
      tell(`${identity} stops${clock.now() - claimedMs > HOLD_MS ? ' late' : ''}`);
      await sleep(clock, stopMs);
      active.delete(identity);
      tell(`${identity} ended`);
    };
    const made = Object.assign(self, {
      client,
      done: Promise.resolve(),
      isRunning: false,
      start() {
        if (made.isRunning) return;
        life = new AbortController();
        made.isRunning = true;
        made.done = runLeased(lease, work, life.signal).finally(() => {
          made.isRunning = false;
        });
        made.done.catch((error: unknown) => tell(`${identity} fails: ${String(error)}`));
      },
      stop: () => life.abort(),
    });
    all.push(made);
    made.start();
    return made;
  }

  const end = async () => {
    for (const one of all) one.stop();
    await clock.advance(60_000);
    await Promise.all(all.map(({ done }) => done));
    expect(clock.pending()).toBe(0);
  };
  return { clock, server, contender, active, events, end };
}

function testWorld() {
  const made = world();
  onTestFinished(made.end);
  return made;
}

it('is held by one, and by the next soon after that one stopped', async () => {
  const { clock, server, contender, events } = testWorld();
  const a = contender('a');
  await clock.advance(1_000);
  contender('b');
  await clock.advance(60_000);
  a.stop();
  await clock.advance(STOP_MS + 6_000);

  expect(events).toEqual(['a starts', 'a stops', 'a ended', 'b starts']);
  expect(server.spec).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15, leaseTransitions: 1 });
});

it('says in the lease that nobody holds it after a clean stop', async () => {
  const { clock, server, contender } = testWorld();
  const a = contender('a');
  await clock.advance(10_000);
  expect(server.spec['renewTime']).toMatch(/^2026-01-01T00:00:\d\d\.\d{6}Z$/);
  a.stop();
  await clock.advance(10_000);

  expect(server.spec['holderIdentity']).toBeNull();
});

it.each<Net>(['refused', 'busy', 'silent', 'mute'])(
  'makes a holder stop before the next one starts when its requests are %s',
  async (net) => {
    const { clock, contender, events } = testWorld();
    const a = contender('a');
    await clock.advance(5_000);
    contender('b');
    await clock.advance(25_000);
    a.net = net;
    await clock.advance(40_000);

    expect(events).toEqual(['a starts', 'a stops', 'a ended', 'b starts']);
  },
);

it('counts the time of a holder from the sending of its renewal, not from the answer', async () => {
  const { clock, contender, events } = testWorld();
  const a = contender('a');
  await clock.advance(5_000);
  contender('b');
  await clock.advance(25_000);
  a.travelMs = 2_400;
  await clock.advance(4_000);
  a.net = 'silent';
  await clock.advance(40_000);

  expect(events).toEqual(['a starts', 'a stops', 'a ended', 'b starts']);
});

it.each<Net>(['refused', 'silent', 'mute'])('keeps the lease through one request that is %s', async (net) => {
  const { clock, contender, events } = testWorld();
  const a = contender('a');
  contender('b');
  await clock.advance(30_000);
  a.net = net;
  await clock.advance(2_700);
  a.net = 'up';
  await clock.advance(20_000);

  expect(events).toEqual(['a starts']);
});

it('keeps the lease when an answer takes longer than it waits, since what is left of its time is short', async () => {
  const { clock, contender, events } = testWorld();
  const a = contender('a');
  await clock.advance(31_000);
  a.travelMs = 1_900;
  await clock.advance(4_500);
  a.travelMs = 700;
  await clock.advance(20_000);

  expect(events).toEqual(['a starts']);
});

it('is renewed while all other requests under way get no answer', async () => {
  const { clock, contender, events } = testWorld();
  const a = contender('a');
  await clock.advance(5_000);
  a.answersOthers = false;
  const writes = new AbortController();
  for (let write = 0; write < 200; write += 1)
    void a.client.get(CORE.secret, { name: `s${write}`, namespace: 'n' }, writes.signal).catch(() => {});
  await clock.advance(60_000);
  writes.abort();

  expect(events).toEqual(['a starts']);
});

it('renews while work is still ending, however long that takes', async () => {
  const { clock, contender, events } = testWorld();
  const a = contender('a', 45_000);
  await clock.advance(5_000);
  contender('b');
  await clock.advance(5_000);
  a.stop();
  await clock.advance(60_000);

  expect(events).toEqual(['a starts', 'a stops', 'a ended', 'b starts']);
});

it('keeps the lease when somebody else wrote into it, and gives in when its holder was changed', async () => {
  const { clock, server, contender, events } = testWorld();
  contender('a');
  await clock.advance(5_000);
  server.edit({ data: 'a note' });
  await clock.advance(20_000);
  expect(events).toEqual(['a starts']);
  server.edit({ spec: { ...server.spec, holderIdentity: 'an administrator' } });
  await clock.advance(4_000);

  expect(events).toEqual(['a starts', 'a stops']);
});

it.each([-3_600_000, 3_600_000])('does not care about clocks that are wrong by %i ms', async (skewMs) => {
  const { clock, contender, events } = testWorld();
  const a = contender('a');
  await clock.advance(5_000);
  const b = contender('b');
  await clock.advance(20_000);
  b.skewMs = skewMs;
  await clock.advance(20_000);
  a.skewMs = skewMs * 2;
  await clock.advance(20_000);

  expect(events).toEqual(['a starts']);
});

it.each<Net>(['up', 'refused', 'busy', 'silent'])(
  'stops waiting at once when it is told to (%s)',
  async (net) => {
    const { clock, contender, events } = testWorld();
    contender('a');
    await clock.advance(5_000);
    const b = contender('b');
    await clock.advance(5_000);
    b.net = net;
    await clock.advance(3_000);
    b.stop();
    await clock.settle();

    expect(b.isRunning).toBe(false);
    expect(events).toEqual(['a starts']);
  },
);

it('takes a lease whose holder died after the time that the holder said', async () => {
  const { clock, server, contender, events } = testWorld();
  server.edit({ spec: { holderIdentity: 'the dead', leaseDurationSeconds: 40 } });
  contender('a');
  await clock.advance(40_000);
  expect(events).toEqual([]);
  await clock.advance(5_000);

  expect(events).toHaveLength(1);
});

it('is never held by two, and always by one again, whatever nets, clocks and processes do', async () => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('up', 'refused', 'busy', 'silent', 'mute', 'slow', 'skew', 'stop', 'start'),
    thenMs: fc.constantFrom(100, 700, 3_000, 9_000, 17_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const { clock, contender, active, events, end } = world();
      const all = ['a', 'b', 'c'].map((identity) => contender(identity));
      for (const { who, what, thenMs } of steps) {
        const one = all[who];
        if (!one) continue;
        if (what === 'stop' || what === 'start') one[what]();
        else if (what === 'slow') one.travelMs = 2_400;
        else if (what === 'skew') one.skewMs += (who - 1) * 100_000 + 20_000;
        else one.net = what;
        await clock.advance(thenMs);
      }
      for (const one of all) {
        Object.assign(one, { net: 'up', travelMs: TRAVEL_MS });
        one.start();
      }
      await clock.advance(30_000);
      for (const one of all) one.start();
      await clock.advance(30_000);

      expect(events.filter((event) => /beside|late|fails/.test(event))).toEqual([]);
      expect([...active]).toHaveLength(1);
      await end();
    }),
    { numRuns: 25 },
  );
});
