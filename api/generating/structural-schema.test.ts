import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

it.each([
  {
    name: 'an integer without the range of JavaScript',
    schema: z.int().meta({ format: 'int32' }),
    expected: { type: 'integer', format: 'int32' },
  },
  {
    name: 'a bound of our own',
    schema: z.int().min(0).max(9),
    expected: { type: 'integer', minimum: 0, maximum: 9 },
  },
  {
    name: 'a strict object, pruned',
    schema: z.strictObject({ a: z.string() }),
    expected: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } },
  },
  {
    name: 'a loose object, kept',
    schema: z.looseObject({}),
    expected: { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true },
  },
  {
    name: 'a map',
    schema: z.record(z.string(), z.string()),
    expected: { type: 'object', additionalProperties: { type: 'string' } },
  },
  { name: 'a default', schema: z.string().default('/opt'), expected: { type: 'string', default: '/opt' } },
  { name: 'a date', schema: z.iso.datetime(), expected: { type: 'string', format: 'date-time' } },
])('writes $name', ({ schema, expected }) => {
  expect(structuralSchema(schema)).toEqual(expected);
});

it('leaves an embedded object to the API server', () => {
  const schema = z
    .looseObject({ metadata: z.looseObject({}) })
    .meta({ 'x-kubernetes-embedded-resource': true });
  expect(structuralSchema(schema)).toEqual({
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  });
});

it('refuses a union and says where it is', () => {
  const schema = z.strictObject({ list: z.array(z.strictObject({ a: z.union([z.string(), z.int()]) })) });
  expect(() => structuralSchema(schema)).toThrow('.list[].a: anyOf is not structural');
});

it('sorts properties, so the order in the source never shows', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }), (names) => {
      const of = (names: string[]): StructuralSchema =>
        structuralSchema(
          z.strictObject(Object.fromEntries(names.map((name) => [name, z.string().optional()]))),
        );
      expect(JSON.stringify(of(names))).toBe(JSON.stringify(of(names.toReversed())));
    }),
  );
});
