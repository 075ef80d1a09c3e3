import { devicePluginVersionLabel, LABELS, loaderVersionLabel, type Module, ROLES } from '@kmm-fleet/api';
import { isSubset } from '@kmm-fleet/runtime';
import type { ExistingDaemonSet } from '../loaders/loader-daemonset.ts';
import { type DaemonSetView, daemonSetNumbers } from '../views.ts';

const labelsOf = ({ metadata }: DaemonSetView) => metadata.labels ?? {};
const isLoader = (view: DaemonSetView) => LABELS.kernelVersion in labelsOf(view);

/**
 * Names of the DaemonSets that go, sorted. A loader goes when its kernel runs on no node that the selector matches, or
 * has no mapping any more; a kernel whose image is not ready or not valid keeps what it has. What serves an older
 * version (ordered upgrade) goes when no node runs it. A second DaemonSet for the same kernel stays: its hook would
 * unload the module under the first. Pure.
 *
 * @param wanted names that stay
 * @param served kernels with a mapping that selected nodes run, schedulable or not
 */
export function removedNames(
  module: Module,
  daemonSets: readonly DaemonSetView[],
  wanted: ReadonlySet<string>,
  served: ReadonlySet<string>,
): string[] {
  const goes = (view: DaemonSetView) => {
    if (wanted.has(view.metadata.name) || view.metadata.deletionTimestamp) return false;
    const kernel = labelsOf(view)[LABELS.kernelVersion];
    if (kernel === undefined) return !module.spec.devicePlugin || !isOlder(module, view) || isUnused(view);
    if (!module.spec.moduleLoader || !served.has(kernel)) return true;
    return isOlder(module, view) && isUnused(view);
  };
  return daemonSets
    .filter(goes)
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** Whether `version` was added to a Module that is loaded, or taken from it: two loaders would share a node then. */
export function hasChangedItsMind(module: Module, daemonSets: readonly DaemonSetView[]): boolean {
  const { moduleLoader } = module.spec;
  if (!moduleLoader) return false;
  const { name, namespace = '' } = module.metadata;
  const isVersioned = Boolean(moduleLoader.container.version);
  const label = loaderVersionLabel(namespace, name);
  return daemonSets.some(
    (view) => isLoader(view) && label in labelsOf(view) !== isVersioned && !isUnused(view),
  );
}

/** The DaemonSet with these labels, to be taken over; older releases of KMM left out the role. */
export function existingFor(
  daemonSets: readonly DaemonSetView[],
  labels: Readonly<Record<string, string>>,
): { readonly view: DaemonSetView; readonly existing: ExistingDaemonSet } | undefined {
  const forLoader = labels[LABELS.role] === ROLES.loader;
  const view = daemonSets.find((candidate) => {
    if (candidate.metadata.deletionTimestamp || isLoader(candidate) !== forLoader) return false;
    return isSubset(labels, { [LABELS.role]: labels[LABELS.role], ...labelsOf(candidate) });
  });
  if (!view) return undefined;
  const spec = view.object['spec'] as { selector?: { matchLabels?: Record<string, string> } } | undefined;
  return {
    view,
    existing: { name: view.metadata.name, matchLabels: spec?.selector?.matchLabels ?? { ...labels } },
  };
}

function isOlder(module: Module, view: DaemonSetView): boolean {
  const { name, namespace = '' } = module.metadata;
  const label = isLoader(view)
    ? loaderVersionLabel(namespace, name)
    : devicePluginVersionLabel(namespace, name);
  return labelsOf(view)[label] !== module.spec.moduleLoader?.container.version;
}

/** No node is meant to run it, and its numbers are not those of a moment ago. */
function isUnused(view: DaemonSetView): boolean {
  const { scheduled, isCurrent } = daemonSetNumbers(view);
  return isCurrent && scheduled === 0;
}
