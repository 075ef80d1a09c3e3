import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  type KubeConnection,
  loadKubeConnection,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { type Format, outputOption, UserError } from '../output/terminal.ts';

export interface ConnectionOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: Format;
}

/** The flags that every command which talks to a cluster has. */
export function withConnection(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG, a running lab, ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .addOption(outputOption());
}

/** Works with the chosen API server; a lab that is up here is used when nothing else is said. */
export async function connected<T>(
  { kubeconfig, context }: ConnectionOptions,
  work: (client: KubeClient) => Promise<T>,
): Promise<T> {
  const lab = labPaths();
  const fallback = process.env['KUBECONFIG'] || !readLabState(lab) ? undefined : lab.kubeconfig;
  const transport = createHttpTransport(connection({ kubeconfig: kubeconfig ?? fallback, context }));
  try {
    return await work(createKubeClient({ transport, clock, random, userAgent: 'kmm-cli' }));
  } finally {
    await transport.close();
  }
}

function connection(options: {
  kubeconfig: string | undefined;
  context: string | undefined;
}): KubeConnection {
  try {
    return loadKubeConnection(process.env, options);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}
