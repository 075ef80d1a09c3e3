import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubeObject } from '@kmm-fleet/runtime';
import { parseAllDocuments } from 'yaml';

/** Values of the `${NAME}` places in the demo's YAML. What is not named here stays: templates of KMM look the same. */
export type ManifestValues = Readonly<Record<string, string>>;

/** Folder of the demo's files in the lab room. */
export const demoFolder = (...parts: readonly string[]) =>
  join(dirname(fileURLToPath(import.meta.resolve('@kmm-fleet/lab'))), 'demo', ...parts);

/** Writes the YAML that a user applies to the hub, ready to use, and returns the paths in order. */
export function writeManifests(target: string, values: ManifestValues): string[] {
  mkdirSync(target, { recursive: true });
  return readdirSync(demoFolder('hub'))
    .sort()
    .map((name) => {
      const path = join(target, name);
      writeFileSync(path, fill(readFileSync(demoFolder('hub', name), 'utf8'), values), { mode: 0o600 });
      return path;
    });
}

/** Objects that the lab itself puts on each spoke: the pull secret, which KMM never copies. */
export function spokeObjects(values: ManifestValues): KubeObject[] {
  return readObjects(fill(readFileSync(demoFolder('spoke', 'repo-pull-secret.yaml'), 'utf8'), values));
}

/** Objects of a YAML text, with kubectl's reading of YAML 1.1. */
export function readObjects(text: string): KubeObject[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      const [error] = document.errors;
      if (error) throw error;
      return document.toJS() as KubeObject | null;
    })
    .filter((object) => object !== null);
}

function fill(text: string, values: ManifestValues): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
