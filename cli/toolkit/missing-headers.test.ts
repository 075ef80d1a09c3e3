import { expect, it } from 'vitest';
import { missingHeaders } from './missing-headers.ts';

const KNOWN = ['6.1.0-55-amd64', '6.1.0-9-amd64', '6.1.0-55-cloud-amd64'];

it('names what this release lacks, and the newest that it has', () => {
  expect(missingHeaders(['6.1.0-55-amd64', '9.9.9', '9.9.8'], KNOWN)).toBe(
    '--kernel: this Debian release has no linux-headers-9.9.9, linux-headers-9.9.8. It has: 6.1.0-55-cloud-amd64, 6.1.0-55-amd64, 6.1.0-9-amd64',
  );
});

it('shows no more than ten', () => {
  const many = Array.from({ length: 30 }, (_, abi) => `6.1.0-${abi}-amd64`);

  expect(missingHeaders(['9.9.9'], many)?.match(/-amd64/g)).toHaveLength(10);
});

it('says what to do where none is known', () => {
  expect(missingHeaders(['9.9.9'], [])).toMatch(
    /no linux-headers-9\.9\.9\. It has none: check the sources of apt\.$/,
  );
});

it('has nothing to say of kernels that are there', () => {
  expect(missingHeaders(['6.1.0-9-amd64'], KNOWN)).toBeUndefined();
});
