import { setTimeout as sleep } from 'node:timers/promises';
import { type Supervised, supervise } from '@kmm-fleet/cli';
import { type Edition, podSelector } from '@kmm-fleet/policies';
import { CORE, isAppError, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';

const HOLD = 'e2e.test/process';
const LOOK_MS = 100;

/** An operator that is installed, and runs as a process of this machine. */
export interface RunningOperator {
  stop(): Promise<void>;
}

/** In the place of a kubelet: the process runs for the pods of its Deployment, and they go when it has ended. */
export function runOperator(
  client: KubeClient,
  edition: Edition,
  env: Readonly<Record<string, string>>,
  logFile: string,
): RunningOperator {
  const process = supervise(edition.name === 'hub' ? 'hub' : 'spoke', env, logFile);
  const end = new AbortController();
  const standingIn = standIn(client, edition, process, end.signal);
  return {
    async stop() {
      end.abort();
      await standingIn;
      await process.stop();
    },
  };
}

async function standIn(
  client: KubeClient,
  edition: Edition,
  process: Supervised,
  signal: AbortSignal,
): Promise<void> {
  const ours = { namespace: edition.namespace, labelSelector: podSelector(edition) };
  while (!signal.aborted) {
    const pods = await listAll(client, CORE.pod, ours);
    const ending = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    for (const pod of pods) if (!isHeld(pod) && !ending.includes(pod)) await setHeld(client, pod, true);
    if (ending.length > 0) {
      await process.stop();
      for (const pod of ending) await setHeld(client, pod, false);
      return;
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

const isHeld = ({ metadata }: KubeObject) => metadata.finalizers?.includes(HOLD) ?? false;

async function setHeld(client: KubeClient, { metadata }: KubeObject, isOn: boolean): Promise<void> {
  const others = (metadata.finalizers ?? []).filter((name) => name !== HOLD);
  const finalizers = isOn ? [...others, HOLD] : others;
  await client.mergePatch(CORE.pod, metadata, { metadata: { finalizers } }, {}).catch((error: unknown) => {
    if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error;
  });
}
