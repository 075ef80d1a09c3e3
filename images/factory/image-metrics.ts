import type { ModuleImage } from '@kmm-fleet/api';
import { isAppError, type Metrics } from '@kmm-fleet/runtime';

/** What images tell beside their states: how long steps take, and when certificates expire. */
export interface ImageMetrics {
  /** Measures a step; an interrupted one does not count. */
  timed<T>(step: 'build' | 'sign', task: () => Promise<T>): Promise<T>;
  /** The certificate that an image is signed with; undefined when it is signed with none, or gone. */
  certificate(image: string, certificate: CertificateFacts | undefined): void;
}

export interface CertificateFacts {
  /** `namespace/name` of its Secret. */
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Series of certificates vanish with the last image that is signed with them. */
export function createImageMetrics(metrics: Metrics | undefined, nowMs: () => number): ImageMetrics {
  const secrets = new Map<string, string>();

  const forget = (image: string) => {
    const secret = secrets.get(image);
    secrets.delete(image);
    if (secret !== undefined && ![...secrets.values()].includes(secret))
      metrics?.remove('kmm_signing_certificate_not_after_seconds', { secret });
  };

  return {
    async timed(step, task) {
      const startedMs = nowMs();
      const tell = (outcome: string) =>
        metrics?.observe('kmm_image_step_duration_seconds', { step, outcome }, (nowMs() - startedMs) / 1_000);
      try {
        const result = await task();
        tell('success');
        return result;
      } catch (error) {
        if (isAppError(error)) tell('failure');
        throw error;
      }
    },
    certificate(image, certificate) {
      if (!certificate || secrets.get(image) !== certificate.secret) forget(image);
      if (!certificate) return;
      const { secret, notAfterMs } = certificate;
      secrets.set(image, secret);
      metrics?.set('kmm_signing_certificate_not_after_seconds', { secret }, notAfterMs / 1_000);
    },
  };
}

/** Where the certificate of an image is from. */
export const certificateSecret = ({ spec }: ModuleImage): string =>
  `${spec.module.namespace}/${spec.sign?.certSecret.name ?? ''}`;
