/** Clusters that a module unloads from because its selector matches them no longer, until that is told. */
export interface Leavers {
  left(module: string, cluster: string): void;
  /** What to tell of those that left since it was asked last; undefined when none did. */
  take(module: string): LeaversEvent | undefined;
  forget(module: string): void;
}

export interface LeaversEvent {
  readonly type: 'Normal';
  readonly reason: 'ClustersLeft';
  readonly message: string;
}

/** Of thousands of clusters the count is told, and so many of their names. */
const NAMES_MAX = 10;

export function createLeavers(): Leavers {
  const byModule = new Map<string, Set<string>>();
  return {
    left: (module, cluster) => void byModule.set(module, (byModule.get(module) ?? new Set()).add(cluster)),
    take(module) {
      const clusters = [...(byModule.get(module) ?? [])].sort();
      byModule.delete(module);
      return clusters.length > 0 ? leaversEvent(clusters) : undefined;
    },
    forget: (module) => void byModule.delete(module),
  };
}

function leaversEvent(clusters: readonly string[]): LeaversEvent {
  const more = clusters.length - NAMES_MAX;
  const names = clusters.slice(0, NAMES_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const message = `spec.selector matches these clusters no longer, and they unload the module: ${names}.`;
  return { type: 'Normal', reason: 'ClustersLeft', message };
}
