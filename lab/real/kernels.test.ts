import { expect, test } from 'vitest';
import { pickLabKernels } from './kernels.ts';

const both = (release: string) => [`linux-headers-${release}`, `linux-image-${release}`];

test('a lab runs the two newest cloud kernels and the newest generic one', () => {
  const packages = ['9-amd64', '9-cloud-amd64', '10-cloud-amd64', '10-amd64', '8-cloud-amd64'].flatMap(
    (abi) => both(`6.1.0-${abi}`),
  );
  expect(pickLabKernels(packages)).toEqual({
    common: '6.1.0-9-cloud-amd64',
    edge: '6.1.0-10-cloud-amd64',
    upgrade: '6.1.0-10-amd64',
  });
});

test('a kernel whose headers are published before its image, or without one, is left for later', () => {
  const packages = [
    ...both('6.1.0-55-cloud-amd64'),
    ...both('6.1.0-56-cloud-amd64'),
    ...both('6.1.0-56-amd64'),
    'linux-headers-6.1.0-57-cloud-amd64',
    'linux-headers-6.1.0-57-amd64',
    'linux-image-6.1.0-58-cloud-amd64',
  ];
  expect(pickLabKernels(packages)).toEqual({
    common: '6.1.0-55-cloud-amd64',
    edge: '6.1.0-56-cloud-amd64',
    upgrade: '6.1.0-56-amd64',
  });
});

test('too few kernels are none', () => {
  expect(pickLabKernels(both('6.1.0-56-cloud-amd64'))).toBeUndefined();
  expect(pickLabKernels([])).toBeUndefined();
});
