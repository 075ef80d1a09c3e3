import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernelKey, kernelVariables } from './kernel.ts';

it.each([
  { release: '5.14.0-427.el9.x86_64', key: '5.14.0-427.el9.x86_64' },
  { release: '6.1.0+', key: '6.1.0' },
  { release: '6.1.0++', key: '6.1.0+' },
  { release: '', key: '' },
])('strips one trailing plus: $release', ({ release, key }) => {
  expect(kernelKey(release)).toBe(key);
});

it.each([
  { release: '6.0.15-300.fc37.x86_64', full: '6.0.15-300.fc37.x86_64', xyz: ['6', '0', '15'] },
  { release: '6,0-15', full: '6_0-15', xyz: ['6', '0', '15'] },
  { release: '6.1.0-cloud+deb+', full: '6.1.0-cloud_deb', xyz: ['6', '1', '0'] },
])('names the parts of $release', ({ release, full, xyz }) => {
  const [x, y, z] = xyz;
  expect(kernelVariables(release)).toMatchObject({
    ok: true,
    value: {
      KERNEL_FULL_VERSION: full,
      KERNEL_VERSION: full,
      KERNEL_XYZ: xyz.join('.'),
      KERNEL_X: x,
      KERNEL_Y: y,
      KERNEL_Z: z,
    },
  });
});

it.each(['6.1', '6', '', '6..1', 'x'.repeat(200)])('refuses %j, which has no three components', (release) => {
  expect(kernelVariables(release)).toMatchObject({ ok: false, findings: [{ reason: 'KernelInvalid' }] });
});

it('makes a full version that fits an image tag, whatever the release', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (suffix) => {
      const checked = kernelVariables(`6.1.0-${suffix}`);
      expect(checked).toMatchObject({ value: { KERNEL_FULL_VERSION: expect.stringMatching(/^[\w.-]+$/) } });
    }),
  );
});
