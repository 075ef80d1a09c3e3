import { matchesGlob } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileGlobs, globProblem } from './glob.ts';

const matches = (pattern: string, path: string) => compileGlobs([pattern])(path).length > 0;

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
  ['/**/**/a.ko', '/a.ko', true],
  ['/opt/***.ko', '/opt/a.ko', true],
  ['/opt/a***', '/opt/a', true],
  ['/opt/**', '/opt/x/y', true],
])('%s on %s: %s', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
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
      expect(matches(glob, it)).toBe(matchesGlob(it, glob));
    }),
  );
});

const LONG_PATH = `${'/a'.repeat(2_000)}.ko`;

it.each([
  ['stars', `/opt/${'*a'.repeat(2_000)}b`, `/opt/${'a'.repeat(4_000)}`],
  ['stars of folders', `${'/**/a'.repeat(800)}/b`, LONG_PATH],
  ['stars in every folder', '/**/*a*b'.repeat(500), LONG_PATH],
  ['classes', `/*${'[a-ab-b]'.repeat(500)}/x`, `/${'a'.repeat(4_000)}`],
  ['one large class', `/*[${'b-c'.repeat(1_000)}]`, `/${'a'.repeat(4_000)}`],
  ['braces that nobody refused', `/opt/${'{a,b}'.repeat(16)}.ko`, '/opt/a.ko'],
])('%s take no more than twice the product of both lengths in steps', (_name, pattern, path) => {
  let steps = 0;
  compileGlobs([pattern], (count) => {
    steps += count;
  })(path);

  expect(steps).toBeGreaterThan(0);
  expect(steps).toBeLessThan(2 * pattern.length * path.length);
});

it('tells which of many globs match', () => {
  expect(compileGlobs(['/a/*.ko', '/b/*.ko', '/**/x.ko'])('/a/x.ko')).toEqual([0, 2]);
});

it.each([
  ['/opt/{a,b}.ko', 'braces'],
  ['/opt/+(a|b).ko', 'extended globs'],
  ['/opt/[[:alpha:]].ko', 'named classes'],
])('refuses %s: %s', (pattern, problem) => {
  expect(globProblem(pattern)?.message).toContain(problem);
});

it('takes variables for what they are', () => {
  expect(globProblem('/opt/${KERNEL_FULL_VERSION}/${MOD_NAME:-x}/[ab]?*.ko')).toBeUndefined();
});

it.each([
  ['a name of 255 bytes', `/opt/${'a'.repeat(255)}`, undefined],
  ['a name of 256 bytes', `/opt/${'a'.repeat(256)}/b`, 'between two slashes are at most 255 bytes, here 256'],
  [
    'a name of 86 characters of three bytes',
    `/${'€'.repeat(86)}`,
    'between two slashes are at most 255 bytes, here 258',
  ],
  ['a path of 4,095 bytes', '/abcd'.repeat(819), undefined],
  ['a path of 4,096 bytes', '/abc'.repeat(1024), 'a path has at most 4095 bytes, this one 4096'],
])('takes %s as Linux does', (_name, pattern, message) => {
  expect(globProblem(pattern)?.message).toBe(message);
});
