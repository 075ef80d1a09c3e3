import { cannotPull, isNodeClaim, LABELS, RESOURCES } from '@kmm-fleet/api';
import type { Systems } from '@kmm-fleet/images';
import {
  aborted,
  blindKinds,
  CORE,
  createCache,
  createQueue,
  type Operator,
  type OperatorPorts,
  objectKey,
} from '@kmm-fleet/runtime';
import { planClaims } from './claim/plan-claims.ts';
import { createModuleMetrics } from './modules/module-metrics.ts';
import { type ModuleObservation, type ModulePorts, reconcileModule } from './modules/reconcile-module.ts';
import { REFUSALS, type RefusalView, refusalView } from './modules/refused-pods.ts';
import { byNamespace, createNamespaceMarks } from './namespaces/mark-namespaces.ts';
import { createBoots } from './node-labels/boots.ts';
import { tellUnloading } from './node-labels/node-events.ts';
import { reconcileNode } from './node-labels/reconcile-node.ts';
import {
  type DaemonSetView,
  daemonSetView,
  type ModuleView,
  moduleView,
  type NodeView,
  nodeView,
  type PodView,
  podView,
} from './views.ts';

export interface SpokePorts extends OperatorPorts {
  readonly operatorNamespace: string;
  /** A hub makes the images and wants to know the kernels. */
  readonly isManaged: boolean;
  /** Images that this cluster makes itself; absent on a managed spoke. */
  readonly images?: SpokeImages | undefined;
  /** Namespaces with Modules bear a label that protects them. */
  readonly guardsNamespaces?: boolean;
}

/** What the stand-alone operator puts in place of the hub. */
export interface SpokeImages {
  /** What its nodes run, which the spoke sees. */
  readonly systems: Systems;
  /** Told which Modules there are before the first pass: until each had one, no image can be called unwanted. */
  begin(modules: readonly string[]): void;
  /** The image of a recipe by digest, or why there is none yet; `planned` asks for all that were needed, and for no other. */
  planning(module: ModuleView): Required<Pick<ModulePorts, 'pin' | 'planned'>>;
  /** Told when a pass over a Module has ended, however. */
  passed(key: string): void;
  /** Told when nodes cannot pull the image of a Module for this kernel. */
  doubt(key: string, kernel: string): void;
  /** Told when a Module is gone. */
  forget(key: string): void;
  /** Calls back when an image of a Module (`namespace/name`) has changed. */
  onChange(handler: (key: string) => void): void;
  whenSynced(): Promise<void>;
  /** Kinds of which nothing could be seen for minutes. */
  blind(): readonly string[];
  run(signal: AbortSignal): Promise<void>;
  settled(): boolean;
}

export interface Spoke extends Operator {
  settled(): boolean;
}

const CLAIMS = 'kernel-claims';
/** Status of a Module follows bursts of pod events. */
const MODULE_DEBOUNCE_MS = 50;

