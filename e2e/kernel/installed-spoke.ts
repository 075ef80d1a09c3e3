import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOST, makeOperatorImages, type RealRegistry } from '@kmm-fleet/lab';
import { editions, operatorObjects } from '@kmm-fleet/policies';
import type { KubeObject, ResourceType } from '@kmm-fleet/runtime';

export const DEPLOYMENT: ResourceType = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};

/** Makes the image of the spoke from this checkout and pushes it. */
export async function pushSpoke(
  image: string,
  { username, password }: RealRegistry,
  ca: string,
  progress: (line: string) => void,
): Promise<void> {
  const images = await makeOperatorImages(join(import.meta.dirname, '../..'), ['kmm-spoke'], progress);
  const certificates = mkdtempSync(join(tmpdir(), 'kmm-certs-'));
  try {
    cpSync(ca, join(certificates, 'ca.crt'));
    const access = ['--cert-dir', certificates, '--creds', `${username}:${password}`];
    // A machine without hardware help takes longer to unpack than to fetch.
    await images.push('kmm-spoke', `docker://${image}`, ['--disable-compression', ...access]);
  } finally {
    rmSync(certificates, { recursive: true, force: true });
  }
}

/**
 * The Deployment that `kmm install spoke` prints. The machines have no service network, so the pod uses their own and
 * is told where the API server is.
 */
export function spokeDeployment(
  image: string,
  { server, node }: { readonly server: string; readonly node: string },
): KubeObject {
  const images = { operator: image, mustGather: image, pullSecret: 'repo-pull-secret' };
  const deployment = operatorObjects(editions.spoke, images).find(({ kind }) => kind === DEPLOYMENT.kind);
  if (!deployment) throw new Error('a spoke without a Deployment');
  const { template, ...spec } = deployment['spec'] as DeploymentSpec;
  const [manager] = template.spec.containers;
  if (!manager) throw new Error('a Deployment without a container');
  // Two emulated cores carry it, a kubelet and whatever modules a scene has: it may be slow, and is not hung.
  const { livenessProbe: _, ...patient } = manager;
  const address = [
    { name: 'KUBERNETES_SERVICE_HOST', value: HOST },
    { name: 'KUBERNETES_SERVICE_PORT', value: new URL(server).port },
  ];
  const pod = {
    ...template.spec,
    hostNetwork: true,
    nodeSelector: { 'kubernetes.io/hostname': node },
    containers: [{ ...patient, resources: SHARE, env: [...patient.env, ...address] }],
  };
  return { ...deployment, spec: { ...spec, template: { ...template, spec: pod } } };
}

const SHARE = { requests: { cpu: '1' } };

interface DeploymentSpec {
  readonly template: {
    readonly spec: {
      readonly containers: readonly { readonly env: readonly object[]; readonly livenessProbe: object }[];
    };
  };
}
