import { FINALIZERS, type Finding, found, type Module, type ModuleStatus, RESOURCES } from '@kmm-fleet/api';
import {
  type Clock,
  CORE,
  FAILURES,
  isAppError,
  type KubeClient,
  type KubeObject,
  type Log,
  parseObjectKey,
} from '@kmm-fleet/runtime';
import { belongsTo, type DaemonSetView, type ModuleView, type NodeView, type PodView } from '../views.ts';
import { diffModule } from './diff-module.ts';
import type { ModuleMetrics } from './module-metrics.ts';
import { moduleStatus, refusedStatus } from './module-status.ts';
import { type ModuleInput, planModule } from './plan-module.ts';
import { planTeardown } from './plan-teardown.ts';
import { type RefusalView, refusedPodFindings } from './refused-pods.ts';

/** One Module and what is there of it. */
export interface ModuleObservation {
  readonly view: ModuleView;
  readonly nodes: readonly NodeView[];
  readonly daemonSets: readonly DaemonSetView[];
  readonly pods: readonly PodView[];
  /** Events about its DaemonSets. */
  readonly refusals: readonly RefusalView[];
}

export interface ModulePorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly operatorNamespace: string;
  readonly moduleMetrics?: ModuleMetrics;
  readonly pin?: ModuleInput['pin'];
  /** Told when the pins of a Module have been asked for. */
  readonly planned?: (() => void) | undefined;
  observe(key: string): ModuleObservation | undefined;
}

const FIELD_MANAGER = 'kmm-spoke';
const STATUS_MANAGER = 'kmm-spoke-status';

/** One pass over one Module: observe, plan, diff, apply, status. */
export async function reconcileModule(
  key: string,
  ports: ModulePorts,
  signal: AbortSignal,
): Promise<undefined> {
  const observed = ports.observe(key);
  if (!observed) return undefined;
  const { view } = observed;
  if (view.metadata.deletionTimestamp) return tearDown(observed, ports, signal);
  const previous = view.object['status'] as ModuleStatus | undefined;
  const now = new Date(ports.clock.now()).toISOString();
  const { generation } = view.metadata;
  if (!view.checked.ok) {
    const { findings } = view.checked;
    return writeStatus(view, previous, refusedStatus(findings, generation, previous, now), ports, signal);
  }
  if (await holdFinalizer(view, ports, signal)) return undefined;
  const module = view.checked.value;
  const plan = planModule({
    ...observed,
    module,
    uid: view.metadata.uid ?? '',
    operatorNamespace: ports.operatorNamespace,
    pin: ports.pin,
  });
  ports.planned?.();
  const change = diffModule(plan, observed.daemonSets);
  const failures = await attemptAll([
    ...change.apply.map((object) => () => apply(object, module, ports, signal)),
    ...change.remove.map((name) => () => remove(name, module, ports, signal)),
  ]);
  signal.throwIfAborted();
  const findings = [
    ...plan.findings,
    ...failures.flatMap(refusedWrites),
    ...refusedPodFindings(observed.daemonSets, observed.pods, observed.refusals),
  ];
  const status = moduleStatus(
    { ...observed, module, plan: { ...plan, findings }, generation },
    previous,
    now,
  );
  await writeStatus(view, previous, status, ports, signal);
  // The queue hears of the failure that time can mend, if there is one.
  const worst = failures.find((error) => !isAppError(error) || error.retry !== 'on-change') ?? failures[0];
  if (worst !== undefined) throw worst;
  return undefined;
}

/** Each write stands alone: what is refused for one kernel holds back no other. */
async function attemptAll(writes: readonly (() => Promise<void>)[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const write of writes) await write().catch((error: unknown) => failures.push(error));
  return failures;
}

/** Failures that wait for somebody are told in the status; those that pass by themselves would only make it flicker. */
function refusedWrites(error: unknown): Finding[] {
  if (!isAppError(error) || !['API_INVALID', 'API_FORBIDDEN', 'NOT_FOUND'].includes(error.code)) return [];
  return [found(error.reason, '', error.message.slice(0, 500), FAILURES[error.code].nextStep)];
}

/** Before anything is made for a Module it must not be able to vanish unnoticed. True when it was written now. */
async function holdFinalizer(
  { metadata }: ModuleView,
  { client }: ModulePorts,
  signal: AbortSignal,
): Promise<boolean> {
  if (metadata.finalizers?.includes(FINALIZERS.module)) return false;
  await writeFinalizers(metadata, [...(metadata.finalizers ?? []), FINALIZERS.module], client, signal);
  return true;
}

async function tearDown(
  { view, daemonSets, pods, nodes }: ModuleObservation,
  ports: ModulePorts,
  signal: AbortSignal,
): Promise<undefined> {
  const { metadata } = view;
  if (!metadata.finalizers?.includes(FINALIZERS.module)) return undefined;
  const own = daemonSets.filter((daemonSet) => belongsTo(daemonSet, metadata.name));
  const next = planTeardown(own, pods, nodes);
  if (next.step === 'remove') {
    for (const name of next.daemonSets) await remove(name, { metadata }, ports, signal);
  }
  if (next.step === 'release') {
    const finalizers = metadata.finalizers.filter((finalizer) => finalizer !== FINALIZERS.module);
    await writeFinalizers(metadata, finalizers, ports.client, signal);
    ports.log.info('module.released', { module: `${metadata.namespace}/${metadata.name}` });
  }
  return undefined;
}

async function writeFinalizers(
  { namespace, name, resourceVersion }: KubeObject['metadata'],
  finalizers: readonly string[],
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  const target = { ...(namespace && { namespace }), name };
  const patch = { metadata: { finalizers, resourceVersion } };
  await client.mergePatch(RESOURCES.module, target, patch, { fieldManager: FIELD_MANAGER }, signal);
}

async function apply(
  object: KubeObject,
  { metadata }: Module,
  { client, log }: ModulePorts,
  signal: AbortSignal,
): Promise<void> {
  await client.apply(CORE.daemonSet, object, { fieldManager: FIELD_MANAGER, force: true }, signal);
  log.info('daemonset.applied', {
    module: `${metadata.namespace}/${metadata.name}`,
    key: object.metadata.name,
  });
}

async function remove(
  name: string,
  { metadata }: { readonly metadata: { readonly name: string; readonly namespace?: string | undefined } },
  { client, log }: ModulePorts,
  signal: AbortSignal,
): Promise<void> {
  const key = parseObjectKey(`${metadata.namespace}/${name}`);
  await client.delete(CORE.daemonSet, key, { propagationPolicy: 'Background' }, signal);
  log.info('daemonset.removed', { module: `${metadata.namespace}/${metadata.name}`, key: name });
}

async function writeStatus(
  { object, metadata }: ModuleView,
  previous: ModuleStatus | undefined,
  status: ModuleStatus,
  { client, log, moduleMetrics }: ModulePorts,
  signal: AbortSignal,
): Promise<undefined> {
  const { namespace = '', name } = metadata;
  moduleMetrics?.set(`${namespace}/${name}`, status);
  if (status === previous) return undefined;
  const { apiVersion, kind } = object;
  const options = { fieldManager: STATUS_MANAGER, force: true, subresource: 'status' } as const;
  await client.apply(
    RESOURCES.module,
    { apiVersion, kind, metadata: { namespace, name }, status },
    options,
    signal,
  );
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  log.info('module.status', {
    module: `${namespace}/${name}`,
    reason: ready?.reason ?? '',
    message: ready?.message ?? '',
  });
  return undefined;
}
