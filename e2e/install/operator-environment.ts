import { join } from 'node:path';
import { freePort, type Plane, requestToken, writeKubeconfig } from '@kmm-fleet/lab';
import type { KubeObject } from '@kmm-fleet/runtime';

interface Workload extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly [{ readonly env: readonly Variable[] }];
      };
    };
  };
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

/**
 * How a kubelet would start the operator of a hub or cluster: the variables that its Deployment says, and a token of its
 * service account. Ports are of the whole machine here, so each has one of its own.
 */
export async function operatorEnvironment(
  plane: Plane,
  deployment: KubeObject,
  directory: string,
  ca: string,
): Promise<Readonly<Record<string, string>>> {
  const { namespace = '' } = deployment.metadata;
  const { serviceAccountName, containers } = (deployment as Workload).spec.template.spec;
  const token = await requestToken(plane, { namespace, name: serviceAccountName });
  const path = join(directory, `${plane.name}-operator.kubeconfig`);
  writeKubeconfig(path, ca, [{ name: plane.name, server: plane.url, token }]);
  const env = containers[0].env.map(({ name, value, valueFrom }) => [
    name,
    valueFrom?.fieldRef.fieldPath === 'metadata.namespace' ? namespace : (value ?? ''),
  ]);
  const port = String(await freePort());
  return {
    ...Object.fromEntries(env),
    ...{ HEALTH_PORT: port, KUBECONFIG: path, KMM_REGISTRY_CA_FILE: ca },
    KMM_BUILD_DIR: join(directory, `${plane.name}-builds`),
  };
}
