import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSharing } from './share-equal.ts';

it('equal values become one object, others stay apart, and nothing changes', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), (values) => {
      const share = createSharing();
      const shared = values.map((value) => share(structuredClone(value)));

      expect(shared).toEqual(values.map((value) => structuredClone(value)));
      for (const [index, value] of values.entries())
        expect(share(structuredClone(value))).toBe(shared[index]);
    }),
  );
});

it('what nobody else holds is not kept', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const share = createSharing();
  const seen = new WeakRef(share({ of: 'a work that is gone' }));

  await turn();
  collect();

  expect(seen.deref()).toBeUndefined();
});
