import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isKernelClaim, KERNELS_MAX, kernelClaims, kernelsFromClaims } from './kernel-claims.ts';

const name = 'kernel-versions.kmm.node.kubernetes.io';
const many = (count: number) => Array.from({ length: count }, (_, index) => `5.14.0-${index}.el9_4.x86_64`);

it.each([
  { claims: undefined, reason: 'ClaimMissing' },
  { claims: [{ name: 'id.k8s.io', value: 'x' }], reason: 'ClaimMissing' },
  { claims: [{ name, value: ' \n ' }], reason: 'ClaimEmpty' },
  { claims: [{ name, value: many(5_000).join('\n') }], reason: 'TooManyKernels' },
])('finds $reason', ({ claims, reason }) => {
  expect(kernelsFromClaims(claims)).toMatchObject({
    ok: false,
    findings: [{ reason, nextStep: expect.any(String) }],
  });
});

it('trims, joins, sorts and keeps a plus', () => {
  const claims = [
    { name: 'kernel-versions-2.kmm.node.kubernetes.io', value: '6.1.0+\r\n5.14.0' },
    { name, value: '6.2.0\n\n6.1.0+' },
  ];
  expect(kernelsFromClaims(claims)).toMatchObject({ value: ['5.14.0', '6.1.0+', '6.2.0'] });
});

it.each([
  [name, true],
  ['kernel-versions-2.kmm.node.kubernetes.io', true],
  ['kernel-versions-1.kmm.node.kubernetes.io', false],
  ['kernel-versions-x.kmm.node.kubernetes.io', false],
  ['kernel-versions.kmmXnode.kubernetes.io', false],
])('takes %s for a kernel claim: %s', (claim, ours) => {
  expect(isKernelClaim(claim)).toBe(ours);
});

it('names no claim for a cluster without nodes', () => {
  expect(kernelClaims([])).toEqual([]);
});

const releases = fc.array(fc.stringMatching(/^[a-z0-9.+_-]{1,64}$/), {
  minLength: 1,
  maxLength: KERNELS_MAX,
});

it('carries every kernel through claims of at most 1,024 characters', () => {
  fc.assert(
    fc.property(releases, (kernels) => {
      const claims = kernelClaims(kernels);
      expect(claims.every(({ name, value }) => isKernelClaim(name) && value.length <= 1_024)).toBe(true);
      expect(kernelsFromClaims(claims)).toMatchObject({ value: [...new Set(kernels)].sort() });
    }),
  );
});

it('does not care in which order kernels and claims come', () => {
  fc.assert(
    fc.property(releases, (kernels) => {
      const claims = kernelClaims(kernels);
      expect(JSON.stringify(kernelClaims(kernels.toReversed()))).toBe(JSON.stringify(claims));
      expect(kernelsFromClaims(claims.toReversed())).toEqual(kernelsFromClaims(claims));
    }),
  );
});
