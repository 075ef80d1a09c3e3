import { type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import type { PlaneOptions } from '@kmm-fleet/lab';
import { type AuditLine, isWrite } from './audit.ts';

const { group, plural } = RESOURCES.moduleImage;

/** What {@link sentBeforeReady} must read of requests: what a hub says of images, which is little beside works. */
export const AUDIT_BODIES: PlaneOptions['auditBodies'] = [{ group, resources: [`${plural}/status`] }];

/**
 * Writes of works that were sent before the hub said that the image of this digest is Ready.
 *
 * @throws {RangeError} when it did not say so: what was sent then came before anything
 */
export function sentBeforeReady(requests: readonly AuditLine[], digest: string): number {
  const ready = requests.find((request) => saysReady(request, digest));
  if (!ready) throw new RangeError(`No request says that the image ${digest} is Ready.`);
  return requests.filter(
    (request) =>
      request.objectRef?.resource === RESOURCES.manifestWork.plural &&
      isWrite(request) &&
      request.requestReceivedTimestamp < ready.requestReceivedTimestamp,
  ).length;
}

function saysReady({ objectRef, requestObject }: AuditLine, digest: string): boolean {
  if (objectRef?.resource !== plural || objectRef.subresource !== 'status') return false;
  const { status } = (requestObject ?? {}) as { readonly status?: ModuleImageStatus };
  return status?.state === 'Ready' && status.digest === digest;
}
