import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeServerCertificates, planePrograms, startPlane } from '@kmm-fleet/lab';
import { createHttpTransport, type Transport } from '@kmm-fleet/runtime';
import type { Overload } from './api-server/contract.ts';
import { crowdObjects, crowdRequest } from './api-server/crowd.ts';
import { crowdAnswer, request, underTest } from './api-server/under-test.ts';
import { describeApiServer } from './api-server.contract.ts';

/** In flight at once, by one who may have one. */
const CROWD = 30;
const CROWDS_MAX = 100;

describeApiServer('kube-apiserver', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-planes-'));
  const plane = await startPlane({
    name: 'contract',
    directory,
    programs: await planePrograms(() => {}),
    certificates: await makeServerCertificates(directory),
    parts: ['kube-controller-manager'],
  });
  const transport = createHttpTransport(plane.connection());
  return underTest(transport, {
    pause: () => sleep(100),
    // What etcd forgot, the server still has in memory.
    async forget() {
      await plane.compact();
      await plane.kill('kube-apiserver');
      await plane.start('kube-apiserver');
    },
    overload: () => overload(transport),
    async close() {
      await transport.close();
      await plane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  });
});

/** Many requests at once, in the name of a user who may have one in flight, until one of them is refused. */
async function overload(transport: Transport): Promise<Overload> {
  for (const [path, object] of crowdObjects) {
    const made = await crowdAnswer(await transport.request(request('POST', path, object)));
    if (made.status !== 201) throw new Error(`${path}: ${made.status} ${made.text}`);
  }
  const ask = async () => crowdAnswer(await transport.request(crowdRequest));
  for (let round = 0; round < CROWDS_MAX; round += 1) {
    const crowd = await Promise.all(Array.from({ length: CROWD }, ask));
    if (crowd.some(({ status }) => status >= 400)) return { crowd, alone: await ask() };
    await sleep(100);
  }
  throw new Error(`none of ${CROWDS_MAX} times ${CROWD} requests was refused`);
}
