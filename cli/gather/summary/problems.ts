import { reasonEntry, type Severity } from '@kmm-fleet/api';

/** One thing that looks wrong. */
export interface Problem {
  readonly severity: Severity;
  /** Of the one vocabulary, or the word of a neighbour. */
  readonly reason: string;
  /** Kind of the object that says so. */
  readonly kind: string;
  readonly object: string;
  readonly message: string;
}

/** Problems of one reason and kind, with the first few that have it. */
export interface ProblemGroup {
  readonly severity: Severity;
  readonly reason: string;
  readonly kind: string;
  readonly count: number;
  readonly examples: readonly { readonly object: string; readonly message: string }[];
}

export interface ProblemTally {
  add(problem: Problem): void;
  /** What is worst first. */
  groups(): ProblemGroup[];
}

const EXAMPLES_MAX = 5;
/** Reasons are few; foreign words and kinds must not make this grow with the fleet. */
const GROUPS_MAX = 500;
const MESSAGE_CHARS_MAX = 600;

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'waiting', 'ok'];
/** What is nearer to the cause comes first. */
const KINDS = ['Gather', 'Deployment', 'Pod', 'ModuleImage', 'ManagedClusterModule', 'Module'];

/** Groups problems while they come in; memory is bounded, whatever the size of the fleet. */
export function createProblemTally(): ProblemTally {
  const groups = new Map<string, { group: ProblemGroup; examples: ProblemGroup['examples'][number][] }>();
  return {
    add({ severity, reason, kind, object, message }) {
      const key = `${severity}\0${kind}\0${reason}`;
      const known = groups.get(key);
      if (!known && groups.size >= GROUPS_MAX) return;
      const examples = known?.examples ?? [];
      if (examples.length < EXAMPLES_MAX)
        examples.push({ object, message: message.trim().slice(0, MESSAGE_CHARS_MAX) });
      const count = (known?.group.count ?? 0) + 1;
      groups.set(key, { group: { severity, reason, kind, count, examples }, examples });
    },
    groups: () => [...groups.values()].map(({ group }) => group).sort(compareGroups),
  };
}

function compareGroups(a: ProblemGroup, b: ProblemGroup): number {
  const rank = ({ severity, kind }: ProblemGroup) => {
    const known = KINDS.indexOf(kind);
    return SEVERITIES.indexOf(severity) * 100 + (known < 0 ? KINDS.length : known);
  };
  return rank(a) - rank(b) || b.count - a.count || (a.reason < b.reason ? -1 : 1);
}

/** As bad as the vocabulary says; words that it does not have need a look. */
export const severityOf = (reason: string): Severity => reasonEntry(reason)?.severity ?? 'warning';
