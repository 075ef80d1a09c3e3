import { type Clock, sleep } from './clock.ts';
import { isAppError } from './errors.ts';
import type { KubeClient } from './kube/client.ts';
import { definitionGaps } from './kube/definition-gaps.ts';
import { listAll } from './kube/list-all.ts';
import { CORE, type KubeObject } from './kube/object.ts';
import type { Log } from './log.ts';
import { holderOf, renewedLease } from './renewed-lease.ts';

export interface SideBySide {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** All operators of this kind have a lease of this name, each in its own namespace. */
  readonly leaseName: string;
  /** Definitions of kinds as this version has them. */
  readonly definitions: readonly KubeObject[];
}

const RETRY_MS = 2_000;
const GAPS_SHOWN = 3;

/**
 * Why this operator must not work on this cluster: another one does, or a kind is defined by another version. Only
 * reads. A right that is missing is told and passed over; anything else is asked again until it is answered.
 */
export async function refusalOf(options: SideBySide, signal: AbortSignal): Promise<string | undefined> {
  const found = await answered(() => differingKind(options), options, signal);
  return found ?? answered(() => workingNeighbour(options, signal), options, signal);
}

async function differingKind({ client, definitions }: SideBySide): Promise<string | undefined> {
  for (const wanted of definitions) {
    const { name } = wanted.metadata;
    const found = await client.get(CORE.customResourceDefinition, { name });
    // One that is missing is waited for, as every kind is.
    const gaps = found ? definitionGaps(wanted, found) : [];
    if (gaps.length === 0) continue;
    const more = gaps.length > GAPS_SHOWN ? `, and ${gaps.length - GAPS_SHOWN} more` : '';
    const shown = gaps.slice(0, GAPS_SHOWN).join(', ');
    return `CustomResourceDefinition ${name} is of another version: it lacks ${shown}${more}. Apply what kmm install prints.`;
  }
  return undefined;
}

/** A lease of our name in another namespace that is renewed. */
async function workingNeighbour(options: SideBySide, signal: AbortSignal): Promise<string | undefined> {
  const { clock, leaseName } = options;
  const lease = await renewedLease(() => foreignLeases(options, signal), clock, signal);
  return lease
    ? `Another operator works on this cluster: ${holderOf(lease)} holds Lease ${lease.metadata.namespace}/${leaseName}. Uninstall one of the two.`
    : undefined;
}

/** By name alone: the right to it is granted by name. */
async function foreignLeases(
  { client, namespace, leaseName }: SideBySide,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const leases = await listAll(client, CORE.lease, { fieldSelector: `metadata.name=${leaseName}` }, signal);
  return leases.filter(({ metadata }) => metadata.namespace !== namespace);
}

async function answered(
  ask: () => Promise<string | undefined>,
  { clock, log }: SideBySide,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isAppError(error)) throw error;
      log.error('operator.neighbours-unknown', { code: error.code, message: error.message });
      if (error.code === 'API_FORBIDDEN' || error.code === 'NOT_FOUND') return undefined;
      await sleep(clock, RETRY_MS, signal).catch(() => {});
    }
  }
  return undefined;
}
