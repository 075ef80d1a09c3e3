import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';

/** An API server, and who somebody is there: by a token, or by that in a file. */
export type KubeAccess = {
  readonly name: string;
  readonly server: string;
} & ({ readonly token: string } | { readonly tokenFile: string });

/** Writes a kubeconfig with one context per API server; the first is the current one. Readable by the owner only. */
export function writeKubeconfig(file: string, caFile: string, accesses: readonly KubeAccess[]): void {
  const ca = readFileSync(caFile).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': accesses[0]?.name ?? '',
    clusters: accesses.map(({ name, server }) => ({
      name,
      cluster: { server, 'certificate-authority-data': ca },
    })),
    users: accesses.map((access) => ({
      name: access.name,
      user: 'token' in access ? { token: access.token } : { tokenFile: access.tokenFile },
    })),
    contexts: accesses.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
  };
  writeFileSync(file, stringify(config), { mode: 0o600 });
}
