import { expect, it } from 'vitest';
import { inTime, Lie, patiently, until } from './patience.ts';

/** A patience that a second look is the last of. */
const soon = () => Date.now() + 100;

it('says at the end of its patience what it did not see', async () => {
  const seen = until('it is loaded', () => ['no label', 'no loader'], { endMs: soon() });

  await expect(seen).rejects.toThrow('it is loaded: not seen in 0 s; no label; no loader');
});

it('keeps what the last look failed with', async () => {
  const cause = new Error('connection refused');
  const seen = until('it is loaded', () => Promise.reject(cause), { endMs: soon() });

  await expect(seen).rejects.toMatchObject({ message: 'it is loaded: not seen in 0 s', cause });
});

it.each([[[]], [true]])('looks until it has seen, which is %j', async (seen) => {
  const looks = [false, ['no label'], new Error('gone'), seen];
  const look = async () => {
    const next = looks.shift() ?? false;
    if (next instanceof Error) throw next;
    return next;
  };

  await until('it is loaded', look);
  expect(looks).toEqual([]);
});

it('tries again until its patience ends, and fails with the last failure', async () => {
  let tries = 0;
  const act = async () => {
    throw new Error(`try ${++tries}`);
  };

  await expect(patiently(act, soon())).rejects.toThrow('try 2');
});

it('does not wait for what hangs', async () => {
  const hangs = new Promise(() => {});

  await expect(inTime('a strike', hangs, soon())).rejects.toThrow('a strike: it has not ended in time');
  expect(await inTime('a strike', Promise.resolve('done'), soon())).toBe('done');
});

it('waits no longer when it has seen what must never be', async () => {
  const looks = [new Error('gone'), new Lie('it is loaded unsigned'), new Error('too late')];

  await expect(until('it is refused', () => Promise.reject(looks.shift()))).rejects.toThrow('unsigned');
  expect(looks).toHaveLength(1);
});
