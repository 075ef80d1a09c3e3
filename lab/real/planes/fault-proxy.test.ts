import { createServer, type ServerResponse } from 'node:http';
import { buffer as readBuffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { type FaultProxy, type ProxyFault, startFaultProxy } from './fault-proxy.ts';

const WATCH = '/things?watch=1';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function behindProxy() {
  const heard: string[] = [];
  const bodies: Buffer[] = [];
  const watches: ServerResponse[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    void readBuffer(request).then((body) => bodies.push(body));
    // Each answer is news to who watches.
    for (const watch of watches) watch.write('news');
    if (request.url === WATCH) watches.push(response.writeHead(200));
    if (request.url === WATCH) response.write('first');
    else response.end(`answer ${heard.length}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy = await startFaultProxy({ target: `http://127.0.0.1:${port}` });
  ends.push(
    () => proxy.close(),
    () => server.closeAllConnections(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return { proxy, heard, bodies };
}

const ask = async ({ url }: FaultProxy): Promise<string> => {
  const response = await fetch(`${url}/thing`, { method: 'PATCH', body: 'x' });
  return `${response.status} ${await response.text()}`;
};

it('lets pass what no fault is for, and knows of it', async () => {
  const { proxy, heard } = await behindProxy();

  expect(await ask(proxy)).toBe('200 answer 1');
  expect(heard).toEqual(['PATCH /thing']);
  expect(proxy.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(heard);
});

it('passes on what is no text, as protobuf is not, byte by byte', async () => {
  const { proxy, bodies } = await behindProxy();
  const body = Buffer.from([0x6b, 0x38, 0x73, 0x00, 0xff, 0xfe, 0x80]);

  await (await fetch(`${proxy.url}/thing`, { method: 'POST', body })).text();

  expect(bodies).toEqual([body]);
});

it.each<[ProxyFault, string | RegExp, number]>([
  [{ kind: 'answer', status: 429, retryAfterSeconds: 1 }, /^429 .*TooManyRequests/, 0],
  [{ kind: 'answer', status: 410 }, /^410 .*Expired/, 0],
  [{ kind: 'cut-before' }, 'fails', 0],
  [{ kind: 'cut-after' }, 'fails', 1],
  [{ kind: 'stall', ms: 10 }, 'fails', 0],
  [{ kind: 'twice' }, '200 answer 2', 2],
  [{ kind: 'delay', ms: 10 }, '200 answer 1', 1],
])('%o: the client sees %s, the server hears of it %i times', async (fault, seen, times) => {
  const { proxy, heard } = await behindProxy();
  proxy.addFault(() => fault);

  const result = await ask(proxy).catch(() => 'fails');
  if (typeof seen === 'string') expect(result).toBe(seen);
  else expect(result).toMatch(seen);
  expect(heard).toHaveLength(times);
});

it('keeps a fault until it is taken back, whatever others come and go meanwhile', async () => {
  const { proxy } = await behindProxy();
  const answer = (status: number) => (): ProxyFault => ({ kind: 'answer', status });
  const status = async () => (await ask(proxy)).slice(0, 3);
  const none = proxy.addFault(() => undefined);
  const [same, first] = [answer(500), proxy.addFault(answer(503))];
  const [second, third] = [proxy.addFault(same), proxy.addFault(same)];

  expect(await status()).toBe('503');
  first();
  expect(await status()).toBe('500');
  second();
  none();
  expect(await status()).toBe('500');
  third();
  expect(await status()).toBe('200');
});

async function watch({ url }: FaultProxy) {
  const reader = (await fetch(`${url}${WATCH}`)).body?.getReader();
  return async () => new TextDecoder().decode((await reader?.read())?.value);
}

it('cuts what is open, watches too', async () => {
  const { proxy } = await behindProxy();
  const read = await watch(proxy);
  await read();

  proxy.cutAll();
  await expect(read()).rejects.toThrow('terminated');
});

it('stalls watches: they tell nothing and then end, while others are answered', async () => {
  const { proxy } = await behindProxy();
  const read = await watch(proxy);
  await read();
  await ask(proxy);
  expect(await read()).toBe('news');

  const stalled = proxy.stallWatches(100);
  expect(await ask(proxy)).toBe('200 answer 3');
  await Promise.all([stalled, expect(read()).rejects.toThrow('terminated')]);

  const again = await watch(proxy);
  expect(await again()).toBe('first');
});
