import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Component, cycloneDx, debianComponents, packageFolders } from './sbom.ts';

const YAML: Component = { type: 'npm', name: 'yaml', version: '2.9.1', license: 'ISC' };
const SCOPED: Component = { type: 'npm', name: '@kubernetes/client-node', version: '2.0.1' };
const LIBC: Component = { type: 'deb', name: 'libc6', version: '2.36-9+deb12u10', architecture: 'amd64' };

describe('a bill of materials', () => {
  it('names each component as databases of weaknesses do', () => {
    const { components, metadata } = JSON.parse(cycloneDx('kmm-hub', '0.1.0', [YAML, SCOPED, LIBC]));

    expect(metadata.component).toMatchObject({ type: 'container', name: 'kmm-hub', version: '0.1.0' });
    expect(components.map(({ purl }: { purl: string }) => purl)).toEqual([
      'pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64',
      'pkg:npm/%40kubernetes/client-node@2.0.1',
      'pkg:npm/yaml@2.9.1',
    ]);
    expect(components[2].licenses).toEqual([{ expression: 'ISC' }]);
  });

  it('is the same for the same components, however they were found, and another for others', () => {
    const all = [YAML, SCOPED, LIBC];
    const text = cycloneDx('kmm-hub', '0.1.0', all);

    fc.assert(
      fc.property(fc.shuffledSubarray([...all, YAML], { minLength: 4 }), (found) => {
        expect(cycloneDx('kmm-hub', '0.1.0', found)).toBe(text);
      }),
    );
    const serial = (json: string) => JSON.parse(json).serialNumber;
    expect(serial(text)).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(serial(cycloneDx('kmm-hub', '0.1.0', [YAML]))).not.toBe(serial(text));
  });
});

it('reads control files that follow each other', () => {
  const control = [
    'Package: libc6\nArchitecture: amd64\nVersion: 2.36-9+deb12u10\nDescription: C Library\n Package: no\n',
    'Package: netbase\nVersion: 6.4\nArchitecture: all\n',
  ];

  expect(debianComponents(control.join(''))).toEqual([
    LIBC,
    { type: 'deb', name: 'netbase', version: '6.4', architecture: 'all' },
  ]);
  expect(debianComponents('')).toEqual([]);
});

it('finds the innermost package that a file is of, and none for files of ours', () => {
  const files = [
    'hub/main.ts',
    'node_modules/yaml/dist/a.js',
    'node_modules/yaml/dist/b.js',
    'node_modules/@kubernetes/client-node/dist/index.js',
    'node_modules/one/node_modules/@scope/two/index.js',
  ];

  expect(packageFolders(files)).toEqual([
    'node_modules/@kubernetes/client-node',
    'node_modules/one/node_modules/@scope/two',
    'node_modules/yaml',
  ]);
});
