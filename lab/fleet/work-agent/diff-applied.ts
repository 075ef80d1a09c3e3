import type { AppliedResource } from './work-view.ts';

/** What a work had applied before and no longer names. Versions do not count: the object is the same. */
export function untrackedResources(
  before: readonly AppliedResource[],
  now: readonly Pick<AppliedResource, 'group' | 'resource' | 'namespace' | 'name'>[],
): AppliedResource[] {
  const kept = new Set(now.map(identity));
  return before.filter((resource) => !kept.has(identity(resource)));
}

/** Entries of the status: each object once, sorted. Later ones replace earlier ones. */
export function sortResources(resources: readonly AppliedResource[]): AppliedResource[] {
  const unique = new Map(resources.map((resource) => [identity(resource), resource]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource);
}

export function identity({
  group,
  resource,
  namespace,
  name,
}: Pick<AppliedResource, 'group' | 'resource' | 'namespace' | 'name'>): string {
  return [group, resource, namespace, name].join('\0');
}
