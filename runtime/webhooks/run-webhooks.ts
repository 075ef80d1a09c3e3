import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../log.ts';
import { watchCertificateFolder } from './certificate-folder.ts';
import { keepOwnCertificate } from './own-certificate.ts';
import { type ReviewAnswer, type ReviewServer, serveReviews } from './review-server.ts';
import type { ServingPair } from './serving-pair.ts';

/** What an operator reviews. */
export interface Reviews {
  /** Of the Service, the ValidatingWebhookConfiguration and the Secret. */
  readonly name: string;
  /** Names of the webhooks in the configuration. */
  readonly webhooks: readonly string[];
  /** By path. */
  readonly answers: Readonly<Record<string, ReviewAnswer>>;
}

export interface WebhookOptions extends Reviews {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly port: number;
  /** With `tls.crt` and `tls.key`; without it the certificate is made here. */
  readonly folder?: string | undefined;
  /** What API servers call it by, where that is not its Service. */
  readonly host?: string | undefined;
}

/**
 * Serves reviews from the first certificate until the signal is aborted, in each process, whoever holds the lease: an API
 * server asks any of them.
 */
export async function runWebhooks(options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { folder, name, namespace, log, host = `${name}.${namespace}.svc` } = options;
  let server: ReviewServer | undefined;
  const use = async (pair: ServingPair) => {
    server?.use(pair);
    server ??= await serveReviews({ ...options, host: undefined, pair });
    log.info('webhook.serving', { port: server.port });
  };
  if (folder) await watchCertificateFolder({ ...options, folder }, use, signal);
  else {
    const { makeCertificate: make } = await import('./certificate.ts');
    await keepOwnCertificate({ ...options, host, make }, use, signal);
  }
  await server?.close();
}
