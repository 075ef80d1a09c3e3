import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '@kmm-fleet/runtime';
import { parseAllDocuments } from 'yaml';
import { toolModuleFolder } from './tools.ts';

const MODULE = 'open-cluster-management.io';
export const PROPAGATOR_NAMESPACE = 'open-cluster-management';

export const namespaceObject = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

/** Kinds of the propagator, and PlacementRule, which is of a module that it requires. */
export async function policyHubObjects(): Promise<KubeObject[]> {
  const crds = join(
    await toolModuleFolder('propagator', `${MODULE}/governance-policy-propagator`),
    'deploy/crds',
  );
  const rules = await toolModuleFolder('propagator', `${MODULE}/multicloud-operators-subscription`);
  return [
    ...definitionsIn(crds),
    ...definitionsIn(join(crds, 'external')),
    ...readDefinitions(
      join(rules, 'deploy/hub-common/apps.open-cluster-management.io_placementrules_crd.yaml'),
    ),
    namespaceObject(PROPAGATOR_NAMESPACE),
  ];
}

export async function policyClusterObjects(): Promise<KubeObject[]> {
  const folder = await toolModuleFolder('policy-controller', `${MODULE}/config-policy-controller`);
  return definitionsIn(join(folder, 'deploy/crds'));
}

const definitionsIn = (folder: string) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => readDefinitions(join(folder, file)));

const readDefinitions = (path: string) =>
  parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as KubeObject);
