import { counted, reasonEntry, reasonLink } from '@kmm-fleet/api';
import type { View } from '../plan-gather.ts';
import { type NodeRow } from './node-row.ts';
import type { ProblemGroup } from './problems.ts';

/** Something that was asked for and did not come. */
export interface Unreadable {
  readonly what: string;
  readonly why: string;
}

/** Everything that a summary says. */
export interface Report {
  readonly view: View;
  readonly server: string;
  readonly namespace: string;
  readonly started: string;
  readonly seconds: number;
  readonly problems: readonly ProblemGroup[];
  readonly unreadable: readonly Unreadable[];
  /** Kinds that this cluster does not serve, and need not. */
  readonly absent: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Objects by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** Lists that came, however short. */
  readonly read: number;
  readonly logs: number;
  readonly bytes: number;
  readonly nodes: readonly NodeRow[];
}

const PROBLEMS_MAX = 60;
const NODES_MAX = 50;
const ADVICE = {
  error: 'needs a person',
  warning: 'may need a person',
  waiting: 'ends by itself',
  ok: 'is well',
};

/** summary.md: what looks wrong first, then what could not be read, then what is here. Pure. */
export function renderSummary(report: Report): string {
  const { view, server, namespace, started, seconds } = report;
  return [
    `# KMM ${view === 'hub' ? 'hub' : 'cluster'} ${server}`,
    `Gathered ${started} in ${seconds.toFixed(1)} s, operator namespace ${namespace}.`,
    '## What looks wrong',
    problems(report),
    ...(report.unreadable.length > 0 ? ['## What could not be read', unreadable(report)] : []),
    '## What is here',
    contents(report),
    ...(report.nodes.length > 0 ? ['## Nodes', nodes(report)] : []),
    '## What was left out',
    'Values of Secrets, credentials, keys and whatever looks like one read `<redacted>`; managed fields and the last applied configuration of objects are dropped. Read on before you pass it on: no rule knows every secret.',
    '',
  ].join('\n\n');
}

function problems({ problems: all, unreadable: unread, read }: Report): string {
  if (read === 0)
    return 'Nothing could be read. Choose another account or server with --kubeconfig or --context.';
  if (all.length === 0)
    return unread.length > 0
      ? 'Nothing, in what could be read.'
      : 'Nothing. Conditions, pods, images, claims and events were looked at.';
  const shown = all.slice(0, PROBLEMS_MAX).map((group, index) => `${index + 1}. ${describe(group)}`);
  const more =
    all.length > PROBLEMS_MAX
      ? [`… and ${counted(all.length - PROBLEMS_MAX, 'more kind', 'more kinds')} of trouble.`]
      : [];
  return [...shown, ...more].join('\n');
}

function describe({ reason, kind, severity, count, examples }: ProblemGroup): string {
  const entry = reasonEntry(reason);
  const names = examples.map(
    ({ object, message }) => `   - ${code(object)}${message && `: ${flat(message)}`}`,
  );
  const rest = count > examples.length ? [`   - … and ${count - examples.length} more`] : [];
  const said = kind === 'Event' ? 'events' : kind;
  return [
    `**${flat(reason)}** – ${count} × ${said}, ${ADVICE[severity]}.${entry ? ` ${entry.meaning}` : ''}`,
    ...(entry ? [`   Next: ${entry.todo} (${reasonLink(reason)})`] : []),
    ...names,
    ...rest,
  ].join('\n');
}

const unreadable = ({ unreadable: list }: Report) =>
  list.map(({ what, why }) => `- ${flat(what)}: ${flat(why)}`).join('\n');

function contents({ counts, logs, bytes, versions, absent }: Report): string {
  const rows = Object.entries(counts).map(([kind, count]) => `| ${kind} | ${count} |`);
  return [
    ...Object.entries(versions).map(([name, version]) => `- ${name}: ${flat(version)}`),
    `- ${counted(logs, 'log')}; ${(bytes / 1e6).toFixed(1)} MB in all`,
    ...(absent.length > 0 ? [`- not served here, and not needed: ${absent.join(', ')}`] : []),
    '',
    '| kind | objects |\n|---|---|',
    ...rows,
  ]
    .join('\n')
    .replace('\n\n|', '\n\n|');
}

function nodes({ nodes: all }: Report): string {
  const rows = all
    .slice(0, NODES_MAX)
    .map(
      (row) =>
        `| ${row.node} | ${row.ready} | ${row.kernel} | ${row.architecture} | ${row.labels.join('<br>')} |`,
    );
  const more = all.length > NODES_MAX ? [`\n${all.length - NODES_MAX} more in nodes.tsv.`] : [];
  return [
    '| node | ready | kernel | architecture | KMM labels |\n|---|---|---|---|---|',
    ...rows,
    ...more,
  ].join('\n');
}

/** One line, whatever was in it: the summary is a list. */
const flat = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll('`', "'").trim();
const code = (text: string) => `\`${flat(text)}\``;
