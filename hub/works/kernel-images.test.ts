import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mcmInput, mcmObject } from '../testing/fixtures.ts';
import { createKernelImages } from './kernel-images.ts';

const mcmNamed = (name: string, mapping: object) => {
  const container = { modprobe: { moduleName: name }, kernelMappings: [mapping] };
  const object = mcmObject({ moduleSpec: { selector: {}, moduleLoader: { container } } });
  const { checked } = mcmInput({ ...object, metadata: { ...object.metadata, name } });
  if (!checked.ok) throw new RangeError('the fixture must be valid');
  return checked.value;
};
const MODULES = [
  mcmNamed('one', { regexp: '^6', containerImage: 'registry.test/${MOD_NAME}:${KERNEL_FULL_VERSION}' }),
  mcmNamed('two', { regexp: '^6', containerImage: 'registry.test/${MOD_NAMESPACE}:1' }),
  mcmNamed('two', { literal: '5.14.0-1', containerImage: 'registry.test/kmod:1' }),
];

it('what is remembered is what is worked out anew, whatever was asked before', () => {
  const question = fc.tuple(
    fc.constantFrom(...MODULES),
    fc.constantFrom('6.1.0-1', '6.1.0-1+', '5.14.0-1', '6'),
  );
  fc.assert(
    fc.property(fc.array(question), (questions) => {
      const asked = createKernelImages('ns');
      for (const [mcm, release] of questions) {
        expect(asked(mcm, release)).toEqual(createKernelImages('ns')(mcm, release));
        expect(asked(mcm, release)).toBe(asked(mcm, release));
      }
    }),
  );
});

it('kernels without end are not all remembered', () => {
  const [mcm] = MODULES as [(typeof MODULES)[0]];
  const asked = createKernelImages('ns');
  const first = asked(mcm, '6.0.0');
  for (let patch = 1; patch <= 1_000; patch += 1) asked(mcm, `6.0.${patch}`);

  expect(asked(mcm, '6.0.0')).not.toBe(first);
  expect(asked(mcm, '6.0.0')).toEqual(first);
});

it('when as many are remembered as may be, they stay while nobody asks for another one', () => {
  const [mcm] = MODULES as [(typeof MODULES)[0]];
  const asked = createKernelImages('ns');
  const all = Array.from({ length: 1_000 }, (_, patch) => asked(mcm, `6.0.${patch}`));

  expect(all.every((image, patch) => asked(mcm, `6.0.${patch}`) === image)).toBe(true);
});
