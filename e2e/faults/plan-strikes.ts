import { AGENTS, type Agent, type ProxyFault } from '@kmm-fleet/lab';
import { createRandom } from '@kmm-fleet/runtime';

/** Whose way to the API server a fault is on. */
export type Victim = 'hub' | Cluster;
export type Cluster = 'east' | 'west';

/** Something that goes wrong while a fleet works. */
export type Strike =
  | { readonly what: 'kill operator' | 'cut operator' | 'compact' | 'rotate token'; readonly of: Victim }
  /** The server no longer accepts any that the operator was given; so long it has no other. */
  | { readonly what: 'end token'; readonly of: Victim; readonly forMs: number }
  /** Of the operator, so far ahead of everybody else's. */
  | { readonly what: 'set clock'; readonly of: Victim; readonly aheadMs: number }
  | { readonly what: 'kill work agent'; readonly of: Cluster }
  /** As of the operator's, by which the agent reaches its own cluster. */
  | { readonly what: 'rotate agent token'; readonly of: Cluster; readonly agent: Agent }
  /** Its token ends, and it begins anew with the next one: what runs on client-go looks for another only once a minute. */
  | { readonly what: 'replace agent'; readonly of: Cluster; readonly agent: Agent; readonly forMs: number }
  /** By which both agents of a cluster reach the hub. */
  | { readonly what: 'renew certificate'; readonly of: Cluster }
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

const CLUSTERS: readonly Cluster[] = ['east', 'west'];
const VICTIMS: readonly Victim[] = ['hub', ...CLUSTERS];
const STRIKES_PER_STEP = 2;
/** A strike may come as late as this: what a step takes while three other rounds are told beside it. */
const STEPS_MS = [3_000, 2_500, 1_500, 1_000];
const STRIKES = STEPS_MS.length * STRIKES_PER_STEP;
const HOUR_MS = 3_600_000;
/** What a clock is ahead; one that is right would be no fault. */
const WRONG_MS = [-2, -1, 1, 2].map((hours) => hours * HOUR_MS);
/** An API server or an etcd takes seconds to be there again: one seed in so many kills one. */
const RESTART_EVERY = 6;

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

/** Numbers from 0, as random as the plan. */
type Below = (count: number) => number;
type Draw = (below: Below) => Strike;

const each = <Of extends Victim>(victims: readonly Of[], kind: (of: Of, below: Below) => Strike): Draw[] =>
  victims.map((of) => (below) => kind(of, below));
const ofAgents = (kind: (agent: Agent, of: Cluster, below: Below) => Strike): Draw[] =>
  AGENTS.flatMap((agent) => each(CLUSTERS, (of, below) => kind(agent, of, below)));
const requests = (victims: readonly Victim[]) =>
  FAULTS.flatMap((fault) =>
    each(victims, (of, below) => ({ what: 'requests', of, fault, forMs: 50 + below(400) })),
  );

/** By kind, each at every victim. */
const KINDS: readonly (readonly Draw[])[] = [
  each(VICTIMS, (of) => ({ what: 'kill operator', of })),
  each(VICTIMS, (of) => ({ what: 'cut operator', of })),
  each(VICTIMS, (of, below) => ({ what: 'stall watches', of, forMs: 200 + below(600) })),
  each(VICTIMS, (of) => ({ what: 'compact', of })),
  each(VICTIMS, (of, below) => ({ what: 'end token', of, forMs: below(500) })),
  each(VICTIMS, (of) => ({ what: 'rotate token', of })),
  each(VICTIMS, (of, below) => ({
    what: 'set clock',
    of,
    aheadMs: WRONG_MS[below(WRONG_MS.length)] ?? HOUR_MS,
  })),
  each(CLUSTERS, (of) => ({ what: 'kill work agent', of })),
  ofAgents((agent, of) => ({ what: 'rotate agent token', of, agent })),
  requests(VICTIMS),
];
/** They take ten seconds and more, and are not left to chance. */
const SLOW = [
  ofAgents((agent, of, below) => ({ what: 'replace agent', of, agent, forMs: below(500) })),
  each(CLUSTERS, (of) => ({ what: 'renew certificate', of })),
];
/** The hub is struck more often than the others. */
const AT_HUB = [each(['hub'], (of) => ({ what: 'kill operator', of })), requests(['hub'])];
const RESTARTS = (['kill etcd', 'kill kube-apiserver'] as const).flatMap((what) =>
  each(VICTIMS, (of) => ({ what, of })),
);
const PAIRS = [...KINDS, ...SLOW].flat();

/**
 * What strikes in each step of a round: equal seeds give equal plans. Some strikes are those whose turn it is, so that
 * forty seeds in a row strike every victim in every way; the others are left to chance.
 */
export function planStrikes(seed: number): TimedStrike[][] {
  const random = createRandom(seed);
  const below: Below = (count) => Math.floor(random() * count);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  const draws = [2 * seed, 2 * seed + 1].map((turn) => PAIRS[turn % PAIRS.length] as Draw);
  if (seed % RESTART_EVERY === 0) draws.push(RESTARTS[(seed / RESTART_EVERY) % RESTARTS.length] as Draw);
  while (draws.length < STRIKES) draws.push(pick(pick([...KINDS, ...AT_HUB])));
  const first = below(STRIKES);
  return STEPS_MS.map((stepMs, step) =>
    Array.from({ length: STRIKES_PER_STEP }, (_, index) => {
      const draw = draws[(first + step * STRIKES_PER_STEP + index) % STRIKES] as Draw;
      return { atMs: below(stepMs), strike: draw(below) };
    }).sort((a, b) => a.atMs - b.atMs),
  );
}
