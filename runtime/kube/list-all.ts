import type { KubeClient, ListOptions } from './client.ts';
import type { KubeObject, ResourceType } from './object.ts';

/** All objects of a kind at once, for tools and tests; controllers read caches. */
export async function listAll<T = KubeObject>(
  client: Pick<KubeClient, 'list'>,
  type: ResourceType,
  options: ListOptions = {},
  signal?: AbortSignal,
): Promise<T[]> {
  const objects: KubeObject[] = [];
  for await (const page of client.list(type, options, signal)) objects.push(...page.items);
  return objects as unknown as T[];
}
