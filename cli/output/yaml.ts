import type { KubeObject } from '@kmm-fleet/runtime';
import { stringify } from 'yaml';

/** No anchors and no folding: tools that read must-gathers are not all complete YAML parsers. */
const OPTIONS = { aliasDuplicateObjects: false, lineWidth: 0 } as const;

export const toYaml = (object: KubeObject): string => `---\n${stringify(object, OPTIONS)}`;

/** A Kubernetes list, one object at a time. */
export async function* yamlList(kind: string, objects: AsyncIterable<KubeObject>): AsyncGenerator<string> {
  yield `---\napiVersion: v1\nkind: ${kind}List\nitems:\n`;
  for await (const object of objects) yield stringify([object], OPTIONS);
}
