import {
  asSentence,
  counted,
  describeFinding,
  type Finding,
  LABELS,
  type Module,
  type ModuleStatus,
  moreOfPod,
  type NextCondition,
  type Reason,
  setConditions,
} from '@kmm-fleet/api';
import { deepEqual } from '@kmm-fleet/runtime';
import { type DaemonSetView, daemonSetNumbers, type PodView } from '../views.ts';
import { firmwarePathFindings } from './firmware-path.ts';
import type { ModulePlan } from './plan-module.ts';

export interface StatusInput {
  readonly module: Module;
  readonly plan: ModulePlan;
  readonly daemonSets: readonly DaemonSetView[];
  readonly pods: readonly PodView[];
  readonly generation: number | undefined;
}

const PROBLEMS_MAX = 5;
/** It travels to the hub with the status of the work. */
const MESSAGE_CHARS_MAX = 1_024;

/** Types of conditions that stand only while they are true: each is called as its reason. */
const WARNINGS: ReadonlySet<string> = new Set<Reason>(['ImageNotPinned', 'FirmwarePathNotSet']);

/** The status of a Module: upstream's numbers, and conditions that say why. `previous` itself when nothing changed. */
export function moduleStatus(
  input: StatusInput,
  previous: ModuleStatus | undefined,
  now: string,
): ModuleStatus {
  const { module, plan, daemonSets } = input;
  const available = (isLoader: boolean) =>
    daemonSets
      .filter(({ metadata }) => LABELS.kernelVersion in (metadata.labels ?? {}) === isLoader)
      .reduce((sum, view) => sum + daemonSetNumbers(view).available, 0);
  // Zeros are written, unlike upstream's: feedback of a work can read only what is there.
  const numbers = (availableNumber: number) => ({
    nodesMatchingSelectorNumber: plan.matching,
    desiredNumber: plan.desired,
    availableNumber,
  });
  const conditions = conditionsOf(input, available(true), available(false));
  const stands = (wanted: string) => conditions.some(({ type }) => type === wanted);
  const before = previous?.conditions?.filter(({ type }) => !WARNINGS.has(type) || stands(type));
  const next: ModuleStatus = {
    ...(module.spec.moduleLoader && { moduleLoader: numbers(available(true)) }),
    ...(module.spec.devicePlugin && { devicePlugin: numbers(available(false)) }),
    ...(input.generation !== undefined && { observedGeneration: input.generation }),
    conditions: [...setConditions(before, conditions, now)],
  };
  return previous && deepEqual(next, previous) ? previous : next;
}

/** Conditions of a Module that is invalid; all else of its status stays. */
export function refusedStatus(
  findings: readonly Finding[],
  generation: number | undefined,
  previous: ModuleStatus | undefined,
  now: string,
): ModuleStatus {
  const message = findings.map(describeFinding).join(' ').slice(0, 4_000);
  const reason = findings[0]?.reason ?? 'Invalid';
  const conditions = [
    condition('Degraded', true, reason, message, generation),
    condition('Progressing', false, reason, 'Nothing is changed until the object is valid.', generation),
    condition('Ready', false, reason, message, generation),
  ];
  const next = { ...previous, conditions: [...setConditions(previous?.conditions, conditions, now)] };
  return previous && deepEqual(next, previous) ? previous : next;
}

function conditionsOf(input: StatusInput, loaded: number, plugins: number): NextCondition[] {
  const { module, plan, pods, generation } = input;
  const firmware = firmwarePathFindings(pods);
  const problems = problemsOf(plan, pods, firmware);
  const moving = motionOf(input, loaded, plugins);
  const [first] = problems;
  const message = wordsOf(problems.map((problem) => problem.message));
  const calm = `${counted(module.spec.moduleLoader ? loaded : plugins, 'node is', 'nodes are')} served.`;
  const going = moving ?? { reason: 'Settled', message: calm };
  const served = moving ?? { reason: 'Loaded', message: calm };
  return [
    condition(
      'Degraded',
      first !== undefined,
      first?.reason ?? 'NoFailure',
      message || 'Nothing has failed.',
      generation,
    ),
    condition('Progressing', moving !== undefined, going.reason, going.message, generation),
    first
      ? condition('Ready', false, first.reason, message, generation)
      : condition('Ready', !moving, served.reason, served.message, generation),
    ...[plan.warnings, firmware].flatMap((findings) => warningOf(findings, generation)),
  ];
}

