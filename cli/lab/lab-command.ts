import { connect } from 'node:net';
import { isAlive } from '@kmm-fleet/lab';
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { type OutputOptions, outputOption } from '../output/format.ts';
import { createPaint, createSteps } from '../output/terminal.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';
import type { ControlPlaneKind } from './control-planes.ts';
import { startLab, stopLab } from './lab.ts';
import { labPaths, readLabState } from './lab-state.ts';
import { renderHints, renderLab } from './render-lab.ts';

interface LabOptions extends OutputOptions {
  readonly dir?: string;
  readonly controlPlane?: ControlPlaneKind;
}

type Handler = (io: Io, options: LabOptions) => Promise<ExitCode>;

/** `kmm lab up|down|status`: the embedded fleet. */
export function addLabCommands(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const lab = program
    .command('lab')
    .description('a fleet on this machine: one hub, three clusters, a registry')
    .addHelpText('after', '\nExample:\n  kmm lab up && kmm lab status');
  const add = (name: string, description: string, handler: Handler) =>
    lab
      .command(name)
      .description(description)
      .option('--dir <folder>', 'folder of the lab (default: $KMM_LAB_DIR or .lab)')
      .addOption(outputOption())
      .action(async (options: LabOptions) => finish(await handler(io, options)));
  add('up', 'start it in the background and wait until it is usable', up).addOption(
    new Option(
      '--control-plane <kind>',
      "lab: API servers of the lab; real: etcd, Kubernetes and OCM's agents, built once with Go",
    )
      .choices(['lab', 'real'])
      .default('lab'),
  );
  add('down', 'end it and remove its folder', down);
  add('status', 'what runs, and how to reach it; exit code 1 when none is up', status);
}

async function up(io: Io, { dir, output, controlPlane = 'lab' }: LabOptions): Promise<ExitCode> {
  const paths = labPaths(dir, io.env);
  const steps = createSteps(io.err, io.env, () => performance.now());
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const state = await startLab(paths, steps.next, { kind: controlPlane, signal: interrupt.signal });
    steps.end('done');
    if (output === 'json') {
      io.out.write(`${JSON.stringify({ ...state, kubeconfig: paths.kubeconfig })}\n`);
    } else {
      io.out.write(
        `${renderLab(state, isAlive, createPaint(io.out, io.env))}\n\n${renderHints(paths, state)}\n`,
      );
    }
    return EXIT.done;
  } finally {
    steps.end('failed');
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function down(io: Io, { dir, output }: LabOptions): Promise<ExitCode> {
  const stopped = await stopLab(labPaths(dir, io.env));
  const text = stopped ? 'The lab is down.' : 'No lab was up.';
  io.out.write(`${output === 'json' ? JSON.stringify({ stopped }) : text}\n`);
  return EXIT.done;
}

async function status(io: Io, { dir, output }: LabOptions): Promise<ExitCode> {
  const paths = labPaths(dir, io.env);
  const state = readLabState(paths);
  if (!state) {
    if (output === 'json') io.out.write('null\n');
    throw new UserError(`No lab is up in ${paths.directory}. Start one with: kmm lab up`);
  }
  if (output === 'json') {
    io.out.write(`${JSON.stringify({ ...state, kubeconfig: paths.kubeconfig })}\n`);
    return EXIT.done;
  }
  const paint = createPaint(io.out, io.env);
  const places = [
    `${paint('dim', 'kubeconfig')}  ${paths.kubeconfig}`,
    `${paint('dim', 'logs')}        ${paths.logs}`,
  ];
  const registry = (await answers(state.registry)) ? 'running' : 'stopped';
  io.out.write(`${renderLab(state, isAlive, paint, registry)}\n${places.join('\n')}\n`);
  return EXIT.done;
}

/** Whether somebody listens at `host:port`. */
function answers(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
