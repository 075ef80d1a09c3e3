import type { Edition } from '@kmm-fleet/policies';
import { CORE, isAppError, type KubeClient, type KubeObject } from '@kmm-fleet/runtime';
import { keyOf } from './see-modules.ts';
import { listPods } from './see-operator.ts';

/** What holds pods of the operator that do not end, and what to do there: a line per pod. */
export async function seeHolds(client: KubeClient, edition: Edition, namespace: string): Promise<string[]> {
  const pods = await listPods(client, edition, namespace);
  return Promise.all(pods.map(async (pod) => holdInWords(pod, await seeNode(client, nodeOf(pod)))));
}

const nodeOf = (pod: KubeObject) => (pod['spec'] as { nodeName?: string } | undefined)?.nodeName;

interface NodeSeen {
  readonly name: string;
  readonly isGone: boolean;
  /** Why it is not ready. */
  readonly notReady: string | undefined;
}

/** Undefined without a node, and for one that may not be looked at. */
async function seeNode(client: KubeClient, name: string | undefined): Promise<NodeSeen | undefined> {
  if (name === undefined) return undefined;
  try {
    const node = await client.get(CORE.node, { name });
    return { name, isGone: node === undefined, notReady: node && whyNotReady(node) };
  } catch (error) {
    if (isAppError(error) && error.code === 'API_FORBIDDEN') return undefined;
    throw error;
  }
}

function whyNotReady({ status }: KubeObject): string | undefined {
  const { conditions = [] } = (status ?? {}) as {
    conditions?: { type: string; status: string; message?: string }[];
  };
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? undefined : (ready?.message ?? 'nobody says why');
}

/** A kubelet that does not answer may run the pod still: only who knows that the machine is off may say otherwise. */
function holdInWords(pod: KubeObject, node: NodeSeen | undefined): string {
  const { namespace = '', name } = pod.metadata;
  const key = keyOf(CORE.pod, pod);
  const force = `kubectl delete pod ${name} -n ${namespace} --force`;
  if (node?.isGone) return `${key} stands on node ${node.name}, which is gone: ${force}`;
  if (node?.notReady)
    return `${key} stands on node ${node.name}, which is not ready (${node.notReady}). Mend its kubelet; or, when the machine is off for good: ${force}, or kubectl delete node ${node.name}`;
  const where = nodeOf(pod) ? `on node ${nodeOf(pod)}` : 'without a node';
  return `${key} ${where} has not ended: kubectl describe pod ${name} -n ${namespace}`;
}
