import { readdirSync, readFileSync } from 'node:fs';
import type { KubeObject } from '@kmm-fleet/runtime';
import { parseAllDocuments } from 'yaml';
import manifest from '../package.json' with { type: 'json' };

export const currentVersion = manifest.version;

export const wireFolder = (version: string): URL => new URL(`${version}/`, import.meta.url);

/** One module on one cluster of a version, as it was on the wire when nothing changed any more. */
export interface Recording {
  readonly version: string;
  readonly name: string;
  readonly text: string;
  /** What the user asked the hub for, and what the hub made of what came back. */
  readonly mcm: KubeObject;
  /** From hub to spoke. */
  readonly work: KubeObject;
  /** From spoke to hub: its status, of which the hub's work says what is fed back. */
  readonly module: KubeObject;
  readonly claims: readonly KubeObject[];
}

/** Recordings of all versions. */
export function readRecordings(): Recording[] {
  const versions = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return versions.flatMap(({ name: version }) =>
    readdirSync(wireFolder(version)).map((file) => {
      const text = readFileSync(new URL(file, wireFolder(version)), 'utf8');
      const [mcm, work, module, ...claims] = parseAllDocuments(text).map(
        (document) => document.toJS() as KubeObject,
      );
      if (!mcm || !work || !module) throw new Error(`e2e/wire/${version}/${file} is not whole`);
      return { version, name: file.replace('.yaml', ''), text, mcm, work, module, claims };
    }),
  );
}
