import type { ManifestWork, ModuleSpec } from '@kmm-fleet/api';

/** Why the agent of a cluster cannot apply a work, with what to do where that is known. Pure. @param words the agent's */
export function notApplied(words: string, { metadata, spec }: ManifestWork): string {
  const namespace = /namespaces "([a-z0-9-]{1,63})" not found/.exec(words)?.[1];
  const module = spec.workload?.manifests?.[0];
  if (!namespace || namespace !== module?.metadata.namespace)
    return `The cluster cannot apply the Module: ${words}`;
  const accounts = accountsOf(module['spec'] as Partial<ModuleSpec>).map(
    (name) => ` --service-account ${name}`,
  );
  return `spec.spokeNamespace: namespace ${namespace} is not on ${metadata.namespace}. Create it there: kmm install privileges ${namespace}${accounts.join('')} | kubectl --context ${metadata.namespace} apply --server-side -f -`;
}

const accountsOf = ({ moduleLoader, devicePlugin }: Partial<ModuleSpec> = {}) =>
  [...new Set([moduleLoader?.serviceAccountName, devicePlugin?.serviceAccountName])].filter(Boolean);
