import { randomBytes } from 'node:crypto';
import { OPERATOR } from '@kmm-fleet/api';
import {
  type Clock,
  CORE,
  isAppError,
  isRace,
  type KubeClient,
  type KubeObject,
  type Log,
  type Random,
  sleep,
} from '@kmm-fleet/runtime';

const RETRY_MS = 5_000;
const KEY_BYTES = 32;
/** Shorter ones can be guessed, and then the hashes of secrets can be checked. */
const KEY_BYTES_MIN = 16;

/**
 * The key of the inputs hashes: made once, kept in a Secret of the operator. Two hubs that start together agree on the
 * one that the API server took. A Secret without a usable key gets one. Waits for the API server as long as it takes.
 */
export async function readHashKey(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  random: Random,
  log: Log,
  signal: AbortSignal,
): Promise<Uint8Array> {
  while (!signal.aborted) {
    try {
      const known = await client.get(CORE.secret, { namespace, name: OPERATOR.inputsKey }, signal);
      const key = keyOf(known);
      if (key) return key;
      await store(client, namespace, known, signal);
    } catch (error) {
      if (signal.aborted) break;
      const code = isAppError(error) ? error.code : 'BUG';
      if (!isRace(error)) log.error('hash-key.failed', { code, err: error });
      await sleep(clock, RETRY_MS * (0.5 + random() / 2), signal).catch(() => {});
    }
  }
  return new Uint8Array();
}

async function store(
  client: KubeClient,
  namespace: string,
  known: KubeObject | undefined,
  signal: AbortSignal,
): Promise<void> {
  const data = { ...dataOf(known), key: randomBytes(KEY_BYTES).toString('base64') };
  const metadata = { namespace, name: OPERATOR.inputsKey };
  if (known) await client.replace(CORE.secret, { ...known, data }, signal);
  else
    await client.create(
      CORE.secret,
      { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data },
      signal,
    );
}

function keyOf(secret: KubeObject | undefined): Uint8Array | undefined {
  const key = Buffer.from(dataOf(secret)['key'] ?? '', 'base64');
  return key.byteLength >= KEY_BYTES_MIN ? key : undefined;
}

const dataOf = (secret: KubeObject | undefined) => (secret?.['data'] ?? {}) as Record<string, string>;
