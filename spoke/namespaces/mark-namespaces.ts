import { LABELS } from '@kmm-fleet/api';
import {
  aborted,
  blindKinds,
  type Cache,
  CORE,
  createCache,
  createQueue,
  isAppError,
  type KubeObject,
  type OperatorPorts,
} from '@kmm-fleet/runtime';
import type { ModuleView } from '../views.ts';

const FIELD_MANAGER = 'kmm-spoke';

/** Index of Modules by their namespace, which the marks ask for. */
export const byNamespace = ({ metadata }: ModuleView) => [metadata.namespace ?? ''];

export interface NamespaceMarks {
  run(signal: AbortSignal): Promise<void>;
  settled(): boolean;
  blind(): readonly string[];
}

/**
 * Keeps a label on namespaces with Modules, for as long as there is one, also one that is being unloaded. The API server
 * refuses to delete what bears it: docs/decisions/0026.
 */
export function createNamespaceMarks(
  ports: Pick<OperatorPorts, 'client' | 'clock' | 'random' | 'log' | 'metrics'>,
  modules: Pick<Cache<ModuleView>, 'by' | 'onChange'>,
): NamespaceMarks {
  const { client, log } = ports;
  const marked = createCache({
    ...ports,
    type: CORE.namespace,
    labelSelector: LABELS.containsModules,
    transform: ({ apiVersion, kind, metadata: { name, resourceVersion = '' } }): KubeObject => ({
      apiVersion,
      kind,
      metadata: { name, resourceVersion },
    }),
  });

  const queue = createQueue({
    ...ports,
    name: 'namespaces',
    reconcile: async (name, signal) => {
      const hasModules = modules.by('namespace', name).length > 0;
      if (hasModules === Boolean(marked.get(name))) return undefined;
      const patch = { metadata: { labels: { [LABELS.containsModules]: hasModules ? '' : null } } };
      try {
        await client.mergePatch(CORE.namespace, { name }, patch, { fieldManager: FIELD_MANAGER }, signal);
        log.info(hasModules ? 'namespace.marked' : 'namespace.unmarked', { key: name });
      } catch (error) {
        if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error;
      }
      return undefined;
    },
  });

  modules.onChange(({ before, after }) => {
    if (!before || !after) queue.add((after ?? before)?.metadata.namespace ?? '');
  });
  marked.onChange(({ key }) => queue.add(key));

  return {
    blind: () => blindKinds([marked]),
    settled: () => marked.synced && queue.idle,
    async run(signal) {
      const watching = marked.run(signal);
      await Promise.race([marked.whenSynced(), aborted(signal)]);
      await Promise.all([watching, queue.run(signal)]);
    },
  };
}
