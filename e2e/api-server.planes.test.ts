import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificates, planePrograms, startPlane } from '@kmm-fleet/lab';
import { createHttpTransport } from '@kmm-fleet/runtime';
import { underTest } from './api-server/under-test.ts';
import { describeApiServer } from './api-server.contract.ts';

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
    pause: () => new Promise((resolve) => setTimeout(resolve, 100)),
    async close() {
      await transport.close();
      await plane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  });
});
