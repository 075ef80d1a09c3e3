import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SYSTEMS_CLAIM } from '../names.ts';
import { coreOsVersion, systemsClaim, systemsFromClaims } from './node-systems.ts';

it.each([
  ['Red Hat Enterprise Linux CoreOS 412.86.202302211547-0 (Ootpa)', '412.86.202302211547-0'],
  ['Red Hat Enterprise Linux CoreOS 9.6.20250523-12 (Plow)', '9.6.20250523-12'],
  ['Debian GNU/Linux 12 (bookworm)', undefined],
  ['', undefined],
])('reads %s as %s', (osImage, version) => {
  expect(coreOsVersion(osImage)).toBe(version);
});

it('names each kernel once, with its versions after it', () => {
  const claim = systemsClaim([
    { kernel: '5.14.0', version: '9.6.2-0' },
    { kernel: '4.18.0', version: '412.86.1-0' },
    { kernel: '5.14.0', version: '9.6.1-0' },
  ]);

  expect(claim).toEqual({ name: SYSTEMS_CLAIM, value: '4.18.0 412.86.1-0\n5.14.0 9.6.1-0 9.6.2-0' });
});

it('passes over lines that somebody else wrote', () => {
  const value = '5.14.0 9.6.1-0\n\n6.1.0\n6.2.0 <script>\n6.3.0 x9.6.1-0';

  expect(systemsFromClaims([{ name: SYSTEMS_CLAIM, value }])).toEqual([
    { kernel: '5.14.0', version: '9.6.1-0' },
  ]);
  expect(systemsFromClaims([{ name: 'other', value }])).toEqual([]);
  expect(systemsClaim([])).toBeUndefined();
});

const version = fc.tuple(fc.nat(999), fc.nat(99), fc.nat(9)).map(([a, b, c]) => `${a}.${b}.${c}-0`);
const systems = (max: number) =>
  fc.array(fc.record({ kernel: fc.stringMatching(/^[a-z0-9._-]{1,40}$/), version }), { maxLength: max });
const texts = (all: readonly { kernel: string; version: string }[]) =>
  [...new Set(all.map(({ kernel, version }) => `${kernel} ${version}`))].sort();

it('carries systems to the hub, in whatever order the nodes came', () => {
  fc.assert(
    fc.property(systems(15), (all) => {
      const claim = systemsClaim(all);
      expect(systemsClaim(all.toReversed())).toEqual(claim);
      expect(texts(systemsFromClaims(claim ? [claim] : []))).toEqual(texts(all));
    }),
  );
});

it('never makes a claim that OCM refuses, and invents nothing', () => {
  fc.assert(
    fc.property(systems(80), (all) => {
      const claim = systemsClaim(all);
      expect(claim?.value.length ?? 0).toBeLessThanOrEqual(1_024);
      const known = new Set(texts(all));
      expect(texts(systemsFromClaims(claim ? [claim] : [])).filter((text) => !known.has(text))).toEqual([]);
    }),
  );
});
