import * as z from 'zod';

/** One node of an OpenAPI v3 schema, in the structural form that CustomResourceDefinitions demand. */
export interface StructuralSchema {
  [keyword: string]: unknown;
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
}

/** Keywords that zod writes and a structural schema has no room for. */
const REFUSED = ['oneOf', 'anyOf', 'allOf', 'not', '$ref', 'propertyNames', 'patternProperties'];
/** What `z.int()` adds on its own account: the range of whole numbers in JavaScript. */
const INTEGER_BOUND = Number.MAX_SAFE_INTEGER;

/**
 * The schema of a zod type as a CRD takes it. Keywords under `.meta()`, as `x-kubernetes-validations`, pass.
 * Strictness is not lost: an API server prunes what is not named, or refuses it when the client asks for that.
 *
 * @throws {Error} on a union or another form that is not structural: use flat optional fields and a CEL rule
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' });
  return structural(json as StructuralSchema, '');
}

function structural(node: StructuralSchema, path: string): StructuralSchema {
  const refused = REFUSED.find((keyword) => node[keyword] !== undefined);
  if (refused) throw new Error(`${path || 'schema'}: ${refused} is not structural`);
  if (node['x-kubernetes-embedded-resource'] === true) return embedded(node);
  const { properties, items, additionalProperties, ...rest } = node;
  const kept = Object.entries(rest).filter(([keyword, value]) => isKept(keyword, value, node));
  return {
    ...Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(properties && { properties: each(properties, path) }),
    ...(items && { items: structural(items, `${path}[]`) }),
    ...unnamed(node, additionalProperties, path),
  };
}

function each(properties: Record<string, StructuralSchema>, path: string) {
  const names = Object.keys(properties).sort();
  return Object.fromEntries(
    names.map((name) => [name, structural(properties[name] ?? {}, `${path}.${name}`)]),
  );
}

/** `false` is pruning, which needs no word; `{}` keeps what is not named; a schema makes it a map. */
function unnamed(node: StructuralSchema, extra: unknown, path: string): StructuralSchema {
  if (!isSchema(extra)) return {};
  if (Object.keys(extra).length > 0) return { additionalProperties: structural(extra, `${path}.*`) };
  return { 'x-kubernetes-preserve-unknown-fields': true, type: node['type'] ?? 'object' };
}

function isKept(keyword: string, value: unknown, node: StructuralSchema): boolean {
  if (keyword === 'minimum') return value !== -INTEGER_BOUND;
  if (keyword === 'maximum') return value !== INTEGER_BOUND;
  // zod's own pattern of a date says the same as the format, at forty times the length.
  if (keyword === 'pattern') return node['format'] !== 'date-time';
  return true;
}

/** The API server knows the parts of an embedded object itself and refuses to be told about its metadata. */
function embedded({ description }: StructuralSchema): StructuralSchema {
  return {
    ...(description !== undefined && { description }),
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  };
}

const isSchema = (value: unknown): value is StructuralSchema => typeof value === 'object' && value !== null;
