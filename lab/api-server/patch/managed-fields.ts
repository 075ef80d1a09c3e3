import { deepEqual, type KubeObject } from '@kmm-fleet/runtime';
import { ApiError, type StatusCause } from '../api-error.ts';
import { isObject, type JsonObject, memberSchema, type Schema } from '../schema/structural.ts';
import { type FieldSet, fieldsOf, fromFieldsV1, toFieldsV1, valueAt, withoutField } from './field-set.ts';
import { itemKey, listTypeOf } from './list-types.ts';

/** Who wrote which fields, and how. */
interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly fields: FieldSet;
}

export interface Writer {
  readonly manager: string;
  readonly subresource: string;
  /** RFC 3339 */
  readonly time: string;
}

export interface ApplyContext {
  readonly schema: Schema | undefined;
  readonly isCustom: boolean;
  readonly writer: Writer;
  readonly force: boolean;
}

/**
 * Server-side apply: what the manager says is merged in, what it said before and no longer says goes unless somebody
 * else owns it too; a field that another manager owns with another value is a conflict, or is taken over by force.
 */
export function applyObject(live: KubeObject, config: KubeObject, context: ApplyContext): KubeObject {
  const { schema, isCustom, writer, force } = context;
  const managers = readManagers(live);
  const own = managers.find((manager) => isSame(manager, writer, 'Apply'));
  const others = managers.filter((manager) => manager !== own);
  const applied = fieldsOf(config, schema, isCustom);
  const conflicts = others.flatMap((manager) =>
    [...applied]
      .filter(
        ([key, path]) => manager.fields.has(key) && !deepEqual(valueAt(live, path), valueAt(config, path)),
      )
      .map(([key, path]) => ({ manager: describeManager(manager), key, path })),
  );
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  let merged = mergeApplied(live, config, '', schema, isCustom) as JsonObject;
  // An item of a list before its fields: without the one that is its key it could not be found any more.
  for (const [key, path] of [...(own?.fields ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const isOwnedByOthers = others.some(({ fields }) => owns(fields, key));
    if (!applied.has(key) && !isOwnedByOthers && !isParentOf(applied, key))
      merged = withoutField(merged, path);
  }
  const taken = new Set(conflicts.map(({ key }) => key));
  const left = others.map((manager) => ({ ...manager, fields: without(manager.fields, taken) }));
  const entry: Manager = { ...entryFor(config, writer, 'Apply'), fields: applied };
  const isUnchanged = own && deepEqual(toFieldsV1(own.fields), toFieldsV1(applied));
  return withManagers(merged as KubeObject, [...left, isUnchanged ? { ...entry, time: own.time } : entry]);
}

/** Records an update by something else than apply: changed fields belong to the writer, vanished ones to nobody. */
export function trackUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  context: Omit<ApplyContext, 'force'>,
): KubeObject {
  const { schema, isCustom, writer } = context;
  const now = fieldsOf(after, schema, isCustom);
  const changed: FieldSet = new Map(
    [...now].filter(([, path]) => !before || !deepEqual(valueAt(before, path), valueAt(after, path))),
  );
  const changedKeys = new Set(changed.keys());
  const managers = readManagers(after).map((manager) => ({
    ...manager,
    fields: new Map(
      [...manager.fields].filter(
        ([key]) => now.has(key) && (!changedKeys.has(key) || isSame(manager, writer, 'Update')),
      ),
    ),
  }));
  if (changed.size === 0) return withManagers(after, managers);
  const own = managers.find((manager) => isSame(manager, writer, 'Update'));
  const fields = new Map([...(own?.fields ?? []), ...changed]);
  return withManagers(after, [
    ...managers.filter((manager) => manager !== own),
    { ...entryFor(after, writer, 'Update'), fields },
  ]);
}

function mergeApplied(
  live: unknown,
  config: unknown,
  field: string,
  schema: Schema | undefined,
  isCustom: boolean,
): unknown {
  if (isObject(config) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    const merged: JsonObject = isObject(live) ? { ...live } : {};
    for (const [name, value] of Object.entries(config)) {
      if (name === 'managedFields' || value === undefined) continue;
      merged[name] = mergeApplied(merged[name], value, name, memberSchema(schema, name), isCustom);
    }
    return merged;
  }
  if (!Array.isArray(config) || !Array.isArray(live)) return config;
  const type = listTypeOf(field, schema, isCustom);
  if (type.type === 'atomic') return config;
  if (type.type === 'set') return [...new Set([...live, ...config])];
  const wanted = new Map(config.map((item) => [itemKey(item, type.keys), item as unknown]));
  const kept = live.map((item: unknown) => {
    const key = itemKey(item, type.keys);
    const update = wanted.get(key);
    wanted.delete(key);
    return update === undefined ? item : mergeApplied(item, update, '', schema?.items, isCustom);
  });
  return [...kept, ...wanted.values()];
}

function readManagers({ metadata }: KubeObject): Manager[] {
  return ((metadata.managedFields ?? []) as JsonObject[]).map((entry) => ({
    manager: String(entry['manager']),
    operation: entry['operation'] as Manager['operation'],
    subresource: (entry['subresource'] as string | undefined) ?? '',
    apiVersion: String(entry['apiVersion']),
    time: String(entry['time']),
    fields: fromFieldsV1((entry['fieldsV1'] as JsonObject | undefined) ?? {}),
  }));
}

function withManagers(object: KubeObject, managers: readonly Manager[]): KubeObject {
  const managedFields = managers
    .filter(({ fields }) => fields.size > 0)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ manager, operation, subresource, apiVersion, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource && { subresource }),
    }));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

