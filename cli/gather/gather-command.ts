import { counted, OPERATOR } from '@kmm-fleet/api';
import type { Command } from 'commander';
import {
  type Connected,
  type ConnectionOptions,
  checkIsHub,
  withConnection,
  withHub,
} from '../hub/connection.ts';
import type { Io } from '../io.ts';
import { EXIT, type ExitCode, messageOf, UsageError, UserError } from '../output/user-error.ts';
import manifest from '../package.json' with { type: 'json' };
import { collect } from './collect.ts';
import type { Collection } from './collection.ts';
import type { View } from './plan-gather.ts';
import { redactText } from './redact/redact-text.ts';
import { nodesTable } from './summary/node-row.ts';
import { type Report, renderSummary } from './summary/render-summary.ts';

interface GatherOptions extends Omit<ConnectionOptions, 'namespace'> {
  readonly namespace?: string;
  readonly hub: boolean;
  readonly dir?: string;
  readonly timeout: string;
}

/** `kmm gather`: everything that support asks for, without secrets, in one folder. */
export function addGatherCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = program
    .command('gather')
    .description('collect logs and objects for support, without secrets; -u for a hub')
    .option('-u, --hub', 'the hub: ManagedClusterModules, works, clusters, images', false)
    .option('--dir <folder>', 'where to (default: $OUTPUT_DIR, or must-gather.local.<time>)')
    .option('--timeout <seconds>', 'give up what is not read by then', '600');
  withConnection(command)
    .addHelpText(
      'after',
      `
summary.md in the folder says first what looks wrong, and what to do. What this account may not
read is listed there and is no failure. The layout is that of upstream's must-gather. Values of
Secrets are not written: they tell what to mask elsewhere.

Examples:
  kmm gather -u --context hub
  kmm gather --context east --dir /tmp/east
  kmm gather -n my-kmm -o json | jq .problems`,
    )
    .action(async (options: GatherOptions) => finish(await gather(io, options)));
}

async function gather(io: Io, options: GatherOptions): Promise<ExitCode> {
  const seconds = Number(options.timeout);
  if (!(seconds > 0))
    throw new UsageError(`--timeout: "${options.timeout}" is no number of seconds. Write 600.`);
  const view = options.hub ? 'hub' : 'cluster';
  const namespace = options.namespace ?? (options.hub ? OPERATOR.hubNamespace : OPERATOR.namespace);
  if (options.dir !== undefined) await checkEmpty(io, options.dir);
  const folder = options.dir ?? (io.env['OUTPUT_DIR'] || `must-gather.local.${stamp(io.now())}`);
  const report = await withHub(io, options, (connected) =>
    gatherFrom(io, connected, view, namespace, folder, seconds),
  );
  tell(io, options, folder, report);
  return report.read > 0 ? EXIT.done : EXIT.failed;
}

/** @throws {UserError} when something is there already: files of two gathers would be taken for one */
async function checkEmpty(io: Io, folder: string): Promise<void> {
  const names = await io.list(folder).catch(() => []);
  if (names.length === 0) return;
  throw new UserError(
    `--dir: ${folder} is not empty: it has ${names[0]}. Name another folder, or empty this one.`,
  );
}

async function gatherFrom(
  io: Io,
  connected: Connected,
  view: View,
  namespace: string,
  folder: string,
  seconds: number,
): Promise<Report> {
  const { client, transport, server } = connected;
  const started = io.now();
  const signal = AbortSignal.timeout(seconds * 1_000);
  const save = (path: string, text: string | AsyncIterable<string>) => io.save(`${folder}/${path}`, text);
  const progress = (line: string) => io.err.write(`${line}\n`);
  const version = await kubernetesVersion(transport, server, signal);
  if (view === 'hub') await checkIsHub(connected, namespace, signal);
  const collection = await collect(view, namespace, { client, transport, save, progress, signal });
  const operator = [...collection.operatorImages].sort().join(', ');
  const versions = {
    'kmm gather': manifest.version,
    operator: operator || 'no pod of it was found',
    Kubernetes: version,
  };
  const report = reportOf(view, server, namespace, started, io.now(), versions, collection);
  await save('summary.md', renderSummary(report));
  await save('nodes.tsv', nodesTable(report.nodes));
  await save('version', `kmm-fleet gather\n${manifest.version}\n`);
  await save('timestamp', `${started.toISOString()}\n${io.now().toISOString()}\n`);
  return report;
}

function reportOf(
  view: View,
  server: string,
  namespace: string,
  started: Date,
  ended: Date,
  versions: Report['versions'],
  { problems, unreadable, absent, counts, nodes, read, logs, bytes }: Collection,
): Report {
  return {
    view,
    server: redactText(server),
    namespace,
    started: started.toISOString(),
    seconds: (ended.getTime() - started.getTime()) / 1_000,
    problems: problems.groups(),
    unreadable,
    absent,
    versions,
    counts: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))),
    read,
    logs,
    bytes,
    nodes: nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

/** The first question: a server that does not answer it will answer none. */
async function kubernetesVersion(
  transport: Connected['transport'],
  server: string,
  signal: AbortSignal,
): Promise<string> {
  const request = { method: 'GET' as const, path: '/version', headers: { accept: 'application/json' } };
  try {
    const { status, body } = await transport.request(
      request,
      AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
    );
    let text = '';
    for await (const part of body) text = (text + Buffer.from(part).toString('utf8')).slice(0, 10_000);
    return /"gitVersion":\s*"([^"]{1,100})"/.exec(text)?.[1] ?? `unknown (${status})`;
  } catch (error) {
    throw new UserError(
      `${server} does not answer: ${messageOf(error)}. Check the network path to the API server.`,
    );
  }
}

const TOLD_MAX = 5;

function tell(io: Io, { output }: GatherOptions, folder: string, report: Report): void {
  const { problems, unreadable, counts, logs } = report;
  if (output === 'json') {
    io.out.write(`${JSON.stringify({ folder, ...report })}\n`);
    return;
  }
  const objects = Object.values(counts).reduce((sum, count) => sum + count, 0);
  for (const { severity, reason, count, kind } of problems.slice(0, TOLD_MAX))
    io.out.write(`${severity}  ${reason}  ${count} × ${kind}\n`);
  io.out.write(
    `${counted(objects, 'object')} and ${counted(logs, 'log')} are in ${folder}; read ${folder}/summary.md first.\n`,
  );
  if (unreadable.length > 0)
    io.err.write(`warning: ${counted(unreadable.length, 'thing')} could not be read; see summary.md.\n`);
}

/** `20261123214500`: sorts by time, as a name that every file system takes. */
const stamp = (now: Date) => now.toISOString().slice(0, 19).replaceAll(/\D/g, '');
