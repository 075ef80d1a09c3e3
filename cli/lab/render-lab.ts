import { NODE_ANNOTATIONS } from '@kmm-fleet/lab';
import { table } from '../output/table.ts';
import { type Paint, paintState } from '../output/terminal.ts';
import type { LabPaths, LabState } from './lab-state.ts';

/** What runs, one API server a row. Pure. @param registry undefined: it was not asked */
export function renderLab(
  state: LabState,
  isAlive: (pid: number) => boolean,
  paint: Paint,
  registry?: 'running' | 'stopped',
): string {
  const rows = state.clusters.map(({ name, server }) => {
    const pid = state.processes[name] ?? 0;
    return [
      name,
      name === 'hub' ? 'kmm-hub' : 'kmm (KMM_MANAGED=1)',
      paintState(paint, pid > 0 && isAlive(pid) ? 'running' : 'stopped'),
      pid > 0 ? String(pid) : '-',
      String(state.restarts?.[name] ?? 0),
      server,
    ];
  });
  return `${table(['CLUSTER', 'PROCESS', 'STATE', 'PID', 'RESTARTS', 'API SERVER'], rows)}\n\nregistry    https://${state.registry}${registry ? `  ${paintState(paint, registry)}` : ''}`;
}

/** What to do with a fresh lab. Pure. */
export function renderHints({ kubeconfig, manifests }: LabPaths, { kernels }: LabState): string {
  return `Try:
  export KUBECONFIG=${kubeconfig}
  kubectl get managedclusters
  kubectl apply -f ${manifests}
  kubectl label managedcluster --all wants-my-mcm=true
  kubectl get moduleimages -w
  bin/kmm status
  kubectl --context west annotate node west-1 ${NODE_ANNOTATIONS.kernel}=${kernels.upgrade}`;
}
