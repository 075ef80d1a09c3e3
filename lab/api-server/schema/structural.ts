/** A structural schema as CRDs hold it. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Schema of a member: a named property, or what additional properties must be. */
export function memberSchema(schema: Schema | undefined, name: string): Schema | undefined {
  const named = schema?.properties?.[name];
  if (named) return named;
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** Removes what the schema does not know and fills in its defaults; returns a new value. */
export function conform(value: unknown, schema: Schema, isRoot = false): unknown {
  if (Array.isArray(value))
    return schema.items ? value.map((item) => conform(item, schema.items as Schema)) : value;
  if (!isObject(value)) return value;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true || isRoot;
  const result: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    const known = memberSchema(schema, name);
    const isIdentity = isEmbedded && ['apiVersion', 'kind', 'metadata'].includes(name);
    if (isIdentity) result[name] = member;
    else if (known)
      result[name] =
        member === null && known.default !== undefined && !known.nullable
          ? structuredClone(known.default)
          : conform(member, known);
    else if (keepsUnknown || schema.additionalProperties === true) result[name] = member;
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (result[name] === undefined && property.default !== undefined)
      result[name] = conform(structuredClone(property.default), property);
  }
  return result;
}

/** Paths of fields that the schema does not know: what pruning would drop. */
export function unknownFields(value: unknown, schema: Schema, path = '', isRoot = true): string[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items
      ? value.flatMap((item, index) => unknownFields(item, items, `${path}[${index}]`, false))
      : [];
  }
  if (!isObject(value)) return [];
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true || isRoot;
  const keepsUnknown =
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  return Object.entries(value).flatMap(([name, member]) => {
    if (isEmbedded && ['apiVersion', 'kind', 'metadata'].includes(name)) return [];
    const at = path ? `${path}.${name}` : name;
    const known = memberSchema(schema, name);
    if (known) return unknownFields(member, known, at, false);
    return keepsUnknown ? [] : [at];
  });
}
