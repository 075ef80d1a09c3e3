import { table } from '../output/table.ts';
import { type Paint, paintState } from '../output/terminal.ts';
import { oneLine } from '../output/tree.ts';
import { describeEffects } from './describe-effects.ts';
import type { ClusterPlan, KernelPlan } from './plan-clusters.ts';
import { loses } from './plan-effects.ts';

/** The plan of one module. */
export interface ModulePlan {
  readonly module: string;
  /** Labels that a cluster must have. */
  readonly selector: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** What images are made from and is not there, one sentence each. */
  readonly missing: readonly string[];
  readonly clusters: readonly ClusterPlan[];
}

/** A row per cluster and kernel, then what waits for a person, then the sum. Pure. */
export function renderPlan(
  { module, selector, warnings, missing, clusters }: ModulePlan,
  paint: Paint,
): string {
  const head = [
    paint('bold', module),
    ...warnings.map((warning) => `${paint('yellow', 'warning')}  ${warning}`),
    ...missing.map((sentence) => `${paint('red', 'missing')}  ${sentence}`),
    ...describeEffects(clusters).map(
      ({ word, isLoss, sentence }) => `${paint(isLoss ? 'red' : 'yellow', word)}  ${sentence}`,
    ),
  ];
  if (clusters.length === 0) return [...head, nothingSelected(selector)].join('\n');
  const rows = clusters.flatMap((cluster) => rowsOf(cluster, paint));
  const problems = clusters.flatMap((cluster) => problemsOf(cluster, paint));
  return [
    ...head,
    table(['CLUSTER', 'WORK', 'KERNEL', 'STEPS', 'STATE', 'IMAGE'], rows),
    ...(problems.length > 0 ? ['', ...problems] : []),
    '',
    sumOf(clusters),
  ].join('\n');
}

function rowsOf({ cluster, action, effects, kernels }: ClusterPlan, paint: Paint): string[][] {
  // A work that has to wait for its images follows them.
  const isLater = action === 'none' && kernels.some(({ steps }) => steps.at(-1) === 'pin');
  const shown =
    action === 'none'
      ? paint('dim', isLater ? 'later' : action)
      : paintState(paint, action, effects.some(loses) ? 'delete' : action);
  const first = [cluster, shown];
  if (kernels.length === 0) return [[...first, '', '', '', '']];
  return kernels.map(({ kernel, steps, state, reason, image }, index) => [
    ...(index === 0 ? first : ['', '']),
    kernel,
    steps.join(', '),
    paintState(paint, reason, state),
    image,
  ]);
}

/** What does not end by itself, each with its field and next step. */
function problemsOf({ cluster, kernels }: ClusterPlan, paint: Paint): string[] {
  return kernels
    .filter(({ state }) => state === 'Waiting' || state === 'Degraded')
    .map(({ kernel, reason, state, message }) => {
      const where = [cluster, ...(kernel ? [kernel] : [])].join(' ');
      return `${where}: ${paintState(paint, reason, state)}: ${oneLine(message)}`;
    });
}

function sumOf(clusters: readonly ClusterPlan[]): string {
  const works = (['create', 'update', 'delete'] as const).flatMap((action) => {
    const number = clusters.filter((cluster) => cluster.action === action).length;
    return number > 0 ? [`${action} ${number}`] : [];
  });
  const images = new Map(
    clusters.flatMap(({ kernels }) => kernels).map((kernel) => [kernel.image, verbOf(kernel)]),
  );
  const verbs = ['build and sign', 'build', 'sign', 'look up'].flatMap((verb) => {
    const number = [...images.values()].filter((one) => one === verb).length;
    return number > 0 ? [`${verb} ${number}`] : [];
  });
  return `Works written at once: ${works.join(', ') || 'none'}. Images: ${verbs.join(', ') || 'none to make'}.`;
}

function verbOf({ steps }: KernelPlan): string {
  return steps.filter((step) => step !== 'pin' && step !== 'keep').join(' and ');
}

function nothingSelected(selector: ModulePlan['selector']): string {
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  if (labels.length === 0) return 'No ManagedCluster is on this hub. Let one join through OCM.';
  return `spec.selector: No ManagedCluster has ${labels.join(',')}. Label one: kubectl label managedcluster NAME ${labels.join(' ')}`;
}
