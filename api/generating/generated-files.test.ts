import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinition, type Definition } from './custom-resource-definition.ts';
import { OCM, OWN } from './definitions.ts';
import { driftedFiles, generatedFiles } from './generated-files.ts';
import type { StructuralSchema } from './structural-schema.ts';

const files = [...generatedFiles()];
const definitions = [...OWN, ...OCM];
const schemaOf = (definition: Definition) =>
  customResourceDefinition(definition).spec.versions[0]?.schema.openAPIV3Schema ?? {};

it('is what the repository holds: run make generate when it is not', () => {
  const root = join(import.meta.dirname, '../..');
  expect(files).toHaveLength(9);
  expect(driftedFiles((path) => readFileSync(join(root, path), 'utf8'))).toEqual([]);
});

it('names each file that is missing or differs', () => {
  const held = new Map(files);
  held.set('api/crds/modules.yaml', 'by hand');
  held.delete('lab/crds/clusterclaims.yaml');
  expect(driftedFiles((path) => held.get(path))).toEqual([
    'api/crds/modules.yaml',
    'lab/crds/clusterclaims.yaml',
  ]);
});

it('says in YAML what was meant', () => {
  const yaml = files.filter(([path]) => path.endsWith('.yaml'));
  const written = new Map(yaml.map(([path, text]) => [path, parse(text) as unknown]));
  expect(written.get('api/crds/modules.yaml')).toEqual(customResourceDefinition(OWN[0] as Definition));
});

function nodes(schema: StructuralSchema, path = ''): { path: string; schema: StructuralSchema }[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, node]) =>
    nodes(node, `${path}.${name}`),
  );
  const lists = [schema.items, schema.additionalProperties].filter((node) => node !== undefined);
  return [{ path, schema }, ...below, ...lists.flatMap((node) => nodes(node, `${path}[]`))];
}

it.each(definitions.map((definition) => ({ kind: definition.resource.kind, definition })))(
  '$kind is structural: every node has a type, no map has named fields, every column leads somewhere',
  ({ definition }) => {
    const all = nodes(schemaOf(definition));
    expect(all.length).toBeGreaterThan(5);
    expect(all.filter(({ schema }) => typeof schema['type'] !== 'string')).toEqual([]);
    expect(all.filter(({ schema }) => schema.properties && schema.additionalProperties)).toEqual([]);
    const paths = new Set(all.map(({ path }) => path));
    const columns = definition.columns.map(({ jsonPath }) => jsonPath.replace(/\[\?.*?\)\]/, '[]'));
    expect(columns.filter((path) => !path.startsWith('.metadata.') && !paths.has(path))).toEqual([]);
  },
);

it('bounds every list and text that a CEL rule walks over, so that the cost can be estimated', () => {
  const ruled = OWN.flatMap((definition) => nodes(schemaOf(definition))).filter(
    ({ schema }) => schema['x-kubernetes-validations'] !== undefined,
  );
  expect(ruled.length).toBeGreaterThanOrEqual(8);
  for (const { schema } of ruled) {
    const rules = schema['x-kubernetes-validations'] as { rule: string; message: string }[];
    const walked = rules.flatMap(({ rule }) =>
      [...rule.matchAll(/self\.(\w+)\.(?:all|exists)/g)].map(([, name]) => name ?? ''),
    );
    expect(walked.filter((name) => typeof schema.properties?.[name]?.['maxItems'] !== 'number')).toEqual([]);
    expect(rules.every(({ message }) => message !== '')).toBe(true);
  }
});

it('carries what kubectl shows: short names, category and status subresource', () => {
  const names = OWN.map((definition) => customResourceDefinition(definition).spec);
  expect(names.map(({ names }) => [names.shortNames, names.categories])).toEqual([
    [['kmod'], ['kmm']],
    [['mcm'], ['kmm']],
    [['mimg'], ['kmm']],
  ]);
  expect(names.every(({ versions }) => 'status' in (versions[0]?.subresources ?? {}))).toBe(true);
});
