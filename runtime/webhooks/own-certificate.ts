import { type Clock, sleep } from '../clock.ts';
import { isRace } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { apiVersionOf, CORE, type KubeObject } from '../kube/object.ts';
import type { Log } from '../log.ts';
import { isDue, pairProblem, type ServingPair } from './serving-pair.ts';

export interface OwnCertificateOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** Of the Secret, and of the ValidatingWebhookConfiguration whose webhooks are told to trust it. */
  readonly name: string;
  readonly webhooks: readonly string[];
  /** What API servers call the server by. */
  readonly host: string;
  readonly make: (host: string, now: number) => Promise<ServingPair>;
}

const FIELD_MANAGER = 'kmm-webhook';
const LOOK_MS = 60_000;
/** How long API servers may take to learn whom to trust, before they are shown it. */
const SPREAD_MS = 10_000;

/** What the Secret holds: a pair, and all certificates that API servers are to trust, newest first. */
interface Kept extends ServingPair {
  readonly trusted: string;
}

/**
 * Makes a certificate, keeps it in a Secret, and makes the next when two thirds of its life are over. It is its own
 * authority: API servers trust it and the one before, and are told so before they are shown it, so none is refused.
 * Any number of processes may do this at once: who writes the Secret first wins, the others read it.
 */
export async function keepOwnCertificate(
  options: OwnCertificateOptions,
  use: (pair: ServingPair) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, name } = options;
  let shown = '';
  while (!signal.aborted) {
    try {
      const kept = await readOrMake(options, signal);
      await tellTrusted(options, kept.trusted, signal);
      if (shown && shown !== kept.cert) await sleep(clock, SPREAD_MS, signal);
      if (shown !== kept.cert) await use(kept);
      shown = kept.cert;
    } catch (error) {
      if (signal.aborted) return;
      log.error('certificate.not-kept', { key: name, err: error });
    }
    await sleep(clock, LOOK_MS, signal).catch(() => {});
  }
}

async function readOrMake(options: OwnCertificateOptions, signal: AbortSignal): Promise<Kept> {
  const { client, clock, namespace, name, host, log } = options;
  const secret = await client.get(CORE.secret, { namespace, name }, signal);
  const kept = keptIn(secret);
  if (!isDue(kept.cert, host, clock.now()) && !pairProblem(kept)) return kept;
  const pair = await options.make(host, clock.now());
  const next = { ...pair, trusted: pair.cert + kept.cert };
  try {
    const object = secretOf(namespace, name, next, secret);
    await (secret ? client.replace(CORE.secret, object, signal) : client.create(CORE.secret, object, signal));
    log.info('certificate.made', { key: name });
    return next;
  } catch (error) {
    if (!isRace(error)) throw error;
    return keptIn(await client.get(CORE.secret, { namespace, name }, signal));
  }
}

function keptIn(secret: KubeObject | undefined): Kept {
  const data = (secret?.['data'] ?? {}) as Readonly<Record<string, string>>;
  const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { cert: read('tls.crt'), key: read('tls.key'), trusted: read('ca.crt') };
}

function secretOf(
  namespace: string,
  name: string,
  { cert, key, trusted }: Kept,
  before: KubeObject | undefined,
): KubeObject {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: before?.metadata ?? { namespace, name },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(cert), 'tls.key': base64(key), 'ca.crt': base64(trusted) },
  };
}

/** Only this one field is ours: who installs the object has all others. */
async function tellTrusted(
  { client, name, webhooks }: OwnCertificateOptions,
  trusted: string,
  signal: AbortSignal,
): Promise<void> {
  const type = CORE.validatingWebhookConfiguration;
  const caBundle = Buffer.from(trusted).toString('base64');
  const object = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { name },
    webhooks: webhooks.map((webhook) => ({ name: webhook, clientConfig: { caBundle } })),
  };
  await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true }, signal);
}
