import { LABELS, type LoaderRecipe } from '@kmm-fleet/api';
import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import { type UpstreamHooks, upstreamHooks } from '../hooks/upstream-hooks.ts';
import type { DaemonSetView } from '../views.ts';

type Hook = { readonly exec?: { readonly command?: readonly string[] } };
type Lifecycle = { readonly postStart?: Hook; readonly preStop?: Hook };

interface LoaderSpec {
  readonly selector: object;
  readonly template: {
    readonly metadata: { readonly labels: Record<string, string> };
    readonly spec: {
      readonly shareProcessNamespace?: boolean;
      readonly initContainers?: unknown;
      readonly containers: readonly (Record<string, unknown> & { readonly lifecycle?: Lifecycle })[];
    };
  };
}

/**
 * Whether KMM 1.x has left a DaemonSet that does what `desired` would: it differs only in how its hooks are written.
 * It is left alone until something that matters changes, because any write to its template reloads the module. Pure.
 */
export function isUpstreamTwin(desired: KubeObject, recipe: LoaderRecipe, observed: DaemonSetView): boolean {
  const hooks = upstreamHooks(recipe);
  if (!hooks) return false;
  const { selector, template } = desired['spec'] as LoaderSpec;
  // What only ours has: it dies at once, and tells where the node looks for firmware.
  const { shareProcessNamespace: _, initContainers: _init, ...pod } = template.spec;
  const { [LABELS.role]: _role, ...labels } = template.metadata.labels;
  const containers = pod.containers.map(({ lifecycle: _hooks, ...container }) => container);
  const metadata = { ...template.metadata, labels };
  const twin = { selector, template: { metadata, spec: { ...pod, containers } } };
  return isSubset(twin, observed.object['spec']) && runsHooks(hooks, recipe, observed);
}

function runsHooks(hooks: UpstreamHooks, { modprobe }: LoaderRecipe, observed: DaemonSetView): boolean {
  const [container] = (observed.object['spec'] as LoaderSpec).template.spec.containers;
  const { postStart, preStop } = container?.lifecycle ?? {};
  const unload = scriptOf(preStop);
  return (
    scriptOf(postStart) === hooks.postStart &&
    (modprobe.firmwarePath ? unload?.startsWith(hooks.preStop) === true : unload === hooks.preStop)
  );
}

/** The script of a hook that is `/bin/sh -c script`. */
function scriptOf(hook: Hook | undefined): string | undefined {
  const [shell, flag, script, ...more] = hook?.exec?.command ?? [];
  return shell === '/bin/sh' && flag === '-c' && more.length === 0 ? script : undefined;
}
