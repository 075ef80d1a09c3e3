import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { writeKubeconfig } from '@kmm-fleet/cli';
import { freePort, type Plane } from '@kmm-fleet/lab';
import { createHttpTransport, type KubeObject } from '@kmm-fleet/runtime';

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
export async function installedOperator(
  plane: Plane,
  deployment: KubeObject,
  directory: string,
  ca: string,
): Promise<Readonly<Record<string, string>>> {
  const { namespace = '' } = deployment.metadata;
  const { serviceAccountName, containers } = (deployment as Workload).spec.template.spec;
  const token = await requestToken(plane, namespace, serviceAccountName);
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

async function requestToken(plane: Plane, namespace: string, account: string): Promise<string> {
  const transport = createHttpTransport(plane.connection());
  const { status, body } = await transport.request({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  const text = await readText(body);
  await transport.close();
  if (status !== 201) throw new Error(`no token for ${namespace}/${account}: ${text}`);
  return JSON.parse(text).status.token;
}
