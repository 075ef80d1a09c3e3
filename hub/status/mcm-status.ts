import {
  type Checked,
  type Condition,
  counted,
  describeFinding,
  type ManagedClusterModule,
  type ManagedClusterModuleStatus,
  type NextCondition,
  setConditions,
} from '@kmm-fleet/api';
import { deepEqual } from '@kmm-fleet/runtime';
import type { Tally, TallyCounts } from './tally.ts';

const EXAMPLES_MAX = 10;
const SHOWN = ['Degraded', 'Waiting', 'Progressing', 'Deleting'] as const;

/**
 * The status of a ManagedClusterModule; `previous` itself when it says the same. Pure.
 *
 * @param now RFC 3339
 * @param warnings conditions of its images, of which it shows one per type for as long as it is true
 */
export function mcmStatus(
  checked: Checked<ManagedClusterModule>,
  tally: Tally,
  generation: number | undefined,
  previous: ManagedClusterModuleStatus | undefined,
  now: string,
  warnings: readonly Condition[] = [],
): ManagedClusterModuleStatus {
  const { counts } = tally;
  const examples = SHOWN.flatMap((state) => tally.examples(state, EXAMPLES_MAX)).slice(0, EXAMPLES_MAX);
  const { Ready: ready, Progressing: progressing, Waiting: waiting, Degraded: degraded } = counts.states;
  const conditions = [...conditionsOf(checked, tally, generation), ...oncePerType(warnings)];
  const types = new Set(conditions.map(({ type }) => type));
  const before = previous?.conditions?.filter(({ type }) => types.has(type));
  const next: ManagedClusterModuleStatus = {
    numberDesired: counts.works.exist,
    numberApplied: counts.works.applied,
    numberDegraded: counts.works.degraded,
    ...(generation !== undefined && { observedGeneration: generation }),
    summary: summaryOf(counts),
    clusters: { selected: ready + progressing + waiting + degraded, ready, progressing, waiting, degraded },
    nodes: counts.nodes,
    waiting: examples.map(({ cluster, item }) => ({
      cluster,
      ...(item.kernel && { kernel: item.kernel }),
      reason: item.reason,
      message: item.message,
    })),
    conditions: [...setConditions(before, conditions, now)],
  };
  return deepEqual(next, previous) && previous ? previous : next;
}

function conditionsOf(
  checked: Checked<ManagedClusterModule>,
  tally: Tally,
  generation: number | undefined,
): NextCondition[] {
  const condition = (type: string, isTrue: boolean, reason: string, message: string): NextCondition => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
  });
  if (!checked.ok) {
    const message = checked.findings.map(describeFinding).join(' ').slice(0, 4_000);
    const reason = checked.findings[0]?.reason ?? 'Invalid';
    return [
      condition('Ready', false, reason, message),
      condition('Progressing', false, reason, 'Nothing is changed on any cluster until the object is valid.'),
      condition('Degraded', true, reason, message),
    ];
  }
  const { states } = tally.counts;
  const [failure] = tally.examples('Degraded', 1);
  const moving = states.Progressing + states.Deleting;
  const ready = readiness(checked.value, tally);
  return [
    condition('Ready', ready.reason === 'AllClustersReady', ready.reason, ready.message),
    condition(
      'Progressing',
      moving > 0,
      moving > 0 ? 'ClustersChanging' : 'Settled',
      `${counted(moving, 'cluster is', 'clusters are')} changing.`,
    ),
    failure
      ? condition('Degraded', true, failure.item.reason, tell(failure))
      : condition('Degraded', false, 'NoFailure', 'Nothing has failed.'),
  ];
}

function oncePerType(warnings: readonly Condition[]): NextCondition[] {
  const sorted = warnings.toSorted((a, b) => (a.message < b.message ? 1 : -1));
  const byType = new Map(
    sorted.map(({ type, status, reason, message }) => [type, { type, status, reason, message }]),
  );
  return [...byType.values()];
}

type Example = ReturnType<Tally['examples']>[number];

const tell = ({ cluster, item }: Example) => `${cluster}: ${item.message}`;

function readiness({ spec }: ManagedClusterModule, tally: Tally): { reason: string; message: string } {
  const { counts } = tally;
  const { nodes, reasons, states } = counts;
  if (selectsNoNode(counts))
    return { reason: 'NoNodeSelected', message: noNodeMessage(spec.moduleSpec.selector) };
  const [problem] = SHOWN.flatMap((state) => tally.examples(state, 1));
  if (problem) return { reason: problem.item.reason, message: tell(problem) };
  if (states.Ready === 0) {
    const message = 'No ManagedCluster has the labels of spec.selector. Label one to start.';
    return { reason: 'NoClusterSelected', message };
  }
  const empty = reasons.get('NoNodeSelected') ?? 0;
  const others =
    empty > 0
      ? `; ${counted(empty, 'cluster has', 'clusters have')} no node that spec.moduleSpec.selector matches`
      : '';
  const message = `The module is on ${counted(nodes.available, 'node')} of ${counted(states.Ready, 'cluster')}${others}.`;
  return { reason: 'AllClustersReady', message };
}

/** Whether nothing is selected. It outweighs what a single cluster waits for, once all have done what they were told. */
const selectsNoNode = ({ nodes, reasons, states }: TallyCounts): boolean =>
  nodes.selected === 0 &&
  reasons.has('NoNodeSelected') &&
  states.Degraded + states.Progressing + states.Deleting === 0;

function noNodeMessage(selector: Readonly<Record<string, string>>): string {
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  if (labels.length === 0)
    return 'spec.moduleSpec.tolerations: No cluster reports a node whose taints are tolerated. Tolerate them.';
  const next = `Mend the selector, or on a cluster: kubectl label node NODE ${labels.join(' ')}`;
  return `spec.moduleSpec.selector: No cluster reports a node with ${labels.join(',')} whose taints are tolerated. ${next}`;
}

function summaryOf({ states, nodes }: TallyCounts): string {
  if (Object.values(states).every((count) => count === 0)) return 'no cluster';
  const parts = Object.entries(states).filter(([, count]) => count > 0);
  const clusters = parts.map(([state, count]) => `${count} ${state.toLowerCase()}`).join(', ');
  // A cluster that is Ready has reported; from the others zeros tell nothing.
  const isKnown = nodes.selected > 0 || states.Ready > 0;
  return `clusters: ${clusters}; nodes: ${isKnown ? `${nodes.available} of ${nodes.selected} loaded` : 'not reported'}`;
}
