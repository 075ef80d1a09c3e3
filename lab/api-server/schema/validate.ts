import { RE2JS } from 're2js';
import type { StatusCause } from '../api-error.ts';
import { evaluateRule } from './cel.ts';
import { isObject, type JsonObject, memberSchema, type Schema } from './structural.ts';

/**
 * What is wrong with a value, field by field, in kube-apiserver's words.
 * @param old what was in its place before, for rules about changes
 */
export function validate(
  value: unknown,
  schema: Schema,
  path = '',
  isRoot = true,
  old?: unknown,
): StatusCause[] {
  if (value === null && schema.nullable) return [];
  const wrongType = typeProblem(value, schema);
  if (wrongType) return [cause('FieldValueTypeInvalid', path, wrongType)];
  const causes = [...scalarProblems(value, schema, path)];
  if (Array.isArray(value)) causes.push(...listProblems(value, schema, path, old));
  if (isObject(value)) causes.push(...objectProblems(value, schema, path, isRoot, old));
  // Rules speak about values of the right shape only.
  return causes.length > 0 ? causes : ruleProblems(value, schema, path, old);
}

function typeProblem(value: unknown, schema: Schema): string | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    return Number.isInteger(value) || typeof value === 'string'
      ? undefined
      : 'Invalid value: must be an integer or a string';
  }
  if (!schema.type) return undefined;
  const actual = Array.isArray(value)
    ? 'array'
    : value === null
      ? 'null'
      : typeof value === 'number' && Number.isInteger(value)
        ? 'integer'
        : typeof value;
  const fits = actual === schema.type || (schema.type === 'number' && actual === 'integer');
  return fits ? undefined : `Invalid value: "${actual}": must be of type ${schema.type}: "${actual}"`;
}

function* scalarProblems(value: unknown, schema: Schema, path: string): Generator<StatusCause> {
  if (schema.enum && !schema.enum.includes(value)) {
    const list = schema.enum.map((item) => JSON.stringify(item)).join(', ');
    yield cause(
      'FieldValueNotSupported',
      path,
      `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
    );
  }
  if (typeof value === 'string') {
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
    const { length } = Array.from(value);
    if (length < minLength)
      yield cause(
        'FieldValueInvalid',
        path,
        `Invalid value: "${value}": should be at least ${minLength} chars long`,
      );
    if (length > maxLength)
      yield cause('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`);
    if (pattern && !RE2JS.compile(pattern).matcher(value).find()) {
      yield cause('FieldValueInvalid', path, `Invalid value: "${value}": should match '${pattern}'`);
    }
  }
  if (typeof value === 'number') {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
    if (value < minimum)
      yield cause(
        'FieldValueInvalid',
        path,
        `Invalid value: ${value}: should be greater than or equal to ${minimum}`,
      );
    if (value > maximum)
      yield cause(
        'FieldValueInvalid',
        path,
        `Invalid value: ${value}: should be less than or equal to ${maximum}`,
      );
  }
}

function listProblems(list: readonly unknown[], schema: Schema, path: string, old: unknown): StatusCause[] {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  const causes: StatusCause[] = [];
  if (list.length < minItems)
    causes.push(
      cause(
        'FieldValueInvalid',
        path,
        `Invalid value: ${list.length}: should have at least ${minItems} items`,
      ),
    );
  if (list.length > maxItems)
    causes.push(
      cause('FieldValueTooMany', path, `Too many: ${list.length}: must have at most ${maxItems} items`),
    );
  const keys = list.map((item) => itemKey(item, schema));
  for (const [index, key] of keys.entries()) {
    if (key !== undefined && keys.indexOf(key) < index)
      causes.push(cause('FieldValueDuplicate', `${path}[${index}]`, `Duplicate value: ${key}`));
  }
  const { items } = schema;
  if (!items) return causes;
  // Only items with a key can be told again after a change; the rest counts as new.
  const before = new Map(
    (Array.isArray(old) ? old : []).map((item: unknown) => [itemKey(item, schema), item] as const),
  );
  const oldOf = (key: string | undefined) => (key === undefined ? undefined : before.get(key));
  const inItems = list.flatMap((item, index) =>
    validate(item, items, `${path}[${index}]`, false, oldOf(keys[index])),
  );
  return [...causes, ...inItems];
}

function itemKey(item: unknown, schema: Schema): string | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return JSON.stringify(item);
  if (schema['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined;
  return JSON.stringify(
    Object.fromEntries((schema['x-kubernetes-list-map-keys'] ?? []).map((key) => [key, item[key]])),
  );
}

function objectProblems(
  object: JsonObject,
  schema: Schema,
  path: string,
  isRoot: boolean,
  old: unknown,
): StatusCause[] {
  const before = isObject(old) ? old : {};
  const field = (name: string) => (path ? `${path}.${name}` : name);
  const missing = (schema.required ?? [])
    .filter((name) => object[name] === undefined)
    .map((name) => cause('FieldValueRequired', field(name), 'Required value'));
  const members = Object.entries(object).flatMap(([name, member]) => {
    const known =
      isRoot && ['apiVersion', 'kind', 'metadata'].includes(name) ? undefined : memberSchema(schema, name);
    return known && member !== undefined ? validate(member, known, field(name), false, before[name]) : [];
  });
  return [...missing, ...countProblems(object, schema, path), ...members];
}

function countProblems(object: JsonObject, schema: Schema, path: string): StatusCause[] {
  const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = schema;
  const count = Object.keys(object).length;
  if (count < minProperties) {
    const message = `Invalid value: ${count}: should have at least ${minProperties} properties`;
    return [cause('FieldValueInvalid', path, message)];
  }
  if (count <= maxProperties) return [];
  return [
    cause('FieldValueTooMany', path, `Too many: ${count}: must have at most ${maxProperties} properties`),
  ];
}

function ruleProblems(value: unknown, schema: Schema, path: string, old: unknown): StatusCause[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule, message }) => {
    const problem = evaluateRule(rule, value, old);
    if (problem === undefined) return [];
    const shown = Array.isArray(value) ? '"array"' : isObject(value) ? '"object"' : JSON.stringify(value);
    return [
      cause(
        'FieldValueInvalid',
        path || '<nil>',
        `Invalid value: ${shown}: ${problem || message || `failed rule: ${rule}`}`,
      ),
    ];
  });
}

function cause(reason: string, field: string, message: string): StatusCause {
  return { reason, field, message };
}