const key = ({ manager, operation, subresource }: Manager) => `${manager}\0${operation}\0${subresource}`;

function entryFor(
  { apiVersion }: KubeObject,
  { manager, subresource, time }: Writer,
  operation: Manager['operation'],
) {
  return { manager, operation, subresource, apiVersion, time };
}

function isSame(entry: Manager, writer: Writer, operation: Manager['operation']): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === operation &&
    entry.subresource === writer.subresource
  );
}

const without = (fields: FieldSet, keys: ReadonlySet<string>): FieldSet =>
  new Map([...fields].filter(([name]) => !keys.has(name)));

/** A field is owned when it, or something below it, is. */
const owns = (fields: FieldSet, name: string) => fields.has(name) || isParentOf(fields, name);

const isParentOf = (fields: FieldSet, name: string) =>
  [...fields.keys()].some((other) => other.startsWith(`${name}\0`));

/** `"name"`, and for an update by what version and when, as kube-apiserver words it. */
function describeManager({ manager, operation, subresource, apiVersion, time }: Manager): string {
  const part = subresource ? ` with subresource "${subresource}"` : '';
  const when = operation === 'Update' ? ` using ${apiVersion} at ${time}` : '';
  return `"${manager}"${part}${when}`;
}

interface FieldConflict {
  /** As a message describes it. */
  readonly manager: string;
  readonly path: readonly string[];
}

function conflictError(conflicts: readonly FieldConflict[]): ApiError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field: readablePath(path),
  }));
  const [first] = causes;
  if (first && causes.length === 1)
    return refused(`Apply failed with 1 conflict: ${first.message}: ${first.field}`, causes);
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].sort();
  const lines = managers.flatMap((manager) => [
    `conflicts with ${manager}:`,
    ...conflicts.filter((one) => one.manager === manager).map(({ path }) => `- ${readablePath(path)}`),
  ]);
  return refused(`Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`, causes);
}

const refused = (message: string, causes: readonly StatusCause[]) =>
  new ApiError(409, 'Conflict', message, causes);

/** `.spec.parts[name="a"].weight` */
function readablePath(path: readonly string[]): string {
  const step = (part: string) => {
    const text = part.slice(2);
    if (part.startsWith('v:')) return `[=${text}]`;
    if (!part.startsWith('k:')) return `.${text}`;
    const keys = Object.entries(JSON.parse(text) as JsonObject);
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
  };
  return path
    .filter((part) => part !== '.')
    .map(step)
    .join('');
}
