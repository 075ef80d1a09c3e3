import type { ModuleStatus } from '@kmm-fleet/api';
import { reasonEntry } from '@kmm-fleet/api';
import { type Metrics, parseObjectKey } from '@kmm-fleet/runtime';

/** Series of the Modules of one cluster: they change with their Module, and vanish with it. */
export interface ModuleMetrics {
  set(key: string, status: ModuleStatus): void;
  remove(key: string): void;
}

const STATES = ['selected', 'desired', 'available'] as const;

export function createModuleMetrics(metrics: Metrics | undefined): ModuleMetrics {
  /** The reason that is shown of a Module; '' while it is not degraded. */
  const shown = new Map<string, string>();

  const labelsOf = (key: string) => {
    const { namespace = '', name } = parseObjectKey(key);
    return { namespace, module: name };
  };
  const clearReason = (key: string) => {
    const reason = shown.get(key);
    if (reason) metrics?.remove('kmm_module_degraded', { ...labelsOf(key), reason });
  };

  return {
    set(key, status) {
      const labels = labelsOf(key);
      const numbers = status.moduleLoader ?? status.devicePlugin;
      const values = [
        numbers?.nodesMatchingSelectorNumber,
        numbers?.desiredNumber,
        numbers?.availableNumber,
      ] as const;
      for (const [index, state] of STATES.entries())
        metrics?.set('kmm_module_nodes', { ...labels, state }, values[index] ?? 0);
      const reason = degradedReason(status);
      if (reason !== shown.get(key)) clearReason(key);
      if (reason) metrics?.set('kmm_module_degraded', { ...labels, reason }, 1);
      shown.set(key, reason);
    },
    remove(key) {
      if (!shown.has(key)) return;
      clearReason(key);
      for (const state of STATES) metrics?.remove('kmm_module_nodes', { ...labelsOf(key), state });
      shown.delete(key);
    },
  };
}

/** Words of kubelets that the vocabulary does not have count as one: labels must not grow with them. */
function degradedReason({ conditions }: ModuleStatus): string {
  const degraded = conditions?.find(({ type, status }) => type === 'Degraded' && status === 'True');
  if (!degraded) return '';
  return reasonEntry(degraded.reason) ? degraded.reason : 'Other';
}
