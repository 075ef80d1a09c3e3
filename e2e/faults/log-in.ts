import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Defer,
  type FaultProxy,
  type Plane,
  type ServerCertificates,
  startFaultProxy,
  type TokenAccount,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import type { KubeClient } from '@kmm-fleet/runtime';
import { type AccountTokens, accountTokens } from './account-tokens.ts';

/** How a program reaches an API server: through a proxy, by the token of a service account in a file. */
export interface LogIn {
  readonly kubeconfig: string;
  readonly proxy: FaultProxy;
  readonly tokens: AccountTokens;
}

/**
 * @param of.name of its files in the directory
 * @param of.client of the administrator
 */
export async function logIn(
  of: {
    readonly name: string;
    readonly plane: Plane;
    readonly account: TokenAccount;
    readonly client: KubeClient;
    readonly directory: string;
    readonly certificates: ServerCertificates;
  },
  defer: Defer,
): Promise<LogIn> {
  const { name, plane, account, client, certificates } = of;
  const path = (kind: string) => join(of.directory, `${name}.${kind}`);
  const ca = readFileSync(certificates.ca, 'utf8');
  const proxy = await startFaultProxy({ target: plane.url, certificate: certificates.server, ca });
  defer(() => proxy.close());
  const tokens = await accountTokens(path('token'), { plane, account, client, proxy });
  defer(() => tokens.close());
  const access = { name, server: proxy.url, tokenFile: tokens.file };
  writeKubeconfig(path('kubeconfig'), certificates.ca, [access]);
  return { kubeconfig: path('kubeconfig'), proxy, tokens };
}
