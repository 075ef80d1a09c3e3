import { LABELS, type LoaderRecipe } from '@kmm-fleet/api';
import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import { upstreamHooks } from '../hooks/upstream-hooks.ts';
import type { DaemonSetView } from '../views.ts';

interface LoaderSpec {
  readonly selector: object;
  readonly template: {
    readonly metadata: { readonly labels: Record<string, string> };
    readonly spec: {
      readonly shareProcessNamespace?: boolean;
      readonly containers: readonly Record<string, unknown>[];
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
  const { shareProcessNamespace: _, ...pod } = template.spec;
  const { [LABELS.role]: _role, ...labels } = template.metadata.labels;
  const lifecycle = {
    postStart: { exec: { command: ['/bin/sh', '-c', hooks.postStart] } },
    preStop: { exec: { command: ['/bin/sh', '-c', hooks.preStop] } },
  };
  const containers = pod.containers.map((container) => ({ ...container, lifecycle }));
  const metadata = { ...template.metadata, labels };
  const twin = { selector, template: { metadata, spec: { ...pod, containers } } };
  return isSubset(twin, observed.object['spec']);
}
