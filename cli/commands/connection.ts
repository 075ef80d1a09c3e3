import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  loadKubeConnection,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { UserError } from '../output/terminal.ts';

export interface ConnectionOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The flags that every command which talks to a cluster has. */
export function withConnection(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG, a running lab, ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-o, --output <format>', 'text or json', 'text');
}

/** A client for the chosen API server; a lab that is up here is used when nothing else is said. */
export function connect({ kubeconfig, context }: ConnectionOptions): {
  client: KubeClient;
  close: () => Promise<void>;
} {
  const lab = labPaths();
  const fallback = process.env['KUBECONFIG'] || !readLabState(lab) ? undefined : lab.kubeconfig;
  try {
    const connection = loadKubeConnection(process.env, { kubeconfig: kubeconfig ?? fallback, context });
    const transport = createHttpTransport(connection);
    return {
      client: createKubeClient({ transport, clock, random, userAgent: 'kmm-cli' }),
      close: () => transport.close(),
    };
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}
