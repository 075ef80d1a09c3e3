import type { KubeObject } from './object.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface Version {
  readonly name: string;
  readonly served?: boolean;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
}

/**
 * Fields that the definition of a kind lacks, or has as another type: what is written there would be dropped or
 * refused. What it has besides does no harm: a newer version may have brought it. Pure.
 */
export function definitionGaps(wanted: KubeObject, found: KubeObject): string[] {
  const there = versionsOf(found);
  return versionsOf(wanted).flatMap(({ name, schema }) => {
    const version = there.find((candidate) => candidate.name === name && candidate.served);
    if (!version) return [name];
    return schemaGaps(name, schema?.openAPIV3Schema, version.schema?.openAPIV3Schema);
  });
}

const versionsOf = (definition: KubeObject) =>
  (definition['spec'] as { readonly versions?: readonly Version[] } | undefined)?.versions ?? [];

function schemaGaps(path: string, wanted: Schema | undefined, found: Schema | undefined): string[] {
  if (!wanted) return [];
  if (!found || (wanted.type && wanted.type !== found.type)) return [path];
  if (found['x-kubernetes-preserve-unknown-fields']) return [];
  const values = (schema: Schema) =>
    typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return [
    ...Object.entries(wanted.properties ?? {}).flatMap(([name, inner]) =>
      schemaGaps(`${path}.${name}`, inner, found.properties?.[name]),
    ),
    ...schemaGaps(`${path}[]`, wanted.items, found.items),
    ...schemaGaps(`${path}.*`, values(wanted), values(found)),
  ];
}
