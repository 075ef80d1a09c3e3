import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSharing } from './share-equal.ts';

it('equal values become one object, others stay apart, and nothing changes', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const share = createSharing();
      const shared = values.map((value) => share(structuredClone(value)));

      expect(shared).toEqual(values.map((value) => structuredClone(value)));
      for (const [index, value] of values.entries())
        expect(share(structuredClone(value))).toBe(shared[index]);
    }),
  );
});

it('the oldest values are forgotten, so that memory is bounded', () => {
  const share = createSharing(2);
  const first = share({ n: 1 });
  share({ n: 2 });
  expect(share({ n: 1 })).toBe(first);

  share({ n: 3 });

  expect(share({ n: 1 })).not.toBe(first);
});
