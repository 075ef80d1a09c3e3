import { existsSync } from 'node:fs';
import { LABELS } from '@kmm-fleet/api';
import { CORE, FAILURES, isAppError, loadKubeConnection } from '@kmm-fleet/runtime';
import { withConnected } from '../hub/connection.ts';
import type { Io } from '../io.ts';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { messageOf } from '../output/user-error.ts';
import type { SpokeAnswer } from './status-tree.ts';

const ELSEWHERE = 'its nodes are asked in a lab only';

/**
 * Asks clusters for nodes and pods. A hub holds no credentials of its clusters, so that is possible for those of a lab
 * that is up here, when the hub is the lab's own. A cluster that does not answer is no failure of the command.
 */
export async function askSpokes(
  io: Io,
  hubServer: string,
  clusters: readonly string[],
): Promise<(cluster: string) => SpokeAnswer> {
  const paths = labPaths(undefined, io.env);
  const hub = readLabState(paths)?.clusters.find(({ name }) => name === 'hub');
  if (hub?.server !== hubServer) return () => ({ notAsked: ELSEWHERE });
  const answers = await Promise.all(
    clusters.map(async (cluster) => [cluster, await ask(io, paths.path(`${cluster}.kubeconfig`))] as const),
  );
  const known = new Map(answers);
  return (cluster) => known.get(cluster) ?? { notAsked: ELSEWHERE };
}

async function ask(io: Io, kubeconfig: string): Promise<SpokeAnswer> {
  if (!existsSync(kubeconfig)) return { notAsked: ELSEWHERE };
  try {
    return await withConnected(io, loadKubeConnection({}, { kubeconfig }), async ({ list }) => {
      const [nodes, pods] = await Promise.all([list(CORE.node), list(CORE.pod, LABELS.moduleName)]);
      return { nodes, pods };
    });
  } catch (error) {
    const next = isAppError(error) ? ` ${FAILURES[error.code].nextStep}` : '';
    return { notAsked: `its nodes cannot be asked: ${messageOf(error)}${next}` };
  }
}
