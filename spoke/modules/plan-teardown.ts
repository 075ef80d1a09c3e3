import { LABELS, ROLES } from '@kmm-fleet/api';
import type { DaemonSetView, NodeView, PodView } from '../views.ts';
import { isSilent } from './tolerations.ts';

/** The next step on the way out: device plugins first, then loaders, then the Module itself. */
export type TeardownStep =
  | { readonly step: 'remove'; readonly daemonSets: readonly string[] }
  | { readonly step: 'wait'; readonly what: string }
  | { readonly step: 'release' };

/**
 * Decides what to take away next of a Module that is being deleted. A device plugin of a node that is not heard of holds
 * up no other node: when that one is back, it ends what is left there at once. Pure.
 */
export function planTeardown(
  daemonSets: readonly DaemonSetView[],
  pods: readonly PodView[],
  nodes: readonly NodeView[],
): TeardownStep {
  const silent = new Set(nodes.filter(({ taints }) => isSilent(taints)).map(({ metadata }) => metadata.name));
  const plugins = daemonSets.filter(({ metadata }) => !(LABELS.kernelVersion in (metadata.labels ?? {})));
  const loaders = daemonSets.filter((view) => !plugins.includes(view));
  const live = (views: readonly DaemonSetView[]) =>
    views
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name)
      .sort();
  if (live(plugins).length > 0) return { step: 'remove', daemonSets: live(plugins) };
  if (plugins.length > 0 || pods.some(({ role, node }) => role === ROLES.devicePlugin && !silent.has(node)))
    return { step: 'wait', what: 'device plugins' };
  if (live(loaders).length > 0) return { step: 'remove', daemonSets: live(loaders) };
  if (loaders.length > 0 || pods.length > 0) return { step: 'wait', what: 'loaders' };
  return { step: 'release' };
}
