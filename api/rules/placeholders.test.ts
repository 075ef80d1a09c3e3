import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placeholders } from './placeholders.ts';

const pathsOf = (object: unknown) => placeholders(object).map(({ path }) => path);

it.each([
  ['<my-mcm>'],
  ['<your module name>'],
  ['< the name of the final driver container to produce>'],
  ['<image name e.g. quay.io/myuser/my-driver:<kernelversion> >'],
  ['some.registry/org/<my_kmod>:${KERNEL_FULL_VERSION}'],
  ['/opt/lib/modules/${KERNEL_FULL_VERSION}/<my_kmod>.ko'],
])('sees %s', (text) => {
  expect(placeholders({ a: [{ b: text }] })).toMatchObject([
    { reason: 'Placeholder', path: 'a[0].b', severity: 'warning', message: `"${text}" is a placeholder.` },
  ]);
});

it.each([
  ['(?<major>6)\\.'],
  ['^(?P<major>6)\\.(?<minor>1)$'],
  ['\\<6\\>'],
  ['registry.test/kmod:1'],
  ['a < b'],
  ['<config><debug/></config>'],
  ['a<1>'],
])('takes %s as it is', (text) => {
  expect(pathsOf({ regexp: text })).toEqual([]);
});

it('leaves programs and their settings what they say, and sees what has to replace a whole one', () => {
  const container = {
    command: ['sh', '-c', 'sort <in >out'],
    env: [{ name: 'INCLUDE', value: 'a,<stdio.h>' }],
    args: ['<my argument>'],
  };

  expect(pathsOf({ container })).toEqual(['container.args[0]']);
});

it('ends on objects that refer to themselves, and tells a bounded number', () => {
  const knot: Record<string, unknown> = { a: '<name>' };
  knot['b'] = [knot, knot];

  expect(placeholders(knot)).toHaveLength(100);
  expect(placeholders(Array(1_000).fill('<name>'))).toHaveLength(100);
});

it('finds the same wherever a text stands, and never throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.anything(), (text, other) => {
      expect(placeholders({ x: { y: [text] } }).length).toBe(placeholders(text).length);
      placeholders(other);
    }),
  );
});
