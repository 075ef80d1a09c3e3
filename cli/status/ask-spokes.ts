import { existsSync } from 'node:fs';
import { asSentence, LABELS } from '@kmm-fleet/api';
import { CORE, FAILURES, isAppError, loadKubeConnection } from '@kmm-fleet/runtime';
import { type Connected, withConnected } from '../hub/connection.ts';
import type { Io } from '../io.ts';
import { labOf } from '../lab/lab-state.ts';
import { messageOf } from '../output/user-error.ts';
import { NOT_IN_A_LAB, type SpokeAnswer } from './status-tree.ts';

/**
 * Asks clusters for nodes and pods. A hub holds no credentials of its clusters, so that is possible for those of a lab
 * that is up here, or where the kubeconfig is, when the hub is the lab's own. A cluster that does not answer is no failure of the command.
 */
export async function askSpokes(
  io: Io,
  hub: Pick<Connected, 'server' | 'kubeconfig'>,
  clusters: readonly string[],
): Promise<(cluster: string) => SpokeAnswer> {
  const paths = labOf(hub, io.env);
  if (!paths) return () => ({ notAsked: NOT_IN_A_LAB });
  const answers = await Promise.all(
    clusters.map(async (cluster) => [cluster, await ask(io, paths.path(`${cluster}.kubeconfig`))] as const),
  );
  const known = new Map(answers);
  return (cluster) => known.get(cluster) ?? { notAsked: NOT_IN_A_LAB };
}

async function ask(io: Io, kubeconfig: string): Promise<SpokeAnswer> {
  if (!existsSync(kubeconfig)) return { notAsked: NOT_IN_A_LAB };
  try {
    return await withConnected(io, await loadKubeConnection({}, { kubeconfig }), async ({ list }) => {
      const [nodes, pods] = await Promise.all([list(CORE.node), list(CORE.pod, LABELS.moduleName)]);
      return { nodes, pods };
    });
  } catch (error) {
    const next = isAppError(error) ? ` ${FAILURES[error.code].nextStep}` : '';
    return { notAsked: `its nodes cannot be asked: ${asSentence(messageOf(error))}${next}` };
  }
}
