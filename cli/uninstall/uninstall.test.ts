import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiServer } from '@kmm-fleet/lab';
import { editions, operatorObjects, podLabels } from '@kmm-fleet/policies';
import {
  CORE,
  createKubeClient,
  createManualClock,
  createRandom,
  type HttpRequest,
  type KubeObject,
  type Transport,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfig } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';

const clock = createManualClock();
const folder = mkdtempSync(join(tmpdir(), 'kmm-uninstall-'));
beforeAll(() => writeFileSync(join(folder, 'kubeconfig'), kubeconfig({ hub: 'https://hub.test' })));
afterAll(() => rmSync(folder, { recursive: true }));

const HOSTED = new Set([
  ...['CustomResourceDefinition', 'Namespace', 'ServiceAccount', 'Deployment'],
  ...['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
]);
const DEPLOYMENT = 'Deployment/openshift-kmm-hub/kmm-operator-hub-controller-manager';

/** A hub as kmm install leaves it, on an API server where no controller works. */
function installed(change: (deployment: KubeObject) => KubeObject = (same) => same) {
  const objects = operatorObjects(editions.hub, { operator: 'kmm:1', mustGather: 'kmm:1' })
    .filter(({ kind }) => HOSTED.has(kind))
    .map((object) => (object.kind === 'Deployment' ? change(object) : object));
  return start(objects);
}

function start(objects: readonly KubeObject[]) {
  const server = createApiServer({ clock, random: createRandom(1), name: 'hub', objects });
  const writes: string[] = [];
  server.onWrite(({ method, path }) => writes.push(`${method} ${path.split('?')[0]?.split('/').at(-1)}`));
  const client = createKubeClient({ ...server, clock, random: createRandom(2), userAgent: 'test' });
  const uninstall = (args: readonly string[], wrap = (inner: Transport) => inner) =>
    kmm(['uninstall', 'hub', ...args], {
      env: { KUBECONFIG: join(folder, 'kubeconfig') },
      transport: () => wrap(server.transport),
    });
  return { client, server, writes, uninstall };
}

/** Nobody may do what is asked for by these verbs. */
const denying =
  (...verbs: readonly string[]) =>
  (inner: Transport): Transport => ({
    ...inner,
    request: (request: HttpRequest, signal?: AbortSignal) =>
      request.path.endsWith('/selfsubjectaccessreviews') &&
      verbs.includes(JSON.parse(String(request.body)).spec.resourceAttributes.verb)
        ? Promise.resolve({
            status: 201,
            headers: {},
            body: (async function* () {
              yield Buffer.from('{"status":{"allowed":false}}');
            })(),
          })
        : inner.request(request, signal),
  });

const withOwner = (kind: string) => (deployment: KubeObject) => ({
  ...deployment,
  metadata: {
    ...deployment.metadata,
    ownerReferences: [{ apiVersion: 'v1', kind, name: 'kmm.v1', uid: 'u' }],
  },
});
const ofHelm = (deployment: KubeObject) => ({
  ...deployment,
  metadata: {
    ...deployment.metadata,
    labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: { 'meta.helm.sh/release-name': 'fleet', 'meta.helm.sh/release-namespace': 'kmm' },
  },
});

describe('kmm uninstall', () => {
  it('tells in a dry run what it would do, and does nothing', async () => {
    const { uninstall, writes } = installed();
    const { code, out } = await uninstall(['--dry-run']);

    expect(code).toBe(0);
    expect(out).toContain(`would remove   ${DEPLOYMENT}\n`);
    expect(out).toContain('would remain   CustomResourceDefinition/moduleimages.hub.kmm.sigs.x-k8s.io\n');
    expect(writes).toEqual([]);
  });

  it('does what the dry run told, says what remains, and a second time finds nothing to do', async () => {
    const { uninstall } = installed();
    const told = JSON.parse((await uninstall(['--dry-run', '-o', 'json'])).out);
    const { code, out, err } = await uninstall(['-o', 'json']);

    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ...told, dryRun: false, waits: [] });
    expect(err).toMatch(/^removing Deployment\/openshift-kmm-hub\/.*\nremoving RoleBinding\//);
    const again = await uninstall([]);
    expect(again.out).not.toContain('removed');
    expect(again.out).toContain('remains        Namespace/openshift-kmm-hub\n');
    expect(again.out).toContain('What kmm install hub prints takes them over again.');
  });

  it('takes the kinds too when modules are unloaded, and leaves the namespace', async () => {
    const { uninstall } = installed();
    const { code, out } = await uninstall(['--modules', 'unload', '-o', 'json']);

    expect(code).toBe(0);
    expect(JSON.parse(out).remains).toEqual(['Namespace/openshift-kmm-hub']);
  });

  it('refuses before it writes when a right is missing, and names it', async () => {
    const { uninstall, writes } = installed();
    const { code, err } = await uninstall([], denying('delete'));

    expect(code).toBe(1);
    expect(err).toMatch(
      /You may not delete deployments\.apps in openshift-kmm-hub, .* Nothing was changed\./,
    );
    expect(writes).toEqual([]);
  });

  it.each<[string, (deployment: KubeObject) => KubeObject, string]>([
    ['OLM', withOwner('ClusterServiceVersion'), 'delete clusterserviceversions.operators.coreos.com kmm.v1'],
    ['an add-on', withOwner('AppliedManifestWork'), 'kubectl delete managedclusteraddons on the hub'],
    ['Helm', ofHelm, 'helm uninstall fleet -n kmm'],
  ])('leaves what %s keeps to it, and says how', async (_, change, words) => {
    const { uninstall, writes } = installed(change);
    const { code, err } = await uninstall([]);

    expect(code).toBe(1);
    expect(err).toContain(words);
    expect(writes).toEqual([]);
  });

  it('says what it waits for when it may wait no longer, what holds that, and that it can go on', async () => {
    const { uninstall, client } = installed();
    const name = { namespace: 'openshift-kmm-hub', name: 'hub-1' };
    await client.create(CORE.pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...name, labels: podLabels(editions.hub) },
      spec: { containers: [], nodeName: 'n1' },
    });
    const { code, out } = await uninstall(['--timeout', '0.01']);

    expect(code).toBe(1);
    expect(out).toContain(`removed        ${DEPLOYMENT}\n`);
    expect(out).toContain('waits for      Pod/openshift-kmm-hub/hub-1\n');
    expect(out).toContain('Pod/openshift-kmm-hub/hub-1 stands on node n1, which is gone: kubectl delete pod');
    expect(out).toContain('Run it again: it goes on from here.');
    await client.delete(CORE.pod, name, { gracePeriodSeconds: 0 });
    expect((await uninstall([])).code).toBe(0);
  });

  it('ends when somebody puts back what it removes', async () => {
    const { uninstall, client, server } = installed();
    const [deployment] = operatorObjects(editions.hub, { operator: 'kmm:1', mustGather: 'kmm:1' }).slice(-1);
    server.onWrite(({ method, path }) => {
      if (method === 'DELETE' && path.includes('/deployments/') && deployment)
        void client.apply(CORE.deployment, deployment, { fieldManager: 'policy', force: true });
    });
    const { code, err } = await uninstall([]);

    expect(code).toBe(1);
    expect(err).toContain(`${DEPLOYMENT} is back after it was removed.`);
  });

  it.each([
    [['--timeout', 'soon'], 'Write minutes'],
    [['--modules', 'drop'], 'Allowed choices are keep, unload'],
  ])('refuses %j', async (args, words) => {
    const { code, err } = await start([]).uninstall(args);

    expect(code).toBe(2);
    expect(err).toContain(words);
  });
});
