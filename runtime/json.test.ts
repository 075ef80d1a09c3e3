import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson, deepEqual, equalButForNulls, isSubset, mergePatch } from './json.ts';

/** Values with few names, so that two of them often have something in common, and with the names that bite. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, -1.5, '', 'a', '1'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .uniqueArray(
        fc.tuple(
          fc.constantFrom('a', 'b', '1', '02', '', 'é', '__proto__', 'constructor', 'toString'),
          tie('value'),
        ),
        {
          selector: ([key]) => key,
          maxLength: 3,
        },
      )
      .map((entries) => Object.fromEntries(entries) as unknown),
  ),
}));

const isPlain = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The same value with the members of its objects in the opposite order. */
function turned(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(turned);
  if (!isPlain(json)) return json;
  const entries = Object.entries(json).map(([key, inner]) => [key, turned(inner)] as const);
  return Object.fromEntries(entries.reverse());
}

/** The same value without nulls in objects: a merge patch cannot write those. */
function withoutNulls(json: unknown): unknown {
  if (!isPlain(json)) return json;
  const entries = Object.entries(json).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

/** The same value without nulls in any object, in lists too. */
function bare(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(bare);
  const rest = withoutNulls(json);
  return isPlain(rest)
    ? Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, bare(inner)]))
    : rest;
}

const law = (check: (left: unknown, right: unknown) => void) =>
  fc.assert(fc.property(value, value, check), { numRuns: 500 });

it('writes equal values as equal text, and others as other text', () => {
  law((left, right) => {
    expect(canonicalJson(turned(left))).toBe(canonicalJson(left));
    expect(canonicalJson(left) === canonicalJson(right)).toBe(deepEqual(left, right));
  });
});

it('writes a text that reads as the same value', () => {
  law((left) => {
    expect(deepEqual(JSON.parse(canonicalJson(left)), left)).toBe(true);
  });
});

it('finds a value equal to itself, and equality the same from both sides', () => {
  law((left, right) => {
    expect(deepEqual(left, turned(left))).toBe(true);
    expect(deepEqual(left, right)).toBe(deepEqual(right, left));
  });
});

it('finds members that are null equal to absent ones where it is told to', () => {
  law((left, right) => {
    expect(equalButForNulls(left, bare(left))).toBe(true);
    expect(equalButForNulls(left, right)).toBe(deepEqual(bare(left), bare(right)));
  });
  expect(equalButForNulls([{}], [{ a: null }])).toBe(true);
});

it.each<[unknown, unknown, boolean]>([
  [{ a: undefined }, {}, true],
  [{ constructor: undefined }, {}, true],
  [{ a: null }, {}, false],
  [[], {}, false],
  [null, {}, false],
  ['1', 1, false],
  [[1, 2], [2, 1], false],
  [JSON.parse('{"__proto__": {}}'), {}, false],
])('compares %j with %j: %s', (left, right, expected) => {
  expect(deepEqual(left, right)).toBe(expected);
  expect(deepEqual(right, left)).toBe(expected);
});

it('finds two values equal when each is a part of the other', () => {
  law((left, right) => {
    expect(isSubset(left, left)).toBe(true);
    expect(isSubset(left, right) && isSubset(right, left)).toBe(deepEqual(left, right));
  });
});

it.each<[unknown, unknown, boolean]>([
  [{ a: 1 }, { a: 1, b: 2 }, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }, true],
  [[{ a: 1 }], [{ a: 1, b: 2 }], true],
  [[1], [1, 2], false],
  [{ a: null }, {}, false],
  [{ a: {} }, { a: 1 }, false],
  [{ toString: {} }, {}, false],
  [JSON.parse('{"__proto__": {}}'), {}, false],
])('finds %j in %j: %s', (desired, observed, expected) => {
  expect(isSubset(desired, observed)).toBe(expected);
});

it('merges so that the patch stands in the outcome, a second time changes nothing, and inputs stay', () => {
  law((target, patch) => {
    const before = canonicalJson([target, patch]);
    const merged = mergePatch(target, patch);

    expect(isSubset(withoutNulls(patch), merged)).toBe(true);
    expect(canonicalJson(mergePatch(merged, patch))).toBe(canonicalJson(merged));
    expect(canonicalJson([target, patch])).toBe(before);
    if (isPlain(merged)) expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});

// The table of RFC 7386, appendix A.
it.each<[unknown, unknown, unknown]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('patches %j with %j into %j', (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});
