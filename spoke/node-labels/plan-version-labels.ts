import {
  devicePluginVersionLabel,
  loaderVersionLabel,
  moduleVersionLabel,
  ROLES,
  readyLabel,
} from '@kmm-fleet/api';
import type { PodView } from '../views.ts';

type Labels = Readonly<Record<string, string>>;

/** Labels to set (a text) or to remove (null). */
export type LabelChange = Record<string, string | null>;

/**
 * The next step of an ordered upgrade on one node. The administrator says with one label which version of the module the
 * node may run; two labels of ours admit the loader and the device plugin, and move one at a time: the plugin goes before
 * the loader, the loader before what it is replaced with. Pure; the table is KMM's.
 */
export function planVersionLabels(
  module: { readonly namespace: string; readonly name: string },
  labels: Labels,
  pods: readonly PodView[],
  isKnown = true,
): LabelChange {
  const { namespace, name } = module;
  const loaderLabel = loaderVersionLabel(namespace, name);
  const pluginLabel = devicePluginVersionLabel(namespace, name);
  // A Module that is gone may run nowhere, whatever the administrator's label says.
  const wanted = isKnown ? labels[moduleVersionLabel(namespace, name)] : undefined;
  const [loader, plugin] = [labels[loaderLabel], labels[pluginLabel]];
  const isRunning = (role: PodView['role']) => pods.some((pod) => pod.role === role);

  const isLeaving = loader !== undefined && loader !== wanted;
  if (plugin !== undefined && (isLeaving || plugin !== wanted)) return { [pluginLabel]: null };
  if (isLeaving) {
    // The device plugin holds the module: it must be gone before the loader may go.
    return isRunning(ROLES.devicePlugin) ? {} : { [loaderLabel]: null };
  }
  if (wanted === undefined) return {};
  if (loader === undefined) {
    const isClean = !isRunning(ROLES.loader) && labels[readyLabel(namespace, name)] === undefined;
    return isClean ? { [loaderLabel]: wanted } : {};
  }
  return plugin === undefined ? { [pluginLabel]: wanted } : {};
}

const PREFIXES = [loaderVersionLabel('', ''), devicePluginVersionLabel('', '')].map((label) =>
  label.slice(0, -1),
);

/** Modules that a node carries version labels of ours for, sorted. A namespace has no dot, a module may have. */
export function versionedOn(labels: Labels): { readonly namespace: string; readonly name: string }[] {
  const keys = Object.keys(labels).flatMap((label) => {
    const prefix = PREFIXES.find((candidate) => label.startsWith(candidate));
    return prefix === undefined ? [] : [label.slice(prefix.length)];
  });
  return [...new Set(keys)].sort().map((key) => {
    const dot = key.indexOf('.');
    return { namespace: key.slice(0, dot), name: key.slice(dot + 1) };
  });
}
