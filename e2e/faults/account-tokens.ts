import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type FaultProxy,
  type Plane,
  patiently,
  requestToken,
  type TokenAccount,
  until,
} from '@kmm-fleet/lab';
import { CORE, createHttpTransport, createLimiter, type KubeClient } from '@kmm-fleet/runtime';
import { credentialOf } from '../kubeconfig/credential-id.ts';

/** One token that an operator or an agent was given. Times are RFC 3339, by the clock of this machine. */
export interface GivenToken {
  /** As the audit log names it. */
  readonly id: string;
  readonly given: string;
  /** What it was bound to is gone; the API server notices within ten seconds. */
  ended?: string;
}

/** Tokens of a service account in a file, as a kubelet keeps them in a pod. */
export interface AccountTokens {
  readonly file: string;
  /** In the order in which they were given. */
  readonly given: readonly GivenToken[];
  /** Another one is in the file; the one before is as good as it was. */
  rotate(): Promise<void>;
  /** All that were given end; the next one comes so long after who uses them was told 401. */
  end(afterMs: number): Promise<void>;
  close(): Promise<void>;
}

const PAUSE_MS = 100;
/** Fewer requests are made meanwhile. */
const LATEST = 1_000;

/** Asks for a first token, which is in the file when this resolves. */
export async function accountTokens(
  file: string,
  at: {
    readonly plane: Plane;
    readonly account: TokenAccount;
    readonly client: KubeClient;
    readonly proxy: FaultProxy;
  },
): Promise<AccountTokens> {
  const { plane, account, client, proxy } = at;
  const given: GivenToken[] = [];
  /** What is in the file, and the names of the Secrets without which tokens are no good. */
  let current = '';
  const secrets = new Set<string>();
  const transport = createHttpTransport({ ...plane.connection(), token: () => current });
  const one = createLimiter(1);

  const give = async () => {
    const name = `token-${crypto.randomUUID()}`;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: account.namespace, name } };
    const { metadata } = await client.create(CORE.secret, secret);
    secrets.add(name);
    const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name, uid: metadata.uid };
    current = await requestToken(plane, account, { boundObjectRef });
    writeFileSync(`${file}.next`, current, { mode: 0o600 });
    renameSync(`${file}.next`, file);
    given.push({ id: credentialOf(current), given: new Date().toISOString() });
  };
  const isRefused = async () => {
    const { status, body } = await transport.request({ method: 'GET', path: '/api', headers: {} });
    for await (const _ of body);
    return status === 401;
  };
  const isTold = (since: string) =>
    proxy.requests.slice(-LATEST).some(({ at, status }) => at >= Date.parse(since) && status === 401);
  const end = async (afterMs: number) => {
    const ended = new Date().toISOString();
    for (const token of given) token.ended ??= ended;
    for (const name of secrets) await patiently(() => client.delete(CORE.secret, { ...account, name }, {}));
    secrets.clear();
    // A kube-apiserver that has accepted a token remembers that for ten seconds.
    await until(`the token of ${account.name} is refused`, isRefused);
    await sleep(PAUSE_MS);
    // Who has nothing to ask does not notice: watches go on.
    if (!isTold(ended)) proxy.cutAll();
    await until(`${account.name} is told 401`, () => isTold(ended));
    await sleep(afterMs);
    await patiently(give);
  };
  let ending: Promise<void> | undefined;
  await give();
  return {
    file,
    given,
    rotate: () => one.run(() => patiently(give)),
    // Who comes meanwhile is struck by the same end.
    end(afterMs) {
      ending ??= one
        .run(() => end(afterMs))
        .finally(() => {
          ending = undefined;
        });
      return ending;
    },
    close: () => transport.close(),
  };
}
