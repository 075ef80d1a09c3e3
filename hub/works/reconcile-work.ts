import { type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import {
  AppError,
  isAppError,
  type KubeClient,
  type KubeObject,
  type Log,
  withoutManagedFields,
} from '@kmm-fleet/runtime';
import { gate } from '../gate/gate.ts';
import { diffWork, type WorkChange } from './diff-work.ts';
import type { Outlook } from './item-status.ts';
import { planWork, type Wait, type WorkInput, type WorkPlan } from './plan-work.ts';

/** One module on one cluster. */
export interface Item {
  readonly module: string;
  readonly cluster: string;
}

export interface WorkPorts {
  readonly client: KubeClient;
  readonly log: Log;
  /** Reads caches only. */
  observe(item: Item): WorkInput;
  /** Tells which images the item needs. */
  want(item: Item, wanted: WorkPlan['wanted']): void;
  writes(item: Item, work: ManifestWork): void;
  wrote(item: Item, stored: ManifestWork): void;
  /** Tells that the work was deleted because the module does not select the cluster any more. */
  left(item: Item): void;
  /** Tells what the plan says of the item, for the work that is there and for what its cluster reports of it later. */
  report(item: Item, outlook: Outlook): void;
}

const FIELD_MANAGER = 'kmm-hub';

/** One pass over one item: observe, plan, diff, apply, report. The queue retries what is thrown. */
export async function reconcileWork(item: Item, ports: WorkPorts, signal: AbortSignal): Promise<undefined> {
  const observed = ports.observe(item);
  const plan = planWork(observed);
  ports.want(item, plan.wanted);
  const change = diffWork(plan, observed.work);
  const verdict = change?.kind === 'apply' ? gate(item) : { go: true as const };
  if (!verdict.go) {
    ports.report(item, withWait(plan, { state: 'Waiting', ...verdict }));
    return undefined;
  }
  ports.report(item, plan);
  if (!change) return undefined;
  try {
    await write(item, change, ports, signal);
    if (change.kind === 'delete' && isDeselected(observed)) ports.left(item);
  } catch (error) {
    if (isAppError(error)) ports.report(item, withWait(plan, writeFailed(error)));
    throw error;
  }
  return undefined;
}

async function write(
  item: Item,
  change: NonNullable<WorkChange>,
  ports: WorkPorts,
  signal: AbortSignal,
): Promise<void> {
  const { client, log } = ports;
  if (change.kind === 'delete') {
    await client.delete(RESOURCES.manifestWork, { namespace: item.cluster, name: item.module }, {}, signal);
    log.info('work.deleted', { ...item });
    return;
  }
  ports.writes(item, change.work);
  const work = change.work as unknown as KubeObject;
  const options = { fieldManager: FIELD_MANAGER, force: true, answer: 'metadata' } as const;
  const answer = await client.apply(RESOURCES.manifestWork, work, options, signal).catch((error: unknown) => {
    throw isAppError(error) && error.code === 'NOT_FOUND' ? namespaceMissing(item, error) : error;
  });
  const { metadata } = withoutManagedFields(answer);
  ports.wrote(item, { ...change.work, metadata: metadata as ManifestWork['metadata'] });
  log.info('work.applied', { ...item });
}

const isDeselected = ({ mcm, cluster, isSelected }: WorkInput) =>
  mcm !== undefined && cluster !== undefined && !cluster.isDeleting && !isSelected;

const withWait = (plan: WorkPlan, wait: Wait): WorkPlan => ({ ...plan, waits: [wait, ...plan.waits] });

function namespaceMissing({ cluster }: Item, cause: Error): AppError {
  const message = `Namespace ${cluster} is missing on the hub. OCM makes it when the cluster is accepted.`;
  return new AppError('NAMESPACE_MISSING', message, { cause });
}

const writeFailed = ({ code, reason, message }: AppError): Wait => ({
  state: code === 'NAMESPACE_MISSING' ? 'Waiting' : 'Degraded',
  reason,
  message,
});
