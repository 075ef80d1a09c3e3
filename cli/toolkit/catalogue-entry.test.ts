import { findRegexp } from '@kmm-fleet/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { catalogueCommand, catalogueEntry } from './catalogue-entry.ts';

const KERNELS = ['6.1.0-55-amd64', '6.1.0-55-cloud-amd64'];
const IMAGE = 'registry.test/driver-toolkit@sha256:1';

it('says the kernels and the image as the catalogue has them', () => {
  expect(catalogueEntry(KERNELS.toReversed(), IMAGE)).toEqual({
    'toolkit-6.1.0-55-amd64': String.raw`^(6\.1\.0-55-amd64|6\.1\.0-55-cloud-amd64)$ ${IMAGE}`,
  });
});

it('serves its own kernels and no other', () => {
  const release = fc.stringMatching(/^[0-9]{1,2}\.[0-9]{1,2}[-.+_a-z0-9]{0,12}$/);
  fc.assert(
    fc.property(fc.array(release, { minLength: 1, maxLength: 3 }), release, (kernels, other) => {
      const [value = ''] = Object.values(catalogueEntry(kernels, IMAGE));
      const [regexp = ''] = value.split(' ');
      for (const kernel of [...kernels, other])
        expect(findRegexp(regexp, kernel)).toBe(kernels.includes(kernel));
    }),
  );
});

it('hands out a command that a shell takes as it is', () => {
  expect(catalogueCommand({ a: String.raw`^6\.1$ r/dtk` })).toBe(
    String.raw`kubectl -n openshift-kmm-hub patch configmap kmm-driver-toolkits --type merge -p '{"data":{"a":"^6\\.1$ r/dtk"}}'`,
  );
});
