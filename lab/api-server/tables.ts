import type { Clock, KubeObject } from '@kmm-fleet/runtime';
import { readJsonPath } from './json-path.ts';
import type { Column, HostedKind } from './kinds.ts';

const NAME: Column = { name: 'Name', type: 'string', jsonPath: '.metadata.name' };
const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** What `kubectl get` prints: columns of the kind, one row per object. */
export function toTable(
  kind: HostedKind,
  objects: readonly KubeObject[],
  clock: Clock,
  metadata: object = {},
  included = 'Metadata',
): object {
  // Who declares columns of a custom resource declares all; built-in kinds have an age without saying so.
  const hasAge = kind.schema
    ? kind.columns.length > 0
    : kind.columns.some(({ name }) => name === 'Age' || name === 'Last Seen');
  // Nobody looks for an event by its name.
  const columns =
    kind.kind === 'Event'
      ? [...kind.columns, { ...NAME, priority: 1 }]
      : [NAME, ...kind.columns, ...(hasAge ? [] : [AGE])];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type, priority = 0 }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => cell(object, column, clock)),
      ...(included !== 'None' && { object: included === 'Object' ? object : partial(object) }),
    })),
  };
}

/** What is left of an object for who asks for its metadata alone. */
export const partial = ({ metadata }: KubeObject) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

function cell(object: KubeObject, { jsonPath, type, value: told }: Column, clock: Clock): unknown {
  const value = told ? told(object) : readJsonPath(object, jsonPath)[0];
  if (value === undefined || value === null) return type === 'string' ? '' : null;
  if (type === 'date' && typeof value === 'string') return age(clock.now() - Date.parse(value));
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

/** A duration as kubectl words it: 45s, 12m, 3h20m, 5d. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
