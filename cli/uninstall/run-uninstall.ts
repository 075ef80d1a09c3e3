import { installedKey } from '@kmm-fleet/policies';
import { type Clock, isAppError, type KubeClient, sleep } from '@kmm-fleet/runtime';
import { UserError } from '../output/user-error.ts';
import { planUninstall, type Seen, type Step, type Target } from './plan-uninstall.ts';

export interface UninstallPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  observe(): Promise<Seen>;
  /** Told each step as it begins; a wait again when it waits for something else. */
  tell(step: Step): void;
  /** Longest time to wait, all waits together. */
  readonly patienceMs: number;
}

const LOOK_MS = 1_000;

/** Takes one step after the other. @returns the last one: done, refused, or a wait that took too long */
export async function runUninstall(ports: UninstallPorts): Promise<Step> {
  const { clock, patienceMs, tell } = ports;
  const removed = new Set<string>();
  let told = '';
  for (let waitedMs = 0; ; ) {
    const step = planUninstall(await ports.observe());
    if (step.kind === 'done' || step.kind === 'refuse') return step;
    if (step.kind === 'wait' && waitedMs >= patienceMs) return step;
    if (told !== JSON.stringify(step)) tell(step);
    told = JSON.stringify(step);
    if (step.kind === 'remove') refuseReturned(step.objects, removed);
    const isOver = step.kind !== 'wait' && (await perform(step, ports));
    if (isOver) continue;
    await sleep(clock, LOOK_MS);
    waitedMs += LOOK_MS;
  }
}

/** Whoever puts it back would do so again and again. */
function refuseReturned(objects: readonly Target[], removed: Set<string>): void {
  for (const key of objects.map(installedKey)) {
    if (removed.has(key))
      throw new UserError(
        `${key} is back after it was removed. Stop what puts it there, as a Policy, an add-on or GitOps, then run this again.`,
      );
    removed.add(key);
  }
}

/** False when somebody else wrote meanwhile: what was seen is no longer so. */
async function perform(
  step: Step & { kind: 'remove' | 'release' },
  { client }: UninstallPorts,
): Promise<boolean> {
  try {
    if (step.kind === 'remove')
      for (const { type, name } of step.objects)
        await client.delete(type, name, { propagationPolicy: 'Background' });
    else
      for (const { type, name, patch } of step.held)
        await client.mergePatch(type, name, patch, { fieldManager: 'kmm-uninstall' });
    return true;
  } catch (error) {
    if (isAppError(error) && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND')) return false;
    throw error;
  }
}
