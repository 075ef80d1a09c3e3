import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { type FaultProxy, type ProxyFault, startFaultProxy } from './fault-proxy.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function behindProxy(): Promise<{ proxy: FaultProxy; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    if (request.url === '/watch') response.write('first');
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
  return { proxy, heard };
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

it('cuts what is open, watches too', async () => {
  const { proxy } = await behindProxy();
  const response = await fetch(`${proxy.url}/watch`);
  const reader = response.body?.getReader();
  await reader?.read();

  proxy.cutAll();
  await expect(reader?.read()).rejects.toThrow('terminated');
});
