import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiServer } from '@kmm-fleet/lab';
import { editions, operatorObjects } from '@kmm-fleet/policies';
import {
  createManualClock,
  createRandom,
  type HttpResponse,
  type KubeObject,
  type Transport,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfig } from '../../testing/hub.ts';
import { kmm } from '../../testing/kmm.ts';

const SERVER = 'https://east.test';
const folder = mkdtempSync(join(tmpdir(), 'kmm-check-'));
const clock = createManualClock();
beforeAll(() => writeFileSync(join(folder, 'kubeconfig'), kubeconfig({ east: SERVER })));
afterAll(() => rmSync(folder, { recursive: true }));

/** An API server with these objects, on which everybody may do what `isGranted` says. */
function check(objects: readonly KubeObject[], isGranted: boolean, ...args: readonly string[]) {
  const isDeployment = ({ kind }: KubeObject) => kind === 'Deployment';
  const [deployment] = objects.filter(isDeployment);
  const hosted = objects.filter((object) => !isDeployment(object));
  const server = createApiServer({ clock, random: createRandom(1), name: 'east', objects: hosted });
  // The lab's server hosts neither of these two.
  const respond = (path: string): HttpResponse | undefined => {
    if (path.endsWith('/subjectaccessreviews')) return answer(201, { status: { allowed: isGranted } });
    if (!path.endsWith(`/deployments/${editions.cluster.deployment}`)) return;
    return deployment
      ? answer(200, deployment)
      : answer(404, { kind: 'Status', code: 404, reason: 'NotFound' });
  };
  const transport: Transport = {
    ...server.transport,
    request: async (request, signal) => respond(request.path) ?? server.transport.request(request, signal),
  };
  const env = { KUBECONFIG: join(folder, 'kubeconfig') };
  return kmm(['install', 'check', ...args], { env, transport: () => transport });
}

const answer = (status: number, body: object): HttpResponse => ({
  status,
  headers: {},
  body: (async function* () {
    yield Buffer.from(JSON.stringify(body));
  })(),
});

describe('kmm install check', () => {
  const installed = operatorObjects(editions.cluster, { operator: 'kmm:1', mustGather: 'kmm:1' }).filter(
    ({ kind }) => ['CustomResourceDefinition', 'Namespace', 'ServiceAccount'].includes(kind),
  );
  const deployment = {
    ...operatorObjects(editions.cluster, { operator: 'kmm:1', mustGather: 'kmm:1' }).at(-1),
    status: { conditions: [{ type: 'Available', status: 'True' }] },
  } as KubeObject;

  it('says one line per finding, with what to do, and fails', async () => {
    const { code, out } = await check([], false, 'cluster');

    expect(code).toBe(1);
    expect(out).toMatch(
      /^error {4}cluster in openshift-kmm: KindMissing: CustomResourceDefinition\/modules/m,
    );
    expect(out).toMatch(/NamespaceMissing: Namespace\/openshift-kmm: It is not there\. Apply/);
  });

  it('finds by itself what is installed, and that nothing is missing', async () => {
    const { code, out } = await check([...installed, deployment], true);

    expect([code, out]).toEqual([0, 'ok       cluster in openshift-kmm: nothing is missing\n']);
  });

  it('looks in the namespace that it is told, which is no option of what it is a part of', async () => {
    const { out } = await check([...installed, deployment], true, 'cluster', '-n', 'drivers');

    expect(out).toContain('cluster in drivers: NamespaceMissing: Namespace/drivers: ');
  });

  it('tells programs the same', async () => {
    const { code, out } = await check([...installed, deployment], false, '-o', 'json');
    const [{ edition, findings }] = JSON.parse(out);

    expect(code).toBe(1);
    expect(edition).toBe('cluster');
    expect(findings.map(({ reason }: { reason: string }) => reason)).toEqual(['RightsMissing']);
  });

  it('is not asked of a lab, nor is uninstall, whose operators are processes beside it', async () => {
    const clusters = [{ name: 'hub', server: SERVER }];
    writeFileSync(join(folder, 'state.json'), JSON.stringify({ pid: process.pid, clusters }));
    const { code, err } = await check([], true, 'hub');
    const uninstalled = await kmm(['uninstall', 'hub', '--dry-run'], {
      env: { KUBECONFIG: join(folder, 'kubeconfig') },
      transport: () => createApiServer({ clock, random: createRandom(1), name: 'hub' }).transport,
    });
    rmSync(join(folder, 'state.json'));

    expect(code).toBe(1);
    expect(err).toMatch(/^kmm: \S+ is of the lab in \S+, which is no installation: .* kmm lab down\.\n$/);
    expect(uninstalled).toEqual({ code: 1, out: '', err });
  });

  it('asks what should be there when nothing is', async () => {
    const { code, err } = await check([], true);

    expect(code).toBe(1);
    expect(err).toContain('Say what should be there, as kmm install check hub');
  });
});
