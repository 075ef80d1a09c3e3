import { type InstalledObject, installedKey } from '@kmm-fleet/policies';
import type { ObjectName, ResourceType } from '@kmm-fleet/runtime';
import { inWords } from '../output/in-words.ts';

/** What becomes of modules on nodes: they stay loaded, or are unloaded before anything else goes. */
export const MODES = ['keep', 'unload'] as const;
export type Mode = (typeof MODES)[number];

export interface Target {
  readonly type: ResourceType;
  readonly name: ObjectName;
}

/** A Module, or a ManagedClusterModule on a hub. */
export interface SeenModule extends Target {
  readonly isDeleting: boolean;
  /** Somebody else applies it and would do so again. */
  readonly isShipped: boolean;
}

/** What would outlive the operator and hold others up, or mean nothing any more: finalizers and labels. */
export interface Held extends Target {
  readonly patch: object;
}

/** What was seen on a cluster of an edition. */
export interface Seen {
  readonly mode: Mode;
  /** In the order to apply it. */
  readonly present: readonly (InstalledObject & { readonly isDeleting: boolean })[];
  /** What looks after the Deployment, in words; it would put it back. */
  readonly keeper: string | undefined;
  readonly operatorPods: readonly string[];
  /** The operator works: in a pod, or elsewhere with its lease. */
  readonly isRunning: boolean;
  readonly modules: readonly SeenModule[];
  /** Where modules are loaded, or on their way: works, DaemonSets, pods, nodes with labels. Keys. */
  readonly traces: readonly string[];
  readonly held: readonly Held[];
  /** CustomResourceDefinitions that another operator needs, or that have objects which are none of ours. */
  readonly neededKinds: readonly string[];
}

export interface Wait {
  readonly kind: 'wait';
  readonly on: 'modules' | 'operator' | 'objects';
  readonly keys: readonly string[];
}

export type Step =
  | { readonly kind: 'refuse'; readonly messages: readonly string[] }
  | { readonly kind: 'remove'; readonly objects: readonly Target[] }
  | { readonly kind: 'release'; readonly held: readonly Held[] }
  | Wait
  | { readonly kind: 'done'; readonly remains: readonly string[] };

/**
 * The next step. Modules go first, while somebody is there to unload them; then the operator; then what nobody can use
 * without it. Each step looks at the cluster alone, so it goes on wherever it was left. Pure.
 */
export function planUninstall(seen: Seen): Step {
  const messages = refusals(seen);
  if (messages.length > 0) return { kind: 'refuse', messages };
  return (seen.mode === 'unload' ? unloading(seen) : undefined) ?? leaving(seen);
}

const SHOWN_MAX = 5;

function refusals({ mode, keeper, modules, isRunning }: Seen): string[] {
  const messages = keeper ? [keeper] : [];
  const namesOf = (some: readonly SeenModule[]) => inWords(some.map(installedKey), SHOWN_MAX);
  const going = modules.filter(({ isDeleting }) => isDeleting);
  if (mode === 'keep')
    return going.length > 0 && isRunning
      ? [...messages, `Nodes are unloading ${namesOf(going)}. Wait until that has ended.`]
      : messages;
  const shipped = modules.filter(({ isShipped, isDeleting }) => isShipped && !isDeleting);
  if (shipped.length > 0)
    messages.push(
      `A hub ships ${namesOf(shipped)} and would do so again. Take the cluster out of its selector on the hub, or uninstall the hub with --modules unload, and wait until they are gone.`,
    );
  if (modules.length > 0 && !isRunning)
    messages.push(
      `No operator runs that would unload ${namesOf(modules)}. Install it again: it takes over what is there. Or use --modules keep.`,
    );
  return messages;
}

function unloading({ modules, traces }: Seen): Step | undefined {
  const live = modules.filter(({ isDeleting }) => !isDeleting);
  if (live.length > 0) return { kind: 'remove', objects: live };
  const keys = [...modules.map(installedKey), ...traces];
  return keys.length > 0 ? { kind: 'wait', on: 'modules', keys } : undefined;
}

function leaving(seen: Seen): Step {
  const going = seen.present.filter((object) => isGoing(object, seen));
  const live = going.filter(({ isDeleting }) => !isDeleting);
  const deployments = live.filter(({ type }) => type.kind === 'Deployment');
  if (deployments.length > 0) return { kind: 'remove', objects: deployments };
  // Its rights stay until it has ended: it writes to the last, and would hold again what is let go.
  if (seen.operatorPods.length > 0) return { kind: 'wait', on: 'operator', keys: seen.operatorPods };
  if (seen.held.length > 0) return { kind: 'release', held: seen.held };
  if (live.length > 0) return { kind: 'remove', objects: live.toReversed() };
  if (going.length > 0) return { kind: 'wait', on: 'objects', keys: going.map(installedKey) };
  const remains = [...seen.present, ...seen.modules].map(installedKey);
  return { kind: 'done', remains: [...remains, ...seen.traces] };
}

function isGoing({ purpose, name }: InstalledObject, { mode, neededKinds }: Seen): boolean {
  if (purpose === 'operator') return true;
  if (mode === 'keep' || purpose === 'namespace') return false;
  return purpose === 'modules' || !neededKinds.includes(name.name);
}

/** All steps, as they are when everything goes well: each is taken for done. Pure. */
export function planAllSteps(seen: Seen): Step[] {
  const step = planUninstall(seen);
  return step.kind === 'done' || step.kind === 'refuse'
    ? [step]
    : [step, ...planAllSteps(afterStep(seen, step))];
}

function afterStep(seen: Seen, step: Step): Seen {
  if (step.kind === 'release') return { ...seen, held: [] };
  if (step.kind === 'remove') return withoutObjects(seen, new Set(step.objects.map(installedKey)));
  if (step.kind !== 'wait') return seen;
  if (step.on === 'modules') return { ...seen, modules: [], traces: [] };
  if (step.on === 'operator') return { ...seen, operatorPods: [] };
  return { ...seen, present: seen.present.filter(({ isDeleting }) => !isDeleting) };
}

/** Modules take their time; the other objects are gone at once. */
function withoutObjects(seen: Seen, removed: ReadonlySet<string>): Seen {
  return {
    ...seen,
    present: seen.present.filter((object) => !removed.has(installedKey(object))),
    modules: seen.modules.map((module) =>
      removed.has(installedKey(module)) ? { ...module, isDeleting: true } : module,
    ),
  };
}
