import { matchesGlob } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileGlob, globProblem } from './glob.ts';

it.each([
  ['/opt/*.ko', '/opt/a.ko', true],
  ['/opt/*.ko', '/opt/x/a.ko', false],
  ['/opt/**/*.ko', '/opt/x/y/a.ko', true],
  ['/opt/**/*.ko', '/opt/a.ko', true],
  ['/opt/?.ko', '/opt/ab.ko', false],
  ['/opt/[a-c]x.ko', '/opt/bx.ko', true],
  ['/opt/[!a-c]x.ko', '/opt/bx.ko', false],
  ['/opt/[^a-c]x.ko', '/opt/dx.ko', true],
  ['/opt/[]x].ko', '/opt/].ko', true],
  ['/opt/[a', '/opt/[a', true],
  ['/opt/\\*.ko', '/opt/a.ko', false],
  ['/opt/a+b.ko', '/opt/a+b.ko', true],
])('%s on %s: %s', (pattern, path, expected) => {
  expect(compileGlob(pattern)(path)).toBe(expected);
});

it('agrees with the globs of Node.js', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 8 });
  const part = fc.constantFrom('a', 'b', '?', '*', '[ab]', '[!a]', 'a*b');
  const pattern = fc
    .array(fc.array(part, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map((tokens) => tokens.join('').replaceAll(/\*+/g, '*')).join('/'));
  // What Node.js makes of empty parts is its own affair.
  const path = text.filter((it) => !/^\/|\/\/|\/$/.test(it));
  fc.assert(
    fc.property(pattern, path, (glob, it) => {
      expect(compileGlob(glob)(it)).toBe(matchesGlob(it, glob));
    }),
  );
});

it.each([
  ['stars', `/opt/${'*a'.repeat(2_000)}b`, `/opt/${'a'.repeat(255)}`],
  ['stars of folders', `${'/**/a'.repeat(800)}/b`, '/a'.repeat(2_000)],
  ['braces that nobody refused', `/opt/${'{a,b}'.repeat(16)}.ko`, '/opt/a.ko'],
])('%s take no time', (_name, pattern, path) => {
  const begin = performance.now();
  expect(compileGlob(pattern)(path)).toBe(false);
  expect(performance.now() - begin).toBeLessThan(500);
});

it.each([
  ['/opt/{a,b}.ko', 'braces'],
  ['/opt/+(a|b).ko', 'extended globs'],
  ['/opt/[[:alpha:]].ko', 'named classes'],
])('refuses %s: %s', (pattern, problem) => {
  expect(globProblem(pattern)).toContain(problem);
});

it('takes variables for what they are', () => {
  expect(globProblem('/opt/${KERNEL_FULL_VERSION}/${MOD_NAME:-x}/[ab]?*.ko')).toBeUndefined();
});
