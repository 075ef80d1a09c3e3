import {
  deprecatedDevicePluginReadyLabel,
  deprecatedReadyLabel,
  devicePluginReadyLabel,
  LABELS,
  READY_LABEL,
  ROLES,
  readyLabel,
} from '@kmm-fleet/api';
import type { NodeView, PodView } from '../views.ts';
import { type LabelChange, planVersionLabels, versionedOn } from './plan-version-labels.ts';

export interface NodePlan {
  /** Labels of the node to set or to remove; empty when all is as it should be. */
  readonly labels: LabelChange;
  /** Pods on their way out whose label is gone: their finalizer may go. Keys, sorted. */
  readonly released: readonly string[];
  /** Modules that are loaded here from now on, `namespace/name`, sorted. */
  readonly loaded: readonly string[];
}

const LOADED = /^kmm\.node\.kubernetes\.io\/([^.]+)\.(.+)\.ready$/;

/**
 * Decides the labels of one node from the pods on it. A pod's finalizer goes only after the label that speaks for it is
 * gone from the node as we see it, so a label never outlives the pod. Pure.
 *
 * @param versioned modules with an ordered upgrade
 * @param known keys of all Modules, valid or not: version labels of others are left over and go
 */
export function planNodeLabels(
  node: NodeView | undefined,
  pods: readonly PodView[],
  versioned: readonly { readonly namespace: string; readonly name: string }[],
  known: ReadonlySet<string>,
): NodePlan {
  const leaving = pods.filter(({ isDeleting, metadata }) => isDeleting && metadata.finalizers?.length);
  const key = ({ metadata }: PodView) => `${metadata.namespace}/${metadata.name}`;
  if (!node) return { labels: {}, released: leaving.map(key).sort(), loaded: [] };
  const wanted = wantedLabels(node, pods);
  const ready = readyChanges(node, wanted);
  const changes = { ...ready, ...kernelChange(node), ...versionChanges(node, pods, versioned, known) };
  const released = leaving.filter((pod) =>
    labelsOf(pod).every((label) => wanted.has(label) || node.labels[label] === undefined),
  );
  return { labels: changes, released: released.map(key).sort(), loaded: modulesSet(ready) };
}

function wantedLabels(node: NodeView, pods: readonly PodView[]): Set<string> {
  const serving = pods.filter(
    ({ isReady, isDeleting, node: name }) => isReady && !isDeleting && name === node.metadata.name,
  );
  return new Set(serving.flatMap(labelsOf));
}

/** What a ready pod says about its node. */
function labelsOf({ role, module, metadata }: PodView): string[] {
  const namespace = metadata.namespace ?? '';
  return role === ROLES.loader
    ? [readyLabel(namespace, module), deprecatedReadyLabel(module)]
    : [devicePluginReadyLabel(namespace, module), deprecatedDevicePluginReadyLabel(module)];
}

function readyChanges(node: NodeView, wanted: ReadonlySet<string>): LabelChange {
  const missing = [...wanted]
    .filter((label) => node.labels[label] !== '')
    .map((label) => [label, ''] as const);
  const stale = Object.keys(node.labels).filter((label) => READY_LABEL.test(label) && !wanted.has(label));
  return Object.fromEntries([...missing, ...stale.map((label) => [label, null] as const)]);
}

function kernelChange({ labels, kernel }: NodeView): LabelChange {
  return kernel === '' || labels[LABELS.kernelVersion] === kernel ? {} : { [LABELS.kernelVersion]: kernel };
}

function versionChanges(
  node: NodeView,
  pods: readonly PodView[],
  versioned: readonly { readonly namespace: string; readonly name: string }[],
  known: ReadonlySet<string>,
): LabelChange {
  const left = versionedOn(node.labels).filter(({ namespace, name }) => !known.has(`${namespace}/${name}`));
  const changes = [...versioned, ...left].map((module) => {
    const own = pods.filter(
      (pod) => pod.module === module.name && pod.metadata.namespace === module.namespace,
    );
    const isKnown = known.has(`${module.namespace}/${module.name}`);
    return planVersionLabels(module, node.labels, own, isKnown);
  });
  return Object.assign({}, ...changes) as LabelChange;
}

/** Modules whose label is set. */
function modulesSet(changes: LabelChange): string[] {
  const named = Object.keys(changes)
    .filter((label) => changes[label] === '')
    .flatMap((label) => {
      const [, namespace, name] = LOADED.exec(label) ?? [];
      return namespace && name ? [{ label, namespace, name }] : [];
    });
  // The alias of module `a.b` reads like namespace `a`, module `b`: its full label stands beside it.
  const aliases = new Set(named.map(({ name }) => deprecatedReadyLabel(name)));
  return named
    .filter(({ label }) => !aliases.has(label))
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .sort();
}
