import type { LoaderOutcome } from './scenario.ts';

/** What was read on a node after a step. */
export interface Reading {
  readonly code: number;
  readonly stdout: string;
  readonly words: string;
  /** /proc/modules. */
  readonly modules: string;
  /** New lines of the kernel's log. */
  readonly log: readonly string[];
}

/** What a scenario speaks of, out of all that a node says. */
export function outcomeOf({ code, stdout, words, modules, log }: Reading): LoaderOutcome {
  return {
    code,
    output: linesOf(stdout),
    words: linesOf(words),
    modules: linesOf(modules).flatMap(moduleLine),
    log: log.flatMap(logLine),
  };
}

/** Modprobe ends lines with a blank where no parameter follows. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);

/** `name size references users state address (flags)`, of modules that scenarios load; size and address differ. */
function moduleLine(line: string): string[] {
  const [name = '', , references, users, , , ...flags] = line.split(' ');
  return /^(kmm_e2e_|dummy$)/.test(name) ? [[name, references, users, ...flags].join(' ')] : [];
}

/**
 * About a load that was refused or a file that was asked for. A kernel says once in its life that it is tainted; what
 * modules say themselves needs code, which those of the simulated node lack.
 */
function logLine(line: string): string[] {
  const text = line.replace(/^\[ *[\d.]+\] /, '');
  if (/taint|: (came|went)$/.test(text)) return [];
  const firmware = /firmware: \S.*$/.exec(text)?.[0];
  if (firmware) return [firmware];
  return /^(kmm_e2e_|Loading of |Lockdown: modprobe)/.test(text) ? [text] : [];
}
