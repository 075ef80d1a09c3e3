import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Checked } from '../finding.ts';
import { checkManagedClusterModule, checkModule } from './check.ts';
import { checkDockerfileConfigMap, checkSigningSecret } from './referenced-data.ts';

/** What the guide prints must be taken as printed; what it prints in part is refused for exactly what is left out. */
interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
}

const folder = join(import.meta.dirname, '../../docs/examples/guide');
const read = (pattern: string) =>
  globSync(pattern, { cwd: folder })
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => ({
        file,
        object: document.toJS() as Printed,
      })),
    );

function problemsOf({ kind, metadata, data }: Printed, object: unknown): readonly string[] {
  const listed = (checked: Checked<unknown>) =>
    checked.ok ? [] : checked.findings.map(({ reason, path }) => `${reason} ${path}`);
  if (kind === 'Module') return listed(checkModule(object));
  if (kind === 'ManagedClusterModule') return listed(checkManagedClusterModule(object));
  if (kind === 'ConfigMap')
    return checkDockerfileConfigMap(metadata.name, data).map(({ nextStep }) => nextStep);
  if (kind === 'Secret') {
    const key = metadata.name.endsWith('-pub') ? 'cert' : 'key';
    return checkSigningSecret(metadata.name, data, key).map(({ nextStep }) => nextStep);
  }
  return [];
}

const printed = read('*.yaml');

it('sees the examples of every kind that the guide prints', () => {
  expect([...new Set(printed.map(({ object }) => object.kind))].sort()).toEqual([
    'ConfigMap',
    'ManagedClusterModule',
    'Module',
    'PlacementBinding',
    'PlacementRule',
    'Policy',
    'Secret',
  ]);
  expect(printed).toHaveLength(10);
});

it.each(printed)('accepts $object.kind of $file as printed', ({ object }) => {
  expect(problemsOf(object, object)).toEqual([]);
});

it.each([
  {
    file: '4.7-sign-only.yaml',
    fields: [
      'kernelMappings[0].containerImage',
      'kernelMappings[0].sign.certSecret.name',
      'kernelMappings[0].sign.keySecret.name',
      'kernelMappings[0].sign.unsignedImage',
      'modprobe.moduleName',
    ],
  },
  {
    file: '4.8-build-and-sign.yaml',
    fields: [
      'kernelMappings[0].containerImage',
      'kernelMappings[0].sign.certSecret.name',
      'kernelMappings[0].sign.keySecret.name',
    ],
  },
])('warns of every value that $file leaves to its reader', ({ file, fields }) => {
  const checked = checkModule(printed.find((one) => one.file === file)?.object);
  const warnings = checked.ok ? checked.warnings : [];

  expect(warnings.filter(({ reason }) => reason === 'Placeholder').map(({ path }) => path)).toEqual(
    fields.map((field) => `spec.moduleLoader.container.${field}`),
  );
});

it.each([
  {
    file: 'fragments/4.10.3-firmware.yaml',
    problems: ['FieldMissing spec.moduleLoader.container.kernelMappings', 'FieldMissing spec.selector'],
  },
  { file: 'fragments/4.8-dockerfile.yaml', problems: ['Rename "Dockerfile" to "dockerfile".'] },
])('says of $file exactly what it lacks', ({ file, problems }) => {
  const [fragment] = read(file);
  expect(fragment && problemsOf(fragment.object, fragment.object)).toEqual(problems);
});

it('installs the light form and lets the work agent write Modules, by Policy', () => {
  const policy = JSON.stringify(printed.find(({ object }) => object.kind === 'Policy'));
  expect(policy).toContain('{"name":"KMM_MANAGED","value":"1"}');
  expect(policy).toContain('"apiGroups":["kmm.sigs.x-k8s.io"],"resources":["modules"]');
});
