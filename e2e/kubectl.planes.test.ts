import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findProgram,
  makeServerCertificates,
  newestKubectl,
  planePrograms,
  startPlane,
} from '@kmm-fleet/lab';
import {
  CORE,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
  systemClock,
} from '@kmm-fleet/runtime';
import { describeKubectl, type KubectlServer, labForKubectl } from './kubectl.contract.ts';

const newest = await newestKubectl(() => {});
const onPath = findProgram('kubectl');

describeKubectl('the newest kubectl on the lab', newest, labForKubectl);
describeKubectl('the newest kubectl on kube-apiserver', newest, planeForKubectl);
if (onPath) describeKubectl(`${onPath} on kube-apiserver`, onPath, planeForKubectl);

async function planeForKubectl(): Promise<KubectlServer> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-kubectl-plane-'));
  const plane = await startPlane({
    ...{ name: 'kubectl', directory, programs: await planePrograms(() => {}) },
    certificates: await makeServerCertificates(directory),
    parts: ['kube-controller-manager'],
  });
  const transport = createHttpTransport(plane.connection());
  const client = createKubeClient({ transport, clock: systemClock, random, userAgent: 'test' });
  const account = { namespace: 'default', name: 'default' };
  while (!(await client.get(CORE.serviceAccount, account))) await sleep(100);
  return {
    ...{ kubeconfig: plane.kubeconfig(), transport, version: 'v1.35.4', hasOpenApi2: true },
    async close() {
      await transport.close();
      await plane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
