import fc from 'fast-check';
import { expect, it } from 'vitest';
import { selectMapping } from './select-mapping.ts';

const el9 = { regexp: 'el9', containerImage: 'kmod:el9' };
const literal = { literal: '5.14.0-427.el9', containerImage: 'kmod:427' };

it.each([
  { name: 'a literal', mappings: [literal], kernel: '5.14.0-427.el9', index: 0 },
  { name: 'a literal, for a kernel with a plus', mappings: [literal], kernel: '5.14.0-427.el9+', index: 0 },
  {
    name: 'an earlier regexp before a literal',
    mappings: [el9, literal],
    kernel: '5.14.0-427.el9',
    index: 0,
  },
  {
    name: 'the next one behind a pattern that does not compile',
    mappings: [{ regexp: '(' }, el9],
    kernel: 'el9',
    index: 1,
  },
  { name: 'the next one behind an empty mapping', mappings: [{}, el9], kernel: 'el9', index: 1 },
  { name: 'none', mappings: [literal], kernel: '6.1.0', index: undefined },
  { name: 'none of none', mappings: [], kernel: '6.1.0', index: undefined },
])('selects $name', ({ mappings, kernel, index }) => {
  expect(selectMapping(mappings, kernel)?.index).toBe(index);
});

it('selects the first that matches, so what stands behind it never counts', () => {
  const mapping = fc.record({ literal: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(
      fc.array(mapping),
      fc.array(mapping),
      fc.constantFrom('a', 'b', 'c'),
      (front, back, kernel) => {
        const alone = selectMapping(front, kernel);
        fc.pre(alone !== undefined);
        expect(selectMapping([...front, ...back], kernel)).toEqual(alone);
      },
    ),
  );
});
