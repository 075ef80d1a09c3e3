import type { ModuleImageSpec } from '@kmm-fleet/api';

/**
 * Arguments of a build: the user's, then those that KMM sets (they win): both spellings of the kernel, the module's
 * name and namespace, and the toolkit image when there is one.
 */
export function buildArguments(spec: ModuleImageSpec, toolkit: string | undefined): Record<string, string> {
  const users = (spec.build?.buildArgs ?? []).map(({ name, value }) => [name, value] as const);
  return {
    ...Object.fromEntries(users),
    KERNEL_VERSION: spec.kernelVersion,
    KERNEL_FULL_VERSION: spec.kernelVersion,
    MOD_NAME: spec.module.name,
    MOD_NAMESPACE: spec.module.namespace,
    ...(toolkit && { DTK_AUTO: toolkit }),
  };
}
