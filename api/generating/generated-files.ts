import { stringify } from 'yaml';
import { apiPage } from './api-page.ts';
import { customResourceDefinition, type Definition } from './custom-resource-definition.ts';
import { OCM, OWN } from './definitions.ts';
import { reasonsPage } from './reasons-page.ts';

const HEADER = '# Generated from the schemas in api/kinds by `make generate`. Do not edit.\n';

/** Every generated file: its path in the repository and its whole text, sorted by path. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files: (readonly [string, string])[] = [
    ...OWN.map(file('api/crds')),
    ...OCM.map(file('lab/crds')),
    ['docs/api.md', apiPage()],
    ['docs/reasons.md', reasonsPage()],
  ];
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Paths of generated files that `read` does not have, or has with another text. */
export function driftedFiles(read: (path: string) => string | undefined): readonly string[] {
  return [...generatedFiles()].filter(([path, text]) => read(path) !== text).map(([path]) => path);
}

const file =
  (folder: string) =>
  (definition: Definition): readonly [string, string] => {
    const crd = customResourceDefinition(definition);
    return [`${folder}/${definition.resource.plural}.yaml`, `${HEADER}${yaml(crd)}`];
  };

/** No anchors and no folding: the same schema gives the same bytes, whatever shares an object in memory. */
const yaml = (value: unknown) => stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