/** The controllers of one cluster: claim, node labels, Modules. */
export function createSpoke(ports: SpokePorts): Spoke {
  const { client, clock, random, log, metrics } = ports;
  const shared = { client, clock, random, log, metrics };
  const moduleMetrics = createModuleMetrics(metrics);
  const nodes = createCache<NodeView>({ ...shared, type: CORE.node, transform: nodeView });
  const modules = createCache<ModuleView>({
    ...shared,
    type: RESOURCES.module,
    transform: moduleView,
    indexes: { namespace: byNamespace },
  });
  const marks = ports.guardsNamespaces ? createNamespaceMarks(shared, modules) : undefined;
  const ours = { ...shared, labelSelector: LABELS.moduleName };
  const byModule = ({ metadata }: PodView | DaemonSetView) => [
    `${metadata.namespace}/${metadata.labels?.[LABELS.moduleName]}`,
  ];
  const daemonSets = createCache<DaemonSetView>({
    ...ours,
    type: CORE.daemonSet,
    transform: daemonSetView,
    indexes: { module: byModule },
  });
  const pods = createCache<PodView>({
    ...ours,
    type: CORE.pod,
    transform: podView,
    indexes: { module: byModule, node: ({ node }) => [node] },
  });
  const refusals = createCache<RefusalView>({
    ...shared,
    type: CORE.event,
    fieldSelector: REFUSALS,
    transform: refusalView,
    indexes: { daemonSet: ({ daemonSet }) => [daemonSet.key] },
  });
  const claims = createCache({ ...shared, type: RESOURCES.clusterClaim });
  const caches = [nodes, modules, daemonSets, pods, refusals, ...(ports.isManaged ? [claims] : [])];

  const observeModule = (key: string): ModuleObservation | undefined => {
    const view = modules.get(key);
    if (!view) return undefined;
    const own = daemonSets.by('module', key);
    return {
      view,
      nodes: [...nodes.all()],
      daemonSets: own,
      pods: pods.by('module', key),
      refusals: own.flatMap(({ metadata }) => refusals.by('daemonSet', objectKey(metadata))),
    };
  };

  const versioned = () =>
    [...modules.all()]
      .filter(({ checked }) => checked.ok && checked.value.spec.moduleLoader?.container.version)
      .map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name }));

  const forget = (key: string) => {
    moduleMetrics.remove(key);
    ports.images?.forget(key);
  };

  const doubtImages = (key: string) => {
    if (!ports.images) return;
    for (const { kernel, problem } of pods.by('module', key))
      if (kernel && problem && cannotPull(problem.reason)) ports.images.doubt(key, kernel);
  };

  const moduleQueue = createQueue({
    ...shared,
    name: 'modules',
    concurrency: 4,
    reconcile: async (key, signal) => {
      const view = modules.get(key);
      // A pass that was under way when it went may have shown it again.
      if (!view) forget(key);
      try {
        return await reconcileModule(
          key,
          {
            ...shared,
            operatorNamespace: ports.operatorNamespace,
            moduleMetrics,
            observe: observeModule,
            ...(view && ports.images?.planning(view)),
          },
          signal,
        );
      } finally {
        ports.images?.passed(key);
        doubtImages(key);
      }
    },
  });

  const boots = createBoots(clock);
  const nodeQueue = createQueue({
    ...shared,
    name: 'nodes',
    concurrency: 8,
    reconcile: (name, signal) =>
      reconcileNode(
        name,
        {
          client,
          log,
          events: ports.events,
          learn: nodes.learn,
          observe: () => ({
            node: nodes.get(name),
            pods: boots.sinceBoot(name, nodes.get(name), pods.by('node', name)),
            versioned: versioned(),
            known: new Set([...modules.all()].map(({ metadata }) => objectKey(metadata))),
          }),
        },
        signal,
      ),
  });

  const claimQueue = createQueue({
    ...shared,
    name: 'claims',
    reconcile: async (_key, signal) => {
      const { apply, remove, unclaimed } = planClaims(
        nodes.all(),
        [...claims.all()].filter(({ metadata }) => isNodeClaim(metadata.name)),
      );
      metrics?.set('kmm_kernels_unclaimed', {}, unclaimed);
      for (const claim of apply) {
        await client.apply(RESOURCES.clusterClaim, claim, { fieldManager: 'kmm-claim', force: true }, signal);
        log.info('claim.published', { key: claim.metadata.name });
      }
      for (const name of remove) await client.delete(RESOURCES.clusterClaim, { name }, {}, signal);
      return undefined;
    },
  });

  const everyModule = () => {
    for (const { metadata } of modules.all())
      moduleQueue.addAfter(`${metadata.namespace}/${metadata.name}`, MODULE_DEBOUNCE_MS);
  };

  nodes.onChange(({ key, before, after }) => {
    ports.images?.systems.set(key, after?.system ? [after.system] : []);
    if (isSameNode(before, after)) return;
    nodeQueue.add(key);
    if (!isSameSystem(before, after) && ports.isManaged) claimQueue.add(CLAIMS);
    if (!isSamePlacement(before, after)) everyModule();
  });
  modules.onChange(({ key, before, after }) => {
    if (!after) forget(key);
    moduleQueue.add(key);
    if (versionOf(before) !== versionOf(after) || Boolean(before) !== Boolean(after))
      for (const { metadata } of nodes.all()) nodeQueue.add(metadata.name);
  });
  daemonSets.onChange(({ after, before }) => {
    for (const key of byModule((after ?? before) as DaemonSetView))
      moduleQueue.addAfter(key, MODULE_DEBOUNCE_MS);
  });
  pods.onChange(({ after, before }) => {
    const pod = (after ?? before) as PodView;
    nodeQueue.add(pod.node);
    // Its last status before it goes: nobody can ask for it later. A label that goes says less: only that nobody
    // answers for the module.
    if (before?.isUp && after?.unloading) tellUnloading(ports, nodes.get(pod.node), after, after.unloading);
    for (const key of byModule(pod)) moduleQueue.addAfter(key, MODULE_DEBOUNCE_MS);
  });
  refusals.onChange(({ after }) => {
    const daemonSet = after && daemonSets.get(after.daemonSet.key);
    for (const key of daemonSet ? byModule(daemonSet) : []) moduleQueue.addAfter(key, MODULE_DEBOUNCE_MS);
  });
  claims.onChange(({ key }) => {
    if (isNodeClaim(key)) claimQueue.add(CLAIMS);
  });
  ports.images?.onChange((key) => moduleQueue.add(key));

  const queues = [moduleQueue, nodeQueue, claimQueue];
  return {
    // Without OCM there is no claim to publish; what is on the nodes does not depend on it.
    ready: () => [nodes, modules, daemonSets, pods].every(({ synced }) => synced),
    blind: () => [
      ...blindKinds([nodes, modules, daemonSets, pods, ...(claims.synced ? [claims] : [])]),
      ...(ports.images?.blind() ?? []),
      ...(marks?.blind() ?? []),
    ],
    settled: () =>
      caches.every(({ synced }) => synced) &&
      queues.every(({ idle }) => idle) &&
      (marks?.settled() ?? true) &&
      (ports.images?.settled() ?? true),
    async run(signal) {
      const running = [...caches.map((cache) => cache.run(signal)), ports.images?.run(signal)];
      const local = [nodes, modules, daemonSets, pods].map((cache) => cache.whenSynced());
      void nodes.whenSynced().then(() => ports.images?.systems.complete());
      await Promise.race([Promise.all([...local, ports.images?.whenSynced()]), aborted(signal)]);
      if (!signal.aborted) ports.images?.begin([...modules.all()].map(({ metadata }) => objectKey(metadata)));
      // A spoke whose OCM is not installed yet serves its modules all the same; the claim follows.
      const publishing = ports.isManaged ? claims.whenSynced().then(() => claimQueue.run(signal)) : undefined;
      await Promise.all([
        ...running,
        moduleQueue.run(signal),
        nodeQueue.run(signal),
        marks?.run(signal),
        Promise.race([publishing, aborted(signal)]),
      ]);
    },
  };
}

function isSameNode(before: NodeView | undefined, after: NodeView | undefined): boolean {
  return (
    before?.boot === after?.boot &&
    isSameSystem(before, after) &&
    isSamePlacement(before, after) &&
    Boolean(before) === Boolean(after)
  );
}

/** Whether a node runs what it ran. */
function isSameSystem(before: NodeView | undefined, after: NodeView | undefined): boolean {
  return before?.release === after?.release && before?.system?.version === after?.system?.version;
}

/** Whether the two say the same about what may run on a node. */
function isSamePlacement(before: NodeView | undefined, after: NodeView | undefined): boolean {
  const facts = (node: NodeView | undefined) =>
    node && JSON.stringify([node.release, node.labels, node.taints]);
  return facts(before) === facts(after);
}

const versionOf = (view: ModuleView | undefined) =>
  view?.checked.ok ? view.checked.value.spec.moduleLoader?.container.version : undefined;
