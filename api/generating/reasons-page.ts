import { REASON_CHAPTERS } from '../reasons/index.ts';
import type { ReasonEntry, Severity } from '../reasons/reason.ts';

const SEVERITIES: Readonly<Record<Severity, string>> = {
  error: 'needs a person',
  warning: 'may need a person',
  waiting: 'ends by itself',
  ok: 'is well',
};

const HEAD = `<!-- Generated from api/reasons by \`make generate\`. Do not edit. -->

# Reasons

One word for one thing: in conditions and events, as a label of metrics, in logs, in \`kmm status\`, \`kmm plan\` and \`kmm gather\`. Its message says
what exactly it is about.
`;

/** docs/reasons.md: each reason under a heading of its own, so that alerts and summaries can link to it. */
export function reasonsPage(): string {
  const chapters = Object.entries(REASON_CHAPTERS).map(([title, entries]) => chapter(title, entries));
  return `${HEAD}\n${chapters.join('\n')}`;
}

function chapter(title: string, entries: Readonly<Record<string, ReasonEntry>>): string {
  const sorted = Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  return `## ${title}\n\n${sorted.map(([name, entry]) => section(name, entry)).join('\n')}`;
}

const section = (name: string, { severity, meaning, todo }: ReasonEntry) =>
  `### ${name}\n\n*${SEVERITIES[severity]}* – ${meaning}\n\n${todo === 'Nothing.' ? 'Nothing is to be done.' : todo}\n`;
