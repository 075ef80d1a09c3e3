import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import {
  CORE,
  systemClock as clock,
  createKubeClient,
  isAppError,
  type KubeClient,
  type KubeConnection,
  type KubeObject,
  listAll,
  loadKubeConnection,
  type ResourceType,
  systemRandom as random,
  type Transport,
} from '@kmm-fleet/runtime';
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { type OutputOptions, outputOption } from '../output/format.ts';
import { messageOf, UserError } from '../output/user-error.ts';

export interface ConnectionOptions extends OutputOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

/** An API server that is reached. */
export interface Connected {
  readonly client: KubeClient;
  /** For what is no object, such as logs. */
  readonly transport: Transport;
  readonly server: string;
  /** The kubeconfig that leads here, where it is one file. */
  readonly kubeconfig?: string;
  /** All objects of a kind. @throws {UserError} when the server does not know the kind */
  list<T = KubeObject>(type: ResourceType, labelSelector?: string): Promise<T[]>;
}

/** Longest time for all that one command asks of one API server: nobody waits longer at a prompt. */
const ANSWER_MS_MAX = 30_000;

/** The flags that every command which talks to a hub has. */
export function withConnection(command: Command, operatorNamespace?: string): Command {
  return command
    .addOption(
      new Option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG, a running lab, ~/.kube/config)'),
    )
    .addOption(new Option('--context <name>', 'context of the kubeconfig'))
    .option('-n, --namespace <name>', "the operator's namespace", operatorNamespace)
    .addOption(outputOption());
}

/** Uses the chosen API server; a lab that is up here is used when nothing else is said. */
export async function withHub<T>(
  io: Io,
  { kubeconfig, context }: Pick<ConnectionOptions, 'kubeconfig' | 'context'>,
  use: (hub: Connected) => Promise<T>,
): Promise<T> {
  const lab = labPaths(undefined, io.env);
  const fallback = io.env['KUBECONFIG'] || !readLabState(lab) ? undefined : lab.kubeconfig;
  const file = kubeconfig ?? fallback;
  const named = file ?? io.env['KUBECONFIG'];
  checkLab(named);
  return withConnected(io, await load(io, file, context), (hub) =>
    use({ ...hub, ...(named && { kubeconfig: named }) }),
  );
}

/** @throws {UserError} when the hub has no such namespace; whoever may not look is believed */
export async function checkNamespace({ client, server }: Connected, name: string): Promise<void> {
  const found = await client.get(CORE.namespace, { name }).catch(() => 'unknown');
  if (found === undefined)
    throw new UserError(
      `--namespace: ${server} has no namespace ${name}. Name the one that KMM-Hub and its Secrets are in.`,
    );
}

/** @throws {UserError} when the kind and the operator's namespace are both unknown there; a hub may have lost one of them */
export async function checkIsHub(
  { client, server }: Connected,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const type = RESOURCES.managedClusterModule;
  try {
    await client.list(type, {}, signal)[Symbol.asyncIterator]().next();
  } catch (error) {
    if (!isAppError(error) || error.code !== 'NOT_FOUND') return;
    const found = await client.get(CORE.namespace, { name: namespace }, signal).catch(() => 'unknown');
    if (found === undefined) throw noHub(server, type);
  }
}

/** A kubeconfig of a lab that is not up leads nowhere, and the network is not to blame. */
function checkLab(kubeconfig: string | undefined): void {
  if (!kubeconfig || basename(kubeconfig) !== 'kubeconfig') return;
  const paths = labPaths(dirname(kubeconfig));
  const isLab = existsSync(paths.path('logs', 'lab.log')) || basename(paths.directory) === '.lab';
  if (isLab && !readLabState(paths))
    throw new UserError(`The lab in ${paths.directory} is down. Start it with: bin/kmm lab up`);
}

/** Uses one API server and lets go of its sockets. */
export async function withConnected<T>(
  io: Io,
  connection: KubeConnection,
  use: (connected: Connected) => Promise<T>,
): Promise<T> {
  const { server } = connection;
  const transport = io.transport(connection);
  const client = createKubeClient({ transport, clock, random, userAgent: 'kmm-cli' });
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  try {
    return await use({
      client,
      transport,
      server,
      list: (type, labels) => listOf(client, server, type, labels, signal),
    });
  } finally {
    await transport.close();
  }
}

async function load(
  io: Io,
  kubeconfig: string | undefined,
  context: string | undefined,
): Promise<KubeConnection> {
  try {
    return await loadKubeConnection(io.env, { kubeconfig, context });
  } catch (error) {
    const file = kubeconfig ?? io.env['KUBECONFIG'];
    const message = messageOf(error).split('\n')[0] ?? '';
    const named = !file || message.includes(file) ? message : `Kubeconfig ${file}: ${message}`;
    throw new UserError(
      `${/[.:]$/.test(named) ? named.replace(/:$/, '.') : `${named}.`} Choose another with --kubeconfig or --context.`,
    );
  }
}

async function listOf<T>(
  client: KubeClient,
  server: string,
  type: ResourceType,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<T[]> {
  try {
    return await listAll<T>(client, type, labelSelector ? { labelSelector } : {}, signal);
  } catch (error) {
    if (signal.aborted)
      throw new UserError(
        `${server} did not answer in ${ANSWER_MS_MAX / 1_000} s. Check the network path to the API server.`,
      );
    if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error;
    throw noHub(server, type);
  }
}

function noHub(server: string, { plural, group }: ResourceType): UserError {
  return new UserError(
    `${server} knows no ${plural}${group ? `.${group}` : ''}, so it is not a KMM hub. Choose the hub with --kubeconfig or --context, or install the CRDs.`,
  );
}
