import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpTransport } from '@kmm-fleet/runtime';
import { underTest } from './api-server/under-test.ts';
import { describeApiServer } from './api-server.contract.ts';
import { startPlane } from './planes/plane.ts';
import { planePrograms } from './planes/program.ts';

describeApiServer('kube-apiserver', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-planes-'));
  const programs = await planePrograms(console.log);
  const plane = await startPlane({
    name: 'contract',
    directory,
    programs,
    parts: ['kube-controller-manager'],
  });
  const transport = createHttpTransport(await plane.connection());
  return underTest(transport, {
    pause: () => new Promise((resolve) => setTimeout(resolve, 100)),
    async close() {
      await transport.close();
      await plane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  });
});
