import { type ApiServer, createApiServer } from '@kmm-fleet/lab';
import {
  createHttpTransport,
  createManualClock,
  createRandom,
  type ManualClock,
  type Transport,
} from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import type { Overload } from './api-server/contract.ts';
import { crowdAnswer, type Hold, request, underTest } from './api-server/under-test.ts';
import { describeApiServer } from './api-server.contract.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');

type Open = (server: ApiServer) => Promise<{ readonly transport: Transport; close(): Promise<void> }>;

const inThisProcess: Open = async ({ transport }) => ({ transport, close: async () => {} });
const behindSocket: Open = async (server) => {
  const listening = await server.listen();
  const transport = createHttpTransport({ server: listening.url });
  return {
    transport,
    async close() {
      await transport.close();
      await listening.close();
    },
  };
};

for (const [where, open] of [
  ['in this process', inThisProcess],
  ['behind a socket', behindSocket],
] as const)
  describeApiServer(`the lab ${where}`, async () => {
    const clock = createManualClock(START_MS);
    const server = createApiServer({ clock, random: createRandom(1), name: 'contract' });
    const { transport, close } = await open(server);
    return inLab(server, transport, clock, { overload: () => overload(open), close });
  });

describe('the lab’s API server', () => {
  const lab = () => {
    const clock = createManualClock(START_MS);
    const server = createApiServer({ clock, random: createRandom(1), name: 'lab' });
    return {
      clock,
      server,
      target: inLab(server, server.transport, clock, { overload: expect.unreachable }),
    };
  };
  const SECRETS = '/api/v1/namespaces/default/secrets';
  const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });

  it('ends every watch when it is told to', async () => {
    const { server } = lab();
    const { body } = await server.transport.request(
      request('GET', `${SECRETS}?watch=true&resourceVersion=0`),
    );
    server.closeWatches();

    const pieces: unknown[] = [];
    for await (const piece of body) pieces.push(piece);

    expect(pieces).toEqual([]);
  });

  it.each([
    [{ status: 429, retryAfterSeconds: 2 } as const, true],
    ['drop-before', true],
    ['drop-after', false],
  ] as const)('fails a request as %j says; the write is lost: %s', async (fault, isLost) => {
    const { server, target } = lab();
    server.setFault(() => fault);
    const sent = target.send('POST', SECRETS, secret('a'));

    if (typeof fault === 'object') expect((await sent).status).toBe(429);
    else await expect(sent).rejects.toThrow('connection');
    server.setFault(undefined);

    expect((await target.send('GET', `${SECRETS}/a`)).status).toBe(isLost ? 404 : 200);
  });

  it('keeps a pod on a node until its kubelet deletes it without grace', async () => {
    const { target } = lab();
    const spec = { nodeName: 'node', containers: [{ name: 'a', image: 'i' }] };
    const path = '/api/v1/namespaces/default/pods';
    await target.send('POST', path, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });

    await target.send('DELETE', `${path}/p`);
    expect((await target.send('GET', `${path}/p`)).body.metadata.deletionTimestamp).toBeDefined();
    await target.send('DELETE', `${path}/p`, { gracePeriodSeconds: 0 });

    expect((await target.send('GET', `${path}/p`)).status).toBe(404);
  });

  it('tells each write and counts each request', async () => {
    const { server, target } = lab();
    const seen: string[] = [];
    server.onWrite(({ method, path, status }) => seen.push(`${method} ${path} ${status}`));

    await target.send('POST', SECRETS, secret('a'));
    await target.send('GET', `${SECRETS}/a`);

    expect(seen).toEqual([`POST ${SECRETS} 201`]);
    expect([...server.requests]).toEqual([
      ['contract POST', 1],
      ['contract GET', 1],
    ]);
  });

  it('is the same twice for one seed', async () => {
    const run = async () => {
      const { target } = lab();
      const { body } = await target.send('POST', SECRETS, {
        ...secret(''),
        metadata: { generateName: 'x-' },
      });
      return body;
    };

    expect(await run()).toEqual(await run());
  });
});

/** Waiting is moving the clock of the lab. */
function inLab(
  server: ApiServer,
  transport: Transport,
  clock: ManualClock,
  { overload, close = async () => {} }: Pick<Hold, 'overload'> & Partial<Pick<Hold, 'close'>>,
) {
  return underTest(transport, {
    pause: () => clock.advance(100),
    forget: async () => server.compact(),
    overload,
    close,
  });
}

/** A server of the lab that has one request in flight, and many that come at once. */
async function overload(open: Open): Promise<Overload> {
  const clock = createManualClock(START_MS);
  const flow = { inFlightMax: 1, requestMs: 1_000 };
  const server = createApiServer({ clock, random: createRandom(1), name: 'busy', flow });
  const { transport, close } = await open(server);
  const ask = async () => crowdAnswer(await transport.request(request('GET', '/api/v1/namespaces')));
  const inTime = async <T>(answers: Promise<T>): Promise<T> => {
    let isOver = false;
    void answers.finally(() => {
      isOver = true;
    });
    while (!isOver) await clock.advance(10);
    return answers;
  };
  try {
    const crowd = await inTime(Promise.all(Array.from({ length: 30 }, ask)));
    return { crowd, alone: await inTime(ask()) };
  } finally {
    await close();
  }
}
