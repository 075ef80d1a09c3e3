import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRegistry, createRegistryTransport, type RegistryTransport } from '@kmm-fleet/images';
import { createFakeBuilder } from '@kmm-fleet/images/testing';
import { type Defer, type ServerCertificates, startAll, startRegistry } from '@kmm-fleet/lab';
import { systemClock as clock, type KubeObject, systemRandom as random } from '@kmm-fleet/runtime';

/** As the install page calls it. */
const PULL_SECRET = 'registry-login';
const LOGIN = { username: 'kmm', password: 's3cret' };

/** A real registry with the image of one kernel module, for stories that are not about builds. */
export interface DriverRegistry {
  readonly address: string;
  readonly transport: RegistryTransport;
  readonly login: { readonly username: string; readonly password: string };
  /** With its login. */
  pullSecret(namespace: string): KubeObject;
  /** The module on clusters and nodes with these labels. */
  managedClusterModule(name: string, clusters: Labels, nodes: Labels): KubeObject;
  stop(): Promise<void>;
}

type Labels = Readonly<Record<string, string>>;

export const startDriverRegistry = (
  directory: string,
  certificates: ServerCertificates,
  kernel: string,
): Promise<DriverRegistry> => startAll((defer) => start(directory, certificates, kernel, defer));

async function start(
  directory: string,
  certificates: ServerCertificates,
  kernel: string,
  defer: Defer,
): Promise<Omit<DriverRegistry, 'stop'>> {
  const storage = join(directory, 'registry');
  const registry = await startRegistry({ directory, storage, certificate: certificates.server, ...LOGIN });
  defer(() => registry.stop());
  const transport = createRegistryTransport(readFileSync(certificates.ca, 'utf8'));
  const dockerConfig = JSON.stringify({ auths: { [registry.address]: LOGIN } });
  const image = `${registry.address}/kmod:v1`;
  await createFakeBuilder(createRegistry({ transport, clock, random })).build({
    dockerfile: '# module {"name":"kmod"}\nFROM scratch\n',
    buildArgs: { KERNEL_FULL_VERSION: kernel },
    secrets: [],
    target: image,
    labels: {},
    baseAccess: {},
    targetAccess: { dockerConfig },
  });
  return {
    address: registry.address,
    transport,
    login: LOGIN,
    pullSecret: (namespace) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: PULL_SECRET },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(dockerConfig).toString('base64') },
    }),
    managedClusterModule: (name, clusters, nodes) => ({
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name },
      spec: {
        spokeNamespace: 'openshift-kmm',
        selector: clusters,
        moduleSpec: {
          selector: nodes,
          imageRepoSecret: { name: PULL_SECRET },
          moduleLoader: {
            container: {
              modprobe: { moduleName: 'kmod' },
              kernelMappings: [{ regexp: '^.+$', containerImage: image }],
            },
          },
        },
      },
    }),
  };
}
