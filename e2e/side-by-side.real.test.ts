import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { OPERATOR } from '@kmm-fleet/api';
import { createApiServer } from '@kmm-fleet/lab';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  CORE,
  systemClock as clock,
  createKubeClient,
  createRandom,
  type KubeClient,
  type KubeObject,
} from '@kmm-fleet/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';

const MAIN = new URL('../spoke/main.ts', import.meta.url).pathname;
const NEIGHBOUR = { namespace: 'kmm-operator-system', name: OPERATOR.lease };
const TIMEOUT_MS = 60_000;

/** The process of a spoke on an API server with these objects: how it ends, what it says and what it wrote. */
async function startSpoke(
  objects: readonly KubeObject[],
  beside: (client: KubeClient) => Promise<void> = async () => {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-side-by-side-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const random = createRandom(1);
  const server = createApiServer({ clock, random, name: 'one', objects });
  const writes: string[] = [];
  server.onWrite(({ userAgent, method, path }) => userAgent === 'kmm' && writes.push(`${method} ${path}`));
  const { url, close } = await server.listen();
  onTestFinished(close);
  const named = { name: 'one', cluster: { server: url }, context: { cluster: 'one' } };
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, stringify({ 'current-context': 'one', clusters: [named], contexts: [named] }));
  const env = { ...process.env, KUBECONFIG: kubeconfig, KMM_MANAGED: '1' };
  const spoke = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void spoke.kill('SIGKILL'));
  const ended = Promise.all([text(spoke.stdout), once(spoke, 'exit')]);
  await beside(createKubeClient({ transport: server.transport, clock, random, userAgent: 'upstream' }));
  const [said, [code]] = await ended;
  const refusals = said.split('\n').filter((line) => line.includes('operator.refused'));
  return { code: code as number | null, refusals, writes };
}

it(
  'a spoke ends with 3 beside an operator that works in another namespace, and has written nothing',
  async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NEIGHBOUR.namespace } };
    const spec = { holderIdentity: 'upstream-1', leaseDurationSeconds: 15 };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: NEIGHBOUR, spec };
    const renewing = async (client: KubeClient) => {
      const renew = () => {
        const patch = { spec: { renewTime: new Date(clock.now()).toISOString() } };
        return client.mergePatch(CORE.lease, NEIGHBOUR, patch, { fieldManager: 'upstream' });
      };
      await renew();
      const timer = setInterval(() => void renew().catch(() => {}), 500);
      onTestFinished(() => clearInterval(timer));
    };
    const objects = [...groundObjects(editions.spoke), namespace, lease];
    const { code, refusals, writes } = await startSpoke(objects, renewing);

    expect({ code, writes }).toEqual({ code: 3, writes: [] });
    expect(refusals).toEqual([
      expect.stringContaining('upstream-1 holds Lease kmm-operator-system/kmm.sigs.x-k8s.io'),
    ]);
  },
  TIMEOUT_MS,
);

it(
  'a spoke ends with 3 on a definition of an older version, and has written nothing',
  async () => {
    const older = groundObjects(editions.spoke).map((object) =>
      object.metadata.name === 'modules.kmm.sigs.x-k8s.io'
        ? (JSON.parse(
            JSON.stringify(object).replaceAll('"inTreeModulesToRemove"', '"another"'),
          ) as KubeObject)
        : object,
    );
    const { code, refusals, writes } = await startSpoke(older);

    expect({ code, writes }).toEqual({ code: 3, writes: [] });
    expect(refusals).toEqual([
      expect.stringMatching(/is of another version: it lacks v1beta1\.spec.*inTreeModulesToRemove/),
    ]);
  },
  TIMEOUT_MS,
);
