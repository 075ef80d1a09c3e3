import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPERATOR } from '@kmm-fleet/api';
import type { RealRegistry } from '@kmm-fleet/lab';
import type { KubeObject } from '@kmm-fleet/runtime';
import { parseAllDocuments } from 'yaml';

/** Values of the `${NAME}` places in the demo's YAML. What is not named here stays: templates of KMM look the same. */
export type ManifestValues = Readonly<Record<string, string>>;

/** Values for a registry, and the key pair that modules are signed with: a key in PEM, a certificate in DER or PEM. */
export function manifestValues(of: {
  readonly registry: Pick<RealRegistry, 'address' | 'username' | 'password'>;
  readonly runtime: string;
  readonly key: Buffer;
  readonly certificate: Buffer;
}): ManifestValues {
  const { address, username, password } = of.registry;
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const config = JSON.stringify({ auths: { [address]: { auth } } });
  return {
    REGISTRY: address,
    LAB_RUNTIME: of.runtime,
    SIGNING_KEY_BASE64: of.key.toString('base64'),
    SIGNING_CERT_BASE64: of.certificate.toString('base64'),
    DOCKER_CONFIG_BASE64: Buffer.from(config).toString('base64'),
  };
}

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

/** What an administrator of the hub says once: which toolkit image serves which kernels. */
export function toolkits(image: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: OPERATOR.toolkits, namespace: OPERATOR.hubNamespace },
    data: { debian: `^.+-amd64$ ${image}` },
  };
}
