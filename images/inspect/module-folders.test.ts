import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firmwareFiles, leavesRoot, moduleNameOf, placeOf, readModulesDep } from './module-folders.ts';

it.each([
  ['/opt/lib/modules/6.1.0/a.ko', { folder: '/opt/lib/modules/6.1.0', kernel: '6.1.0' }],
  ['/lib/modules/6.1.0/extra/deep/a.ko.xz', { folder: '/lib/modules/6.1.0', kernel: '6.1.0' }],
  ['/opt/lib/modules/a.ko', undefined],
  ['/build/a.ko', undefined],
  ['/opt/mylib/modules/6.1.0/a.ko', undefined],
])('%s is in %o', (path, place) => {
  expect(placeOf(path)).toEqual(place);
});

it('reads modules.dep: paths in the folder, the first to load first', () => {
  const text = 'extra/c.ko.xz: extra/b-b.ko /usr/lib/modules/6.1.0/kernel/a.ko\nd.ko:\n\nnonsense\n';

  expect([...readModulesDep(text, '/opt/lib/modules/6.1.0')]).toEqual([
    ['/opt/lib/modules/6.1.0/extra/c.ko.xz', ['a', 'b_b']],
    ['/opt/lib/modules/6.1.0/d.ko', []],
  ]);
});

it('finds firmware below any folder of that name, packed or not', () => {
  const files = firmwareFiles([
    '/firmware/a.bin',
    '/lib/firmware/vendor/b.bin.xz',
    '/lib/firm/c.bin',
    '/firmware/d.zst',
  ]);

  expect(Object.fromEntries(files)).toEqual({
    'a.bin': '/firmware/a.bin',
    d: '/firmware/d.zst',
    'vendor/b.bin': '/lib/firmware/vendor/b.bin.xz',
  });
});

it('takes a module by one name, whatever its packing and its dashes', () => {
  expect(['/x/a-b.ko', 'a_b.ko.gz', 'a-b.ko.zst', 'a_b'].map(moduleNameOf)).toEqual(Array(4).fill('a_b'));
});

it.each([
  ['/opt/a', '../b', false],
  ['/opt/a', '../../b', true],
  ['/a', '..', true],
  ['/opt/a', 'x/../../b', false],
  ['/opt/a', '/etc/passwd', false],
  ['/opt/a', '/../etc/passwd', true],
  ['/opt/lib/a', './../.././../b', true],
])('%s -> %s leaves the root: %s', (path, target, leaves) => {
  expect(leavesRoot(path, target)).toBe(leaves);
});

it('tells a link that leaves the root by following it where there is more above', () => {
  const part = fc.constantFrom('..', '.', 'a', 'b');
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      const above = ['0', '1', '2', '3', '4', '5', '6', '7'];
      const walked = [...above, 'x', 'y'];
      let lowest = walked.length;
      for (const step of parts) {
        if (step === '..') walked.pop();
        else if (step !== '.') walked.push(step);
        lowest = Math.min(lowest, walked.length);
      }
      expect(leavesRoot('/x/y/link', parts.join('/'))).toBe(lowest < above.length);
    }),
  );
});
