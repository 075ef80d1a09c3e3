import { NODE_ANNOTATIONS } from '@kmm-fleet/lab';
import { type Command, Option } from 'commander';
import type { ControlPlaneKind } from '../lab/control-planes.ts';
import { startLab, stopLab } from '../lab/lab.ts';
import { isAlive, type LabState, labPaths, readLabState } from '../lab/lab-state.ts';
import { createProgress } from '../output/progress.ts';
import { type Format, outputOption, paint, paintState, print, table, UserError } from '../output/terminal.ts';

interface LabOptions {
  readonly dir?: string;
  readonly output: Format;
  readonly controlPlane?: ControlPlaneKind;
}

/** `kmm lab up|down|status`: the embedded fleet. */
export function addLabCommands(program: Command): void {
  const lab = program
    .command('lab')
    .description('a fleet on this machine: one hub, three clusters, a registry');
  const withDirectory = (command: Command) =>
    command
      .option('--dir <folder>', 'folder of the lab (default: $KMM_LAB_DIR or .lab)')
      .addOption(outputOption());
  withDirectory(lab.command('up').description('start it in the background'))
    .addOption(
      new Option(
        '--control-plane <kind>',
        'lab: API servers of the lab; real: etcd and Kubernetes, built once with Go',
      )
        .choices(['lab', 'real'])
        .default('lab'),
    )
    .action(up);
  withDirectory(lab.command('down').description('end it and remove its folder')).action(down);
  withDirectory(lab.command('status').description('what runs, and how to reach it')).action(status);
}

async function up({ dir, output, controlPlane }: LabOptions): Promise<void> {
  const paths = labPaths(dir);
  const progress = createProgress();
  const state = await startLab(paths, progress.step, controlPlane).catch((error: unknown) => {
    progress.end(false);
    throw error;
  });
  progress.end(true);
  if (output === 'json') return print(JSON.stringify({ ...state, kubeconfig: paths.kubeconfig }));
  print(describe(state));
  print(`
Try:
  export KUBECONFIG=${paths.kubeconfig}
  kubectl get managedclusters
  kubectl apply -f ${paths.manifests}
  kubectl label managedcluster --all wants-my-mcm=true
  kubectl get mcm,moduleimages -w
  bin/kmm status
  kubectl --context west annotate node west-1 ${NODE_ANNOTATIONS.kernel}=${state.kernels.upgrade}`);
}

async function down({ dir, output }: LabOptions): Promise<void> {
  const wasUp = await stopLab(labPaths(dir));
  if (output === 'json') print(JSON.stringify({ stopped: wasUp }));
  else print(wasUp ? 'The lab is down.' : 'No lab was up.');
}

function status({ dir, output }: LabOptions): void {
  const paths = labPaths(dir);
  const state = readLabState(paths);
  if (output === 'json')
    return print(JSON.stringify(state ? { ...state, kubeconfig: paths.kubeconfig } : null));
  if (!state) throw new UserError(`No lab is up in ${paths.directory}. Start one with: kmm lab up`);
  print(describe(state));
  print(`\n${paint('dim', 'kubeconfig')}  ${paths.kubeconfig}\n${paint('dim', 'logs')}        ${paths.logs}`);
}

function describe(state: LabState): string {
  const rows = state.clusters.map(({ name, server }) => {
    const pid = state.processes[name] ?? 0;
    return [
      name,
      name === 'hub' ? 'kmm-hub' : 'kmm (KMM_MANAGED=1)',
      paintState(isAlive(pid) ? 'running' : 'stopped'),
      String(pid),
      server,
    ];
  });
  return `${table(['CLUSTER', 'PROCESS', 'STATE', 'PID', 'API SERVER'], rows)}\n\nregistry  https://${state.registry}`;
}
