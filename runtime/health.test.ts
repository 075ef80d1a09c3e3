import { expect, it, onTestFinished } from 'vitest';
import { type HealthOptions, serveHealth } from './health.ts';
import { createMetrics } from './metrics.ts';

async function world(options: Partial<HealthOptions> = {}) {
  const metrics = createMetrics();
  const health = await serveHealth({
    port: 0,
    host: '127.0.0.1',
    metrics,
    notReady: () => undefined,
    sick: () => undefined,
    ...options,
  });
  onTestFinished(() => health.close());
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return [answer.status, await answer.text()] as const;
  };
  return { metrics, health, get };
}

it.each<[string, Partial<HealthOptions>, number, string]>([
  ['/healthz', {}, 200, 'ok\n'],
  ['/healthz', { notReady: () => 'cannot see Node' }, 200, 'ok\n'],
  ['/healthz', { sick: () => 'stuck' }, 503, 'stuck\n'],
  ['/readyz', {}, 200, 'ok\n'],
  ['/readyz', { notReady: () => 'cannot see Node' }, 503, 'cannot see Node\n'],
  ['/readyz?verbose', {}, 200, 'ok\n'],
  ['/', {}, 404, 'not found\n'],
  ['/constructor', {}, 404, 'not found\n'],
])('answers %s', async (path, options, ...expected) => {
  const { get } = await world(options);

  expect(await get(path)).toEqual(expected);
});

it('tells the numbers', async () => {
  const { metrics, get } = await world();
  metrics.set('kmm_module_images', { state: 'Built' }, 3);

  expect((await get('/metrics'))[1]).toContain('kmm_module_images{state="Built"} 3\n');
});

it('answers with an error, and lives on, when it cannot tell', async () => {
  const notReady = () => {
    throw new Error('a bug');
  };
  const { get } = await world({ notReady });

  expect(await get('/readyz')).toEqual([500, 'Error: a bug\n']);
  expect(await get('/healthz')).toEqual([200, 'ok\n']);
});

it('says that its port is taken', async () => {
  const { health } = await world();

  await expect(world({ port: health.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('closes although somebody keeps a connection', async () => {
  const { health, get } = await world();
  await get('/healthz');
  await health.close();

  await expect(get('/healthz')).rejects.toThrow('fetch failed');
});
