import { RESOURCES } from '@kmm-fleet/api';
import { deepEqual, type KubeClient } from '@kmm-fleet/runtime';
import { statusOf, type Work, type WorkStatus } from './work-view.ts';

/** Writes the status of a work when it changed: a merge patch that a change in between makes fail with CONFLICT. */
export async function writeStatus(
  hub: KubeClient,
  work: Work,
  status: WorkStatus,
  signal: AbortSignal,
): Promise<void> {
  if (deepEqual(status, statusOf(work))) return;
  const { uid, resourceVersion } = work.metadata;
  const patch = { metadata: { uid, resourceVersion }, status };
  await hub.mergePatch(RESOURCES.manifestWork, work.metadata, patch, { subresource: 'status' }, signal);
}
