import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fnv64, moduleImageName } from './names-of-objects.ts';

it('hashes as FNV-1a does', () => {
  expect([fnv64(''), fnv64('a'), fnv64('foobar')]).toEqual([
    'cbf29ce484222325',
    'af63dc4c8601ec8c',
    '85944171f73967e8',
  ]);
});

it('hashes as FNV-1a does with numbers of 64 bits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const bytes = [...new TextEncoder().encode(text)].map(BigInt);
      const hash = bytes.reduce(
        (sum, byte) => BigInt.asUintN(64, (sum ^ byte) * 0x100000001b3n),
        0xcbf29ce484222325n,
      );
      expect(fnv64(text)).toBe(hash.toString(16).padStart(16, '0'));
    }),
  );
});

it('is readable', () => {
  expect(moduleImageName('host:5000/org/my_kmod:6.1.0', '6.1.0-13-amd64')).toMatch(
    /^my-kmod-6-1-0-13-amd64-[0-9a-f]{10}$/,
  );
});

it('is a valid name of at most 63 characters, and a function of the pair alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (image, kernel, other) => {
      const name = moduleImageName(image, kernel);
      expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      expect(moduleImageName(image, kernel)).toBe(name);
      expect(moduleImageName(image, other) === name).toBe(other === kernel);
    }),
  );
});
