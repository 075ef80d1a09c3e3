import { installedKey } from '@kmm-fleet/policies';
import type { Attributes } from '../hub/ask-access.ts';
import { inWords } from '../output/in-words.ts';
import type { Mode, Step } from './plan-uninstall.ts';

/** What was done, or would be, and what is left. */
export interface Report {
  readonly edition: string;
  readonly namespace: string;
  readonly modules: Mode;
  readonly dryRun: boolean;
  readonly done: boolean;
  readonly removed: readonly string[];
  /** Objects that lost what only the operator would have taken from them: a finalizer, a label. */
  readonly released: readonly string[];
  /** What it still waits for; in a dry run, what it would wait for. */
  readonly waits: readonly string[];
  /** What holds that which it waits for, where it can tell, and what to do there. */
  readonly hints: readonly string[];
  readonly remains: readonly string[];
}

/** @param steps that were taken; the last says how it ended */
export function reportOf(
  what: Pick<Report, 'edition' | 'namespace' | 'modules' | 'dryRun'>,
  steps: readonly Step[],
  hints: readonly string[] = [],
): Report {
  const last = steps.at(-1);
  const waits = what.dryRun ? steps : steps.slice(-1);
  const of = <T>(all: readonly Step[], keysOf: (step: Step) => readonly T[]) => [
    ...new Set(all.flatMap(keysOf)),
  ];
  return {
    ...what,
    done: last?.kind === 'done',
    removed: of(steps, (step) => (step.kind === 'remove' ? step.objects.map(installedKey) : [])),
    released: of(steps, (step) => (step.kind === 'release' ? step.held.map(installedKey) : [])),
    waits: of(waits, (step) => (step.kind === 'wait' ? step.keys : [])),
    hints,
    remains: last?.kind === 'done' ? last.remains : [],
  };
}

/** A line per object. */
export function renderReport({ edition, modules, dryRun, done, ...report }: Report): string {
  const lines = (word: string, keys: readonly string[]) => keys.map((key) => `${word.padEnd(14)} ${key}`);
  return [
    ...lines(dryRun ? 'would remove' : 'removed', report.removed),
    ...lines(dryRun ? 'would release' : 'released', report.released),
    ...lines(dryRun ? 'would wait for' : 'waits for', report.waits),
    ...lines(dryRun ? 'would remain' : 'remains', report.remains),
    ...report.hints,
    done ? ENDS[modules](edition) : 'Not done yet. Run it again: it goes on from here.',
  ].join('\n');
}

const ENDS: Readonly<Record<Mode, (edition: string) => string>> = {
  keep: (edition) => `Modules stay as they are. What kmm install ${edition} prints takes them over again.`,
  unload: () => 'No module is left. Remove the namespace when you need none of the Secrets in it.',
};

const SHOWN_MAX = 3;

/** A step as a line of progress. */
export function stepInWords(step: Step): string {
  switch (step.kind) {
    case 'remove':
      return `removing ${inWords(step.objects.map(installedKey), SHOWN_MAX)}`;
    case 'release':
      return `releasing ${inWords(step.held.map(installedKey), SHOWN_MAX)}`;
    case 'wait':
      return `waiting ${WHY[step.on]}: ${inWords(step.keys, SHOWN_MAX)}`;
    default:
      return step.kind;
  }
}

const WHY = {
  modules: 'until modules are unloaded',
  operator: 'until the operator has ended',
  objects: 'until these are gone',
} as const;

/** What the steps take, once per kind and namespace. */
export function accessNeeded(steps: readonly Step[]): Attributes[] {
  const all = steps.flatMap((step) => {
    if (step.kind === 'remove') return step.objects.map((target) => ({ ...target, verb: 'delete' }));
    return step.kind === 'release' ? step.held.map((target) => ({ ...target, verb: 'patch' })) : [];
  });
  const access = all.map(({ verb, type: { group, plural: resource }, name: { namespace } }) => ({
    ...{ verb, group, resource },
    ...(namespace && { namespace }),
  }));
  return [...new Map(access.map((one) => [JSON.stringify(one), one])).values()];
}
