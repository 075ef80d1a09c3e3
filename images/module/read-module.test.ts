import { isAppError } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeModule } from '../testing/make-module.ts';
import { readModule } from './read-module.ts';

const shape = {
  name: 'kmm_b',
  kernel: '6.1.0-55-amd64',
  depends: ['kmm_a'],
  parameters: ['site'],
  firmware: ['blob.bin'],
  softdeps: ['pre: x'],
  needs: ['kmm_scale', 'printk'],
  exports: ['kmm_b_entry'],
};

it('reads what a module says about itself', () => {
  expect(readModule(makeModule(shape))).toEqual({
    name: 'kmm_b',
    vermagic: '6.1.0-55-amd64 SMP preempt mod_unload modversions ',
    architecture: 'amd64',
    depends: ['kmm_a'],
    parameters: ['site'],
    softdeps: ['pre: x'],
    firmware: ['blob.bin'],
    license: 'GPL',
    undefinedSymbols: ['kmm_scale', 'printk'],
    exportedSymbols: ['kmm_b_entry'],
  });
});

it.each([
  [183, 'arm64'],
  [21, 'ppc64le'],
  [22, 's390x'],
  [7, 'machine 7'],
])('reads a module of machine %s, which is for %s', (machine, architecture) => {
  const amd64 = readModule(makeModule(shape));

  expect(readModule(makeModule({ ...shape, machine }))).toEqual({ ...amd64, architecture });
});

it.each([
  ['nothing', new Uint8Array()],
  ['a program', program()],
  ['more parameters than any module has', makeModule({ ...shape, parameters: Array(60_000).fill('p') })],
  ['more symbols than any module has', makeModule({ ...shape, needs: Array(60_000).fill('s') })],
  ['a text', Buffer.from('not an ELF file, but long enough to have a header of one, is it not? yes')],
  ['a cut file', makeModule(shape).subarray(0, 200)],
])('refuses %s', (_name, bytes) => {
  expect(() => readModule(bytes)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }));
});

it('never fails with anything but IMAGE_INVALID, however a file is mutilated', () => {
  const whole = makeModule(shape);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
      (edits) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of edits) bytes[at] = value;
        onlyInvalid(bytes);
      },
    ),
    { numRuns: 500 },
  );
});

it('never fails with anything but IMAGE_INVALID, whatever bytes it is given', () => {
  const start = fc.constantFrom([], [0x7f, 0x45, 0x4c, 0x46], [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 400 }), (magic, rest) => {
      onlyInvalid(Buffer.from([...magic, ...rest]));
    }),
    { numRuns: 500 },
  );
});

it('never fails with anything but IMAGE_INVALID, wherever a file is cut', () => {
  const whole = makeModule(shape);
  for (let length = 0; length < whole.byteLength; length++) onlyInvalid(whole.subarray(0, length));
});

it('never fails with anything but IMAGE_INVALID, whatever stands in the section table', () => {
  const whole = makeModule(shape);
  const table = Number(Buffer.from(whole).readBigUInt64LE(0x28));
  const field = fc.tuple(fc.nat(whole.byteLength - table - 8), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 4 }), (edits) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of edits) bytes.writeBigUInt64LE(value, table + at);
      onlyInvalid(bytes);
    }),
    { numRuns: 500 },
  );
});

it('passes over names that are longer than a kernel takes: a file of them would take hours', () => {
  const needs = ['printk', 'x'.repeat(5_000)];

  expect(readModule(makeModule({ ...shape, needs })).undefinedSymbols).toEqual(['printk']);
});

function onlyInvalid(bytes: Uint8Array): void {
  try {
    readModule(bytes);
  } catch (error) {
    if (!(isAppError(error) && error.code === 'IMAGE_INVALID')) throw error;
  }
}

/** An ELF file of another type. */
function program(): Uint8Array {
  const bytes = Buffer.from(makeModule(shape));
  bytes[0x10] = 2;
  return bytes;
}
