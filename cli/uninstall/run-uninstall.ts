import { installedKey } from '@kmm-fleet/policies';
import { type Clock, isAppError, type KubeClient, sleep } from '@kmm-fleet/runtime';
import { UserError } from '../output/user-error.ts';
import { type Held, planUninstall, type Seen, type Step, type Target } from './plan-uninstall.ts';

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
  const written = new Set<string>();
  let told = '';
  for (let waitedMs = 0; ; ) {
    const step = planUninstall(await ports.observe());
    if (step.kind === 'done' || step.kind === 'refuse') return step;
    if (step.kind === 'wait' && waitedMs >= patienceMs) return step;
    if (told !== JSON.stringify(step)) tell(step);
    told = JSON.stringify(step);
    if (step.kind !== 'wait' && (await perform(step, ports.client, written))) continue;
    await sleep(clock, LOOK_MS);
    waitedMs += LOOK_MS;
  }
}

/**
 * False when somebody else wrote meanwhile: what was seen is no longer so.
 *
 * @param written what this run has removed or released; whoever undoes it would do so again and again
 */
async function perform(
  step: Step & { kind: 'remove' | 'release' },
  client: KubeClient,
  written: Set<string>,
): Promise<boolean> {
  const targets: readonly (Target & Partial<Held>)[] = step.kind === 'remove' ? step.objects : step.held;
  for (const { type, name, patch } of targets) {
    const key = `${step.kind} ${installedKey({ type, name })}`;
    if (written.has(key)) throw new UserError(UNDONE[step.kind](installedKey({ type, name })));
    try {
      if (patch) await client.mergePatch(type, name, patch, { fieldManager: 'kmm-uninstall' });
      else await client.delete(type, name, { propagationPolicy: 'Background' });
    } catch (error) {
      if (isAppError(error) && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND')) return false;
      throw error;
    }
    written.add(key);
  }
  return true;
}

const UNDONE = {
  remove: (key: string) =>
    `${key} is back after it was removed. Stop what puts it there, as a Policy, an add-on or GitOps, then run this again.`,
  release: (key: string) =>
    `${key} is held again after it was released: an operator runs that is no pod of the Deployment. End it, then run this again.`,
} as const;
