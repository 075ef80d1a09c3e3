import { expect, it } from 'vitest';
import { createOneByOne } from './one-by-one.ts';

it('runs one after the other, and tells a failure to its caller alone', async () => {
  const oneByOne = createOneByOne();
  const told: string[] = [];
  const act = (name: string, fails: boolean) =>
    oneByOne(async () => {
      told.push(`${name} begins`);
      await Promise.resolve();
      told.push(`${name} ends`);
      if (fails) throw new Error(`${name} fails`);
      return name;
    });

  const results = await Promise.allSettled([act('a', false), act('b', true), act('c', false)]);

  expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(results).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: new Error('b fails') },
    { status: 'fulfilled', value: 'c' },
  ]);
});
