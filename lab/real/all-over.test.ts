import { expect, it } from 'vitest';
import { allOver } from './all-over.ts';
import { startAll } from './start-all.ts';

it('brings what all have brought, in their order', async () => {
  expect(await allOver([Promise.resolve(1), Promise.resolve('b')])).toEqual([1, 'b']);
});

it('tells a failure when the last one has ended, and what that started is taken back', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const started = startAll(async (defer) => {
    const late = async () => {
      await promise;
      defer(() => seen.push('stopped'));
    };
    return await allOver([Promise.reject(new Error('no port')), late()]);
  });
  const failed = started.catch((error: Error) => seen.push(error.message));

  await new Promise((done) => setImmediate(done));
  expect(seen).toEqual([]);
  resolve();
  await failed;
  expect(seen).toEqual(['stopped', 'no port']);
});
