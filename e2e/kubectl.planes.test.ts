import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  makeServerCertificates,
  newestKubectl,
  planePrograms,
  startPlane,
  unpackReference,
} from '@kmm-fleet/lab';
import {
  CORE,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
  systemClock,
} from '@kmm-fleet/runtime';
import { describe } from 'vitest';
import { describeKubectl, type KubectlServer, labForKubectl } from './kubectl.contract.ts';

const newest = await newestKubectl(() => {});
const debian = join(await unpackReference('kubectl'), 'usr/bin/kubectl');
const version = /v1\.\d+\.\d+/.exec(execFileSync(debian, ['version', '--client'], { encoding: 'utf8' }))?.[0];

describeKubectl('the newest kubectl on the lab', newest, labForKubectl);
describeKubectl('the newest kubectl on kube-apiserver', newest, planeForKubectl);
describe.skipIf(!version?.startsWith('v1.20.'))(
  `the oldest kubectl, 1.20, which Debian 12 has (this one has ${version})`,
  () => {
    describeKubectl('on kube-apiserver', debian, planeForKubectl);
  },
);

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
