import { randomBytes } from 'node:crypto';
import { OPERATOR } from '@kmm-fleet/api';
import {
  type Cache,
  type Clock,
  CORE,
  isAppError,
  type KubeClient,
  type KubeObject,
  type Log,
  type Random,
  sleep,
} from '@kmm-fleet/runtime';

const RETRY_MS = 5_000;

/**
 * The key of the inputs hashes: made once, kept in a Secret of the operator. Two hubs that start together agree on the
 * one that the API server took. Waits for the API server as long as it takes.
 */
export async function readHashKey(
  client: KubeClient,
  secrets: Cache<KubeObject>,
  namespace: string,
  clock: Clock,
  random: Random,
  log: Log,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (;;) {
    try {
      const name = { namespace, name: OPERATOR.inputsKey };
      const known =
        secrets.get(`${namespace}/${OPERATOR.inputsKey}`) ?? (await client.get(CORE.secret, name, signal));
      const key = known && keyOf(known);
      if (key) return key;
      return keyOf(await create(client, namespace, signal)) ?? new Uint8Array();
    } catch (error) {
      if (signal.aborted) return new Uint8Array();
      const code = isAppError(error) ? error.code : 'BUG';
      if (code !== 'ALREADY_EXISTS') log.error('hash-key.failed', { code, err: error });
      await sleep(clock, RETRY_MS * (0.5 + random() / 2), signal).catch(() => {});
    }
  }
}

function create(client: KubeClient, namespace: string, signal: AbortSignal): Promise<KubeObject> {
  return client.create(
    CORE.secret,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: OPERATOR.inputsKey },
      type: 'Opaque',
      data: { key: randomBytes(32).toString('base64') },
    },
    signal,
  );
}

function keyOf(secret: KubeObject): Uint8Array | undefined {
  const text = (secret['data'] as Record<string, string> | undefined)?.['key'];
  return text ? Buffer.from(text, 'base64') : undefined;
}
