import { nearest, REASONS, type ReasonEntry, reasonEntry, reasonLink } from '@kmm-fleet/api';
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { type OutputOptions, outputOption } from '../output/format.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';

/** `kmm explain REASON`: what a word in a condition, an event, a metric or a log means, and what to do. */
export function addExplainCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  program
    .command('explain')
    .description('what a reason in a status, an event, an alert or a log means, and what to do')
    .argument('[reason]', 'such as KernelNotMapped; all of them without it')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Examples:
  kmm explain KernelNotMapped
  kmm explain -o json`,
    )
    .action((reason: string | undefined, options: OutputOptions) => finish(explain(io, reason, options)));
}

function explain(io: Io, wanted: string | undefined, { output }: OutputOptions): ExitCode {
  const names = wanted === undefined ? Object.keys(REASONS).sort() : [nameOf(wanted)];
  const told = names.map((name) => ({ name, ...entryOf(name), link: reasonLink(name) }));
  io.out.write(`${output === 'json' ? JSON.stringify(told) : told.map(describe).join('\n\n')}\n`);
  return EXIT.done;
}

const describe = ({ name, meaning, todo, link }: { name: string; link: string } & ReasonEntry) =>
  `${name}\n  ${meaning}\n  Next: ${todo}\n  ${link}`;

/** However it is written: people copy it from alerts and type it by heart. */
function nameOf(wanted: string): string {
  const name = Object.keys(REASONS).find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (name) return name;
  const meant = nearest(wanted, Object.keys(REASONS));
  if (meant)
    throw new UserError(`No reason is called ${wanted}. Did you mean ${meant}? Run: kmm explain ${meant}`);
  throw new UserError(
    `No reason is called ${wanted}. It may be a word of Kubernetes itself; list ours with: kmm explain`,
  );
}

function entryOf(name: string): ReasonEntry {
  const entry = reasonEntry(name);
  if (!entry) throw new RangeError(`${name} was looked up before`);
  return entry;
}
