import type { KubeObject } from '@kmm-fleet/runtime';
import { stringify } from 'yaml';

/** Text files by their path in the folder. */
export type Folder = Readonly<Record<string, string>>;

/** No anchors and no folding: tools that read what we print are not all complete YAML parsers. */
const OPTIONS = { aliasDuplicateObjects: false, lineWidth: 0 } as const;

/** One YAML document. */
export const toYaml = (object: KubeObject): string => `---\n${yamlOf(object)}`;

export const yamlOf = (value: unknown): string => stringify(value, OPTIONS);
