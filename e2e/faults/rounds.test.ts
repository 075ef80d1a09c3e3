import { expect, it } from 'vitest';
import { lendModules } from './rounds.ts';

/** Rounds that end when they are told to. */
function rounds(modules: readonly string[]) {
  const lent: string[] = [];
  const ends = new Map<number, PromiseWithResolvers<void>>();
  const tell = lendModules(modules, async (seed, module, _options: object) => {
    lent.push(module);
    const end = Promise.withResolvers<void>();
    ends.set(seed, end);
    await end.promise;
  });
  return {
    lent,
    begin: (seed: number) => tell(seed, {}),
    end: (seed: number) => ends.get(seed)?.resolve(),
    fail: (seed: number) => ends.get(seed)?.reject(new Error(`seed ${seed} fails`)),
  };
}

it('names with a failure all seeds that were told beside it, those too that have ended', async () => {
  const { begin, end, fail } = rounds(['a', 'b', 'c']);
  const [first, second] = [begin(1), begin(2)];
  end(1);
  await first;
  const third = begin(3);
  end(3);
  await third;

  fail(2);
  await expect(second).rejects.toThrow('seed 2 fails (seeds beside it: 1, 3)');
});

it('lends what has been unused for longest', async () => {
  const { lent, begin, end } = rounds(['a', 'b', 'c']);
  for (const seed of [1, 2, 3, 4]) {
    const round = begin(seed);
    end(seed);
    await round;
  }

  expect(lent).toEqual(['a', 'b', 'c', 'a']);
});

it('lends a module again that a failed round had, and never to two at once', async () => {
  const { lent, begin, end, fail } = rounds(['a']);
  const first = begin(1);
  await expect(begin(2)).rejects.toThrow('more rounds at once than modules');
  fail(1);
  await expect(first).rejects.toThrow('seeds beside it: none');
  const third = begin(3);
  end(3);
  await third;

  expect(lent).toEqual(['a', 'a']);
});
