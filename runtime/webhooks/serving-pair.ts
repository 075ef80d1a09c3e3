import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** What a server shows and what it proves it with, as PEM. */
export interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

/** Why no server can be started with it. */
export function pairProblem(pair: ServingPair): string | undefined {
  try {
    createSecureContext(pair);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether two thirds of its life are over, it is for another host, or it cannot be read: time for a new one. */
export function isDue(cert: string, host: string, now: number): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    return now >= from + ((to - from) * 2) / 3 || !(certificate.checkHost(host) ?? certificate.checkIP(host));
  } catch {
    return true;
  }
}
