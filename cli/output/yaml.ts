import { yamlOf } from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';

/** A Kubernetes list, one object at a time. */
export async function* yamlList(kind: string, objects: AsyncIterable<KubeObject>): AsyncGenerator<string> {
  yield `---\napiVersion: v1\nkind: ${kind}List\nitems:\n`;
  for await (const object of objects) yield yamlOf([object]);
}
