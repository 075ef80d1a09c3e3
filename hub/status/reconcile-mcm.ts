import { type Condition, type ManagedClusterModuleStatus, RESOURCES } from '@kmm-fleet/api';
import type { Clock, EventRecorder, KubeClient, KubeObject, Log } from '@kmm-fleet/runtime';
import type { McmView } from '../hub-caches.ts';
import { mcmStatus } from './mcm-status.ts';
import { planEvent } from './plan-event.ts';
import type { Tally } from './tally.ts';

const FIELD_MANAGER = 'kmm-hub-status';

/**
 * One pass over the status of one module: sums up what is known and writes it when it says something new.
 *
 * @returns whether it was written
 */
export async function reconcileMcmStatus(
  mcm: McmView,
  tally: Tally,
  warnings: readonly Condition[],
  ports: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Log;
    readonly events: EventRecorder;
  },
  signal: AbortSignal,
): Promise<boolean> {
  const previous = mcm.object['status'] as ManagedClusterModuleStatus | undefined;
  const now = new Date(ports.clock.now()).toISOString();
  const { generation, name } = mcm.metadata;
  const status = mcmStatus(mcm.checked, tally, generation, previous, now, warnings);
  if (status === previous) return false;
  const { apiVersion, kind } = mcm.object;
  const object: KubeObject = { apiVersion, kind, metadata: { name }, status };
  const options = { fieldManager: FIELD_MANAGER, force: true, subresource: 'status' } as const;
  await ports.client.apply(RESOURCES.managedClusterModule, object, options, signal);
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  ports.log.info('module.status', {
    module: name,
    reason: ready?.reason ?? '',
    message: status.summary ?? '',
  });
  const event = planEvent(previous?.conditions ?? [], status.conditions ?? []);
  if (event) ports.events.record(mcm.object, event);
  return true;
}
