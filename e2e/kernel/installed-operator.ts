import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HOST,
  makeOperatorImages,
  type OperatorImageName,
  type OperatorImages,
  type RealRegistry,
} from '@kmm-fleet/lab';
import { type Edition, operatorObjects } from '@kmm-fleet/policies';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { until } from './patience.ts';

/** Which operator is installed, and what it is called in the registry. */
export interface Installed {
  readonly edition: Edition;
  readonly image: OperatorImageName;
}

const CHECKOUT = join(import.meta.dirname, '../..');

/** Makes the image of an operator from this checkout. */
export const makeOperator = ({ image }: Installed, progress: (line: string) => void) =>
  makeOperatorImages(CHECKOUT, [image], progress);

/** @returns what it is called in the registry */
export async function pushOperator(
  images: OperatorImages,
  name: OperatorImageName,
  { address, username, password }: RealRegistry,
  ca: string,
): Promise<string> {
  const target = `${address}/${name}:e2e`;
  const certificates = mkdtempSync(join(tmpdir(), 'kmm-certs-'));
  try {
    cpSync(ca, join(certificates, 'ca.crt'));
    const access = ['--cert-dir', certificates, '--creds', `${username}:${password}`];
    // A machine without hardware help takes longer to unpack than to fetch.
    await images.push(name, `docker://${target}`, ['--disable-compression', ...access]);
    return target;
  } finally {
    rmSync(certificates, { recursive: true, force: true });
  }
}

/** Where an operator stands that is installed on virtual machines. */
export interface Place {
  /** URL of the API server. */
  readonly server: string;
  readonly node: string;
  /** PEM, of the registry. */
  readonly ca: string;
}

/**
 * What `kmm install` prints: what must be there first, and the Deployment. The machines have no service network, so the
 * pod uses their own and is told where the API server is; an operator that makes images is told whom to trust.
 */
export function installedOperator(edition: Edition, image: string, place: Place) {
  const images = { operator: image, mustGather: image, pullSecret: 'repo-pull-secret' };
  const objects = operatorObjects(edition, images);
  const deployment = objects.find(({ kind }) => kind === CORE.deployment.kind);
  if (!deployment) throw new Error(`a ${edition.name} without a Deployment`);
  const authorities = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: edition.namespace, name: AUTHORITIES },
    data: { 'ca.crt': place.ca },
  };
  return {
    first: [...objects.filter((object) => object !== deployment), authorities],
    deployment: placed(deployment, place),
  };
}

/** Ends what was installed, if anything was; the rest of it may stay. */
export async function uninstallOperator(cluster: KubeClient): Promise<void> {
  const deployments = () => listAll(cluster, CORE.deployment);
  for (const { metadata } of await deployments())
    await cluster.delete(CORE.deployment, metadata, { propagationPolicy: 'Foreground' });
  await until('no operator', async () => (await deployments()).length === 0);
}

const AUTHORITIES = 'registry-authorities';
const AUTHORITIES_FOLDER = '/etc/registry-authorities';

function placed(deployment: KubeObject, { server, node }: Place): KubeObject {
  const { template, ...spec } = deployment['spec'] as DeploymentSpec;
  const [manager] = template.spec.containers;
  if (!manager) throw new Error('a Deployment without a container');
  // An emulated core carries it, a kubelet and whatever modules a scene has: it may be slow, and is not hung.
  const { livenessProbe: _, ...patient } = manager;
  const env = [
    ...patient.env,
    { name: 'KUBERNETES_SERVICE_HOST', value: HOST },
    { name: 'KUBERNETES_SERVICE_PORT', value: new URL(server).port },
    { name: 'KMM_REGISTRY_CA_FILE', value: `${AUTHORITIES_FOLDER}/ca.crt` },
  ];
  const mount = { name: AUTHORITIES, mountPath: AUTHORITIES_FOLDER, readOnly: true };
  const container = { ...patient, resources: SHARE, env, volumeMounts: [...patient.volumeMounts, mount] };
  const pod = {
    ...template.spec,
    hostNetwork: true,
    nodeSelector: { 'kubernetes.io/hostname': node },
    containers: [container],
    volumes: [...template.spec.volumes, { name: AUTHORITIES, configMap: { name: AUTHORITIES } }],
  };
  return { ...deployment, spec: { ...spec, template: { ...template, spec: pod } } };
}

const SHARE = { requests: { cpu: '1' } };

interface DeploymentSpec {
  readonly template: {
    readonly spec: {
      readonly volumes: readonly object[];
      readonly containers: readonly {
        readonly env: readonly object[];
        readonly volumeMounts: readonly object[];
        readonly livenessProbe: object;
      }[];
    };
  };
}
