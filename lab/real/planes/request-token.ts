import { text as readText } from 'node:stream/consumers';
import { createHttpTransport } from '@kmm-fleet/runtime';
import type { Plane } from './plane.ts';

export interface TokenAccount {
  readonly namespace: string;
  readonly name: string;
}

/**
 * A token of a service account, as a kubelet asks for one.
 *
 * @param spec of the TokenRequest: what the token is bound to, for one
 */
export async function requestToken(
  plane: Pick<Plane, 'connection'>,
  { namespace, name }: TokenAccount,
  spec: object = {},
): Promise<string> {
  const transport = createHttpTransport(plane.connection());
  try {
    const { status, body } = await transport.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }),
    });
    const text = await readText(body);
    if (status !== 201) throw new Error(`no token for ${namespace}/${name}: ${text}`);
    return (JSON.parse(text) as { status: { token: string } }).status.token;
  } finally {
    await transport.close();
  }
}
