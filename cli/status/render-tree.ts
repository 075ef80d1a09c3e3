import { counted, LABELS } from '@kmm-fleet/api';
import { type Paint, paintState } from '../output/terminal.ts';
import { type Branch, oneLine, renderTree } from '../output/tree.ts';
import {
  type ClusterTree,
  type KernelTree,
  type ModuleTree,
  NOT_IN_A_LAB,
  type NodeCounts,
} from './status-tree.ts';

/** Trees as text, a blank line between them. Pure. */
export function renderTrees(trees: readonly ModuleTree[], paint: Paint): string {
  if (trees.length === 0) return 'No ManagedClusterModule is on this hub. Apply one: kubectl apply -f FILE';
  const isCounted = trees.some(({ clusters }) => clusters.some(({ notAsked }) => notAsked === NOT_IN_A_LAB));
  const drawn = trees.map((tree) => renderTree(moduleBranch(tree, paint)).join('\n'));
  return [...drawn, ...(isCounted ? [dim(paint, HOW_TO_LIST)] : [])].join('\n\n');
}

/** Said once, however many clusters there are. */
const HOW_TO_LIST = `Nodes are listed for a lab only: a hub has no credentials of its clusters. On a cluster: kubectl get pods -A -o wide -l ${LABELS.moduleName}`;

function moduleBranch({ module, state, reason, message, clusters }: ModuleTree, paint: Paint): Branch {
  return {
    line: joined(paint('bold', module), paintState(paint, reason, state), dim(paint, message)),
    children: clusters.map((cluster) => clusterBranch(cluster, paint)),
  };
}

function clusterBranch(tree: ClusterTree, paint: Paint): Branch {
  const { cluster, state, reason, message, kernels } = tree;
  // What a kernel tells below need not be told here.
  const isTold = kernels.some((kernel) => kernel.message === message);
  return {
    line: joined(cluster, paintState(paint, reason, state), isTold ? '' : dim(paint, message)),
    children: [...kernels.map((kernel) => kernelBranch(kernel, paint)), ...nodesBranch(tree, paint)],
  };
}

function kernelBranch({ kernel, image, state, message, nodes }: KernelTree, paint: Paint): Branch {
  const why = state === 'Pinned' ? [] : [paintState(paint, state), dim(paint, message)];
  return {
    line: joined(kernel, dim(paint, shortDigest(image)), ...why),
    children: nodes.map((node) => ({
      line: joined(node.node, paintState(paint, node.state), dim(paint, node.message)),
    })),
  };
}

/** In place of the nodes, where they cannot be asked: what their cluster counts, and why there is no more. */
function nodesBranch({ reported, notAsked, kernels }: ClusterTree, paint: Paint): Branch[] {
  if (notAsked === undefined) {
    const isEmpty = kernels.every(({ nodes }) => nodes.length === 0);
    return isEmpty
      ? [{ line: joined('nodes', dim(paint, 'None has the labels of moduleSpec.selector.')) }]
      : [];
  }
  const { moduleLoader, devicePlugin } = reported;
  const numbers = [
    ...(moduleLoader ? [`${countsOf(moduleLoader)} have the module`] : []),
    ...(devicePlugin ? [`${countsOf(devicePlugin)} run the device plugin`] : []),
  ];
  const unserved = moduleLoader ? moduleLoader.matching - moduleLoader.desired : 0;
  if (unserved > 0) numbers.push(`${counted(unserved, 'more has', 'more have')} a kernel without an image`);
  const told = numbers.length > 0 ? numbers.join(', ') : 'nothing reported yet';
  return [
    {
      line: joined(
        'nodes',
        told,
        dim(
          paint,
          notAsked === NOT_IN_A_LAB ? '(counted by the cluster)' : `(counted by the cluster; ${notAsked})`,
        ),
      ),
    },
  ];
}

/** Enough of a digest to tell two apart; `-o json` has it whole. */
const shortDigest = (image: string) => image.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');

const countsOf = ({ available, desired }: NodeCounts) => `${available} of ${desired}`;

const dim = (paint: Paint, text: string) => (text ? paint('dim', oneLine(text)) : '');

const joined = (...parts: readonly string[]) => parts.filter((part) => part !== '').join('  ');
