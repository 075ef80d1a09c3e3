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
  ['nothing', new Uint8Array()],
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
        try {
          readModule(bytes);
        } catch (error) {
          expect(isAppError(error) && error.code).toBe('IMAGE_INVALID');
        }
      },
    ),
    { numRuns: 500 },
  );
});
