import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldsOf, fromFieldsV1, toFieldsV1, valueAt, withoutField } from './field-set.ts';

const word = fc.stringMatching(/^[a-z]{1,4}$/);
const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
  tree: fc.dictionary(word, fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer()), tie('tree')), {
    maxKeys: 3,
  }),
}));

it('writes fields as managedFields holds them and reads them back', () => {
  fc.assert(
    fc.property(tree, (object) => {
      const fields = fieldsOf({ data: object }, undefined, false);

      expect([...fromFieldsV1(toFieldsV1(fields)).keys()].sort()).toEqual([...fields.keys()].sort());
    }),
  );
});

it('finds a value at each field, and nothing after its removal', () => {
  fc.assert(
    fc.property(tree, (object) => {
      const whole = { data: object };
      for (const path of fieldsOf(whole, undefined, false).values()) {
        expect(valueAt(whole, path)).toBeDefined();
        expect(valueAt(withoutField(whole, path), path)).toBeUndefined();
      }
    }),
  );
});
