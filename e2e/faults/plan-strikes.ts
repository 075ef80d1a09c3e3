import type { ProxyFault } from '@kmm-fleet/lab';
import { createRandom } from '@kmm-fleet/runtime';

/** Whose way to the API server a fault is on. */
export type Victim = 'hub' | 'east' | 'west';

/** Something that goes wrong while a fleet works. */
export type Strike =
  | { readonly what: 'kill operator' | 'cut operator' | 'compact' | 'rotate token'; readonly of: Victim }
  /** The server no longer accepts any that the operator was given; so long it has no other. */
  | { readonly what: 'end token'; readonly of: Victim; readonly forMs: number }
  /** Of the operator, so far ahead of everybody else's. */
  | { readonly what: 'set clock'; readonly of: Victim; readonly aheadMs: number }
  | { readonly what: 'kill work agent'; readonly of: Exclude<Victim, 'hub'> }
  | { readonly what: 'kill kube-apiserver' | 'kill etcd'; readonly of: Victim }
  /** They tell nothing for a while and then end, as behind a balancer that has forgotten them. */
  | { readonly what: 'stall watches'; readonly of: Victim; readonly forMs: number }
  /** Every request for a while. */
  | { readonly what: 'requests'; readonly of: Victim; readonly fault: ProxyFault; readonly forMs: number };

export interface TimedStrike {
  /** Since the step began. */
  readonly atMs: number;
  readonly strike: Strike;
}

const VICTIMS: readonly Victim[] = ['hub', 'east', 'west'];
const STRIKES_PER_STEP = 2;
const STEP_MS = 600;
const HOUR_MS = 3_600_000;

/**
 * What strikes in each step of a story: equal seeds give equal plans.
 *
 * @param canRestart API servers and etcd may be killed too, which takes seconds each
 */
export function planStrikes(seed: number, steps: number, canRestart: boolean): TimedStrike[][] {
  const random = createRandom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  const kinds: (() => Strike)[] = [
    () => ({ what: 'kill operator', of: pick(VICTIMS) }),
    () => ({ what: 'kill operator', of: 'hub' }),
    () => ({ what: 'cut operator', of: pick(VICTIMS) }),
    () => ({ what: 'stall watches', of: pick(VICTIMS), forMs: 200 + below(600) }),
    () => ({ what: 'compact', of: pick(VICTIMS) }),
    () => ({ what: 'end token', of: pick(VICTIMS), forMs: below(500) }),
    () => ({ what: 'rotate token', of: pick(VICTIMS) }),
    () => ({ what: 'set clock', of: pick(VICTIMS), aheadMs: pick([-2, -1, 0, 1, 2]) * HOUR_MS }),
    () => ({ what: 'kill work agent', of: pick(['east', 'west']) }),
    () => ({ what: 'requests', of: pick(VICTIMS), fault: pick(FAULTS), forMs: 50 + below(400) }),
    () => ({ what: 'requests', of: 'hub', fault: pick(FAULTS), forMs: 50 + below(400) }),
  ];
  if (canRestart) kinds.push(() => ({ what: pick(['kill kube-apiserver', 'kill etcd']), of: pick(VICTIMS) }));
  const one = (): TimedStrike => ({ atMs: below(STEP_MS), strike: pick(kinds)() });
  return Array.from({ length: steps }, () =>
    Array.from({ length: STRIKES_PER_STEP }, one).sort((a, b) => a.atMs - b.atMs),
  );
}

const FAULTS: readonly ProxyFault[] = [
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 503, retryAfterSeconds: 1 },
  { kind: 'answer', status: 429, retryAfterSeconds: 1 },
  { kind: 'answer', status: 410 },
  { kind: 'answer', status: 401 },
  { kind: 'cut-before' },
  { kind: 'cut-after' },
  { kind: 'twice' },
  { kind: 'delay', ms: 150 },
  { kind: 'stall', ms: 500 },
];
