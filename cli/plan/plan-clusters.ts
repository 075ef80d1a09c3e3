import { kernelKey, type ModuleImageSpec } from '@kmm-fleet/api';
import { diffWork, pinsOf, type Wait } from '@kmm-fleet/hub';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type FleetItem, type FleetView, planItems } from '../hub/fleet-view.ts';
import { type Effect, planEffects } from './plan-effects.ts';

/** What the hub does for a kernel until its image is on the cluster, in order. `keep`: it is there already. */
export type PlanStep = 'look up' | 'build' | 'sign' | 'pin' | 'keep';

/** What would happen to one kernel of one cluster. */
export interface KernelPlan {
  /** '' for what holds back the cluster as a whole. */
  readonly kernel: string;
  /** By digest where it is known; '' when no mapping serves the kernel. */
  readonly image: string;
  readonly steps: readonly PlanStep[];
  readonly state: 'Ready' | Wait['state'];
  readonly reason: string;
  readonly message: string;
}

/** What would happen on one cluster. */
export interface ClusterPlan {
  readonly cluster: string;
  /** Of its ManifestWork, at once; it follows later for kernels that wait. */
  readonly action: 'create' | 'update' | 'delete' | 'none';
  /** What that does where the module is loaded. */
  readonly effects: readonly Effect[];
  readonly kernels: readonly KernelPlan[];
}

/** The hub's plan for every cluster that the module selects or still has a work on, sorted. Pure. */
export function planClusters(mcm: KubeObject, fleet: FleetView): ClusterPlan[] {
  return planItems(mcm.metadata.name, mcm, fleet).map(planCluster);
}

function planCluster(item: FleetItem): ClusterPlan {
  const { cluster, plan, work } = item;
  const effects = planEffects(item);
  const change = diffWork(plan, work);
  const action = change?.kind === 'apply' ? (work ? 'update' : 'create') : (change?.kind ?? 'none');
  if (plan.action.kind === 'delete') {
    const message = 'The work is on its way out: the cluster unloads the module before it goes.';
    const leaving = {
      kernel: '',
      image: '',
      steps: [],
      state: 'Progressing',
      reason: 'WaitingForSpoke',
    } as const;
    return { cluster, action, effects, kernels: change ? [] : [{ ...leaving, message }] };
  }
  const before = pinsOf(work);
  const after = plan.action.kind === 'apply' ? pinsOf(plan.action.work) : before;
  const wanted = plan.wanted.map(({ spec }) => {
    const wait = plan.waits.find(({ kernel }) => kernel === spec.kernelVersion);
    return planKernel(spec, wait, before.get(spec.kernelVersion), after.get(spec.kernelVersion));
  });
  const others = plan.waits
    .map((wait) => ({ ...wait, kernel: wait.kernel ? kernelKey(wait.kernel) : '' }))
    .filter(({ kernel }) => !wanted.some((one) => one.kernel === kernel))
    .map(({ kernel, state, reason, message }) => ({ kernel, image: '', steps: [], state, reason, message }));
  const kernels = [...wanted, ...others].sort((a, b) => (a.kernel < b.kernel ? -1 : 1));
  return { cluster, action, effects, kernels };
}

function planKernel(
  spec: ModuleImageSpec,
  wait: Wait | undefined,
  before: string | undefined,
  after: string | undefined,
): KernelPlan {
  const kernel = spec.kernelVersion;
  if (!wait) {
    const steps = after !== undefined && after === before ? (['keep'] as const) : (['pin'] as const);
    const image = after ?? spec.image;
    return { kernel, image, steps, state: 'Ready', reason: 'Ready', message: '' };
  }
  const { state, reason, message } = wait;
  // What failed leaves the cluster what it has.
  if (state === 'Degraded' && before)
    return { kernel, image: before, steps: ['keep'], state, reason, message };
  return { kernel, image: spec.image, steps: stepsOf(spec, wait), state, reason, message };
}

/** What is still to come before the pin; nothing for an image that failed, until somebody mends it. */
function stepsOf({ build, sign }: ModuleImageSpec, { state, reason }: Wait): PlanStep[] {
  if (state === 'Degraded') return [];
  if (reason === 'ImageSigning') return ['sign', 'pin'];
  if (!build && !sign) return ['look up', 'pin'];
  return [...(build ? (['build'] as const) : []), ...(sign ? (['sign'] as const) : []), 'pin'];
}
