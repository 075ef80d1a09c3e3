import { writeFileSync } from 'node:fs';

const EXEC = 'client.authentication.k8s.io/v1';

/** Writes a kubeconfig of one cluster and one user. */
export function writeConfig(path: string, cluster: object, user: object): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** A user by a plugin, which gives this credential until it is written again. */
export function writePlugin(path: string, status: object): { readonly exec: object } {
  const answer = { apiVersion: EXEC, kind: 'ExecCredential', status };
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(answer)}\nEND\n`, { mode: 0o755 });
  return { exec: { apiVersion: EXEC, command: path, interactiveMode: 'Never' } };
}
