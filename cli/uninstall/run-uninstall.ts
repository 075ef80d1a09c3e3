import { installedKey } from '@kmm-fleet/policies';
import { type Clock, isAppError, type KubeClient, sleep } from '@kmm-fleet/runtime';
import { UserError } from '../output/user-error.ts';
import type { Observe } from './observe-uninstall.ts';
import { type Held, planUninstall, type Step, type Target, type Wait } from './plan-uninstall.ts';

export interface UninstallPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Told each step as it begins; a wait again when it waits for something else. */
  tell(step: Step): void;
  /** Longest time for all, the looks at a large fleet too. What is written then is written to its end. */
  readonly patienceMs: number;
}

/** Takes one step after the other. @returns the last one: done, refused, or a wait that took too long */
export async function runUninstall(ports: UninstallPorts): Promise<Step> {
  const late = new AbortController();
  const disarm = ports.clock.after(ports.patienceMs, () => late.abort());
  try {
    return await takeSteps(ports, late.signal);
  } finally {
    disarm();
  }
}

async function takeSteps(ports: UninstallPorts, late: AbortSignal): Promise<Step> {
  const { clock, client, observe, tell } = ports;
  const written = new Set<string>();
  let told = '';
  for (let waitsOn: Wait['on'] | undefined; ; ) {
    const startedMs = clock.now();
    const step = planUninstall(await observe(waitsOn));
    const pauseMs = pauseAfter(clock.now() - startedMs);
    const isWaiting = step.kind === 'wait';
    if (waitsOn && !(isWaiting && step.on === waitsOn)) {
      // The rest may have changed since it was seen.
      waitsOn = undefined;
      continue;
    }
    if (step.kind === 'done' || step.kind === 'refuse' || (isWaiting && late.aborted)) return step;
    if (told !== JSON.stringify(step)) tell(step);
    told = JSON.stringify(step);
    waitsOn = isWaiting ? step.on : undefined;
    if (isWaiting) await sleep(clock, pauseMs, late).catch(() => {});
    else if (!(await perform(step, client, written))) await sleep(clock, pauseMs);
  }
}

const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 15_000;

/** To look at a large fleet is work for its API server: it rests nine times as long, a quarter of a minute at most. */
const pauseAfter = (tookMs: number) => Math.min(Math.max(9 * tookMs, PAUSE_MS_MIN), PAUSE_MS_MAX);

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