interface Told {
  readonly reason: string;
  readonly message: string;
}

/** What goes on by itself, images first, for nodes wait for them; undefined when nothing does. */
function motionOf(input: StatusInput, loaded: number, plugins: number): Told | undefined {
  const { module, plan } = input;
  const [image] = plan.awaited;
  if (image) return { reason: image.reason, message: wordsOf(plan.awaited.map(describeFinding)) };
  const loading = (message: string) => ({ reason: 'NodesLoading', message });
  if (module.spec.moduleLoader && loaded < plan.desired)
    return loading(
      `${loaded} of ${counted(plan.desired, 'node has', 'nodes have')} the module.${absence(plan)}`,
    );
  if (module.spec.devicePlugin && plugins < plan.desired)
    return loading(`${plugins} of ${counted(plan.desired, 'node runs', 'nodes run')} the device plugin.`);
  const rolling = countRolling(input);
  return rolling > 0
    ? loading(`${counted(rolling, 'DaemonSet is', 'DaemonSets are')} being rolled out.`)
    : undefined;
}

/** Some of what is to be said: it travels to the hub. */
const wordsOf = (messages: readonly string[]): string =>
  messages.slice(0, PROBLEMS_MAX).join(' ').slice(0, MESSAGE_CHARS_MAX);

/** Nodes of which a status can say neither that they have the module nor that they have not. */
function absence({ absent }: ModulePlan): string {
  if (absent.length === 0) return '';
  const more = absent.length > PROBLEMS_MAX ? ` and ${absent.length - PROBLEMS_MAX} more` : '';
  return ` Not ready, so nobody can tell of them: ${absent.slice(0, PROBLEMS_MAX).join(', ')}${more}.`;
}

/** DaemonSets whose pods are not all of the newest template: what runs there may be the old module still. */
function countRolling({ plan, daemonSets }: StatusInput): number {
  const wanted = new Set(plan.daemonSets.map(({ metadata }) => metadata.name));
  const own = daemonSets.filter(({ metadata }) => wanted.has(metadata.name));
  return own
    .map(daemonSetNumbers)
    .filter(({ isCurrent, updated, scheduled }) => !isCurrent || updated < scheduled).length;
}

/** Findings of one reason that hold nothing back. */
function warningOf(findings: readonly Finding[], generation: number | undefined): NextCondition[] {
  const [first] = findings;
  const message = findings.slice(0, PROBLEMS_MAX).map(describeFinding).join(' ');
  return first ? [condition(first.reason, true, first.reason, message, generation)] : [];
}

/** Why nodes are not served: what pods report, in their words, what may be behind it, and what the plan found. */
function problemsOf(plan: ModulePlan, pods: readonly PodView[], firmware: readonly Finding[]): Told[] {
  const told = (finding: Finding) => ({ reason: finding.reason, message: describeFinding(finding) });
  const failing = pods
    .filter(({ problem, isDeleting }) => problem && !isDeleting)
    .toSorted((a, b) => (a.node < b.node ? -1 : 1))
    .map(({ metadata, node, role, problem }) => {
      const { reason = '', message = '' } = problem ?? {};
      const words = asSentence(`Node ${node}, ${role}: ${message || reason}`);
      // A hook has said it all; of other ends the kubelet has often no more than a word.
      const isTold = reason === 'PostStartHookError';
      return { reason, message: isTold ? words : `${words} (${moreOfPod(metadata, reason)})` };
    });
  // A hub knows why a kernel has no mapping, and so it is told after what only this cluster knows.
  const findings = plan.findings.toSorted((a, b) => Number(isUnmapped(a)) - Number(isUnmapped(b)));
  return [...failing, ...(failing.length > 0 ? firmware.map(told) : []), ...findings.map(told)];
}

const isUnmapped = ({ reason }: Finding) => reason === 'KernelNotMapped';

function condition(
  type: string,
  isTrue: boolean,
  reason: string,
  message: string,
  generation: number | undefined,
): NextCondition {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { type, status: isTrue ? 'True' : 'False', reason, message, ...observed };
}
