import { join } from 'node:path';
import {
  answerReview,
  checkManagedClusterModule,
  LABELS,
  type ModuleStatus,
  RESOURCES,
  WEBHOOKS,
} from '@kmm-fleet/api';
import { type Supervised, supervise } from '@kmm-fleet/cli';
import { freePort, writeKubeconfig } from '@kmm-fleet/lab';
import {
  CORE,
  createHttpTransport,
  createKubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
  systemClock,
  type Transport,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcmObject } from '../hub/testing/fixtures.ts';
import { loadKubeConnection } from '../runtime/kube/kube-config.ts';
import { runWebhooks } from '../runtime/webhooks/run-webhooks.ts';
import { type InstallPlane, kmm, readObjects, startInstallPlane } from './install/install-plane.ts';

const DAY_MS = 86_400_000;
const SPACE = 'drivers';

const moduleOf = (name: string, regexp: string): string =>
  JSON.stringify({
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name, namespace: SPACE },
    spec: {
      selector: { driver: 'wanted' },
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'kmod' },
          kernelMappings: [{ regexp, containerImage: `r.example.com/kmod@sha256:${'a'.repeat(64)}` }],
        },
      },
    },
  });
const [GOOD, BAD] = ['^6\\.1', '(['];

// A real kube-apiserver asks real processes of ours, under the roles that kmm install prints.
describe('what an API server refuses', () => {
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  const transports: Transport[] = [];
  let plane: InstallPlane;
  let operator: Supervised | undefined;
  let env: Record<string, string>;

  /** What kubectl says, whether it worked or not. */
  const tried = (work: () => string): string => {
    try {
      return work();
    } catch (error) {
      return (error as { readonly stderr?: string }).stderr ?? String(error);
    }
  };
  const kubectl = (...args: readonly string[]) => tried(() => plane.kubectl(args));
  const apply = (text: string) => tried(() => plane.apply(text));
  const dryRun = (text: string) =>
    tried(() => plane.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], text));
  const soon = { timeout: 60_000, interval: 300 };

  /** kube-apiserver has no cluster network here: it is told the address in place of the Service. */
  const reachAt = (name: string, path: string, port: number) => {
    const url = {
      op: 'add',
      path: '/webhooks/0/clientConfig/url',
      value: `https://127.0.0.1:${port}${path}`,
    };
    const patch = JSON.stringify([{ op: 'remove', path: '/webhooks/0/clientConfig/service' }, url]);
    plane.kubectl(['patch', 'validatingwebhookconfiguration', name, '--type=json', '-p', patch]);
  };
  const kubeconfigOf = (namespace: string, account: string) => {
    const token = plane.kubectl(['create', 'token', '-n', namespace, account]).trim();
    const path = join(plane.folder, `${account}.kubeconfig`);
    writeKubeconfig(path, plane.ca, [{ name: account, server: plane.url, token }]);
    return path;
  };
  const clientOf = async (kubeconfig: string) => {
    const transport = createHttpTransport(await loadKubeConnection({ KUBECONFIG: kubeconfig }));
    transports.push(transport);
    return createKubeClient({ transport, clock: systemClock, random, userAgent: 'test' });
  };
  /** What an API server says to a write. */
  const told = (write: Promise<unknown>) =>
    write.then(
      () => 'done',
      (error: Error) => error.message,
    );
  const start = () => supervise('spoke', env, join(plane.folder, 'spoke.log'));

  beforeAll(async () => {
    plane = await startInstallPlane('webhooks');
    const options = ['--image', 'r.example.com/kmm:1', '--webhooks', 'own'];
    const spoke = kmm('install', 'spoke', ...options, '--guard-namespaces');
    plane.apply(spoke);
    plane.apply(kmm('install', 'hub', ...options));
    plane.kubectl(['create', 'namespace', SPACE]);
    const port = await freePort();
    reachAt(WEBHOOKS.cluster.name, WEBHOOKS.cluster.path, port);
    env = {
      ...settingsOf(readObjects(spoke)),
      OPERATOR_NAMESPACE: 'openshift-kmm',
      KUBECONFIG: kubeconfigOf('openshift-kmm', 'kmm-operator-controller'),
      WEBHOOK_HOST: '127.0.0.1',
      WEBHOOK_PORT: String(port),
      HEALTH_PORT: '0',
    };
    operator = start();
  });
  afterAll(async () => {
    stop.abort();
    await operator?.stop();
    await Promise.all(running);
    await Promise.all(transports.map((transport) => transport.close()));
    await plane?.stop();
  });

  it('a bad Module, in the words of kmm lint, and no good one', async () => {
    await expect
      .poll(() => dryRun(moduleOf('kmod', BAD)), soon)
      .toContain(
        'admission webhook "vmodule.kb.io" denied the request: spec.moduleLoader.container.kernelMappings[0].regexp',
      );
    expect(dryRun(moduleOf('kmod', GOOD))).toContain('serverside-applied');
  });

  it('to delete a namespace while there is a Module in it', async () => {
    apply(moduleOf('kmod', GOOD));
    await expect
      .poll(() => kubectl('delete', 'namespace', SPACE, '--dry-run=server'), soon)
      .toContain(`There are Modules in ${SPACE}. Delete them first`);

    kubectl('delete', 'module', '-n', SPACE, 'kmod', '--wait=false');
    await expect
      .poll(() => kubectl('delete', 'namespace', SPACE, '--dry-run=server'), soon)
      .toMatch(/namespace "drivers" deleted/);
  });

  it('the operator anything of a namespace but its label', async () => {
    const asOperator = await clientOf(env['KUBECONFIG'] ?? '');
    const patch = (metadata: object) =>
      told(asOperator.mergePatch(CORE.namespace, { name: 'default' }, { metadata }, {}));

    expect(await patch({ labels: { [LABELS.containsModules]: '' } })).toBe('done');
    expect(await patch({ labels: { [LABELS.containsModules]: null } })).toBe('done');
    const refused = 'may change nothing of a namespace but the label';
    expect(await patch({ labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } })).toContain(
      refused,
    );
    expect(await patch({ annotations: { a: 'b' } })).toContain(refused);
    kubectl('label', 'namespace', 'default', 'team=a');
    expect(await patch({ labels: { team: null } })).toContain(refused);
  });

  it('nothing while the operator is down; the status tells later, and what is bad can still be deleted', async () => {
    await operator?.stop();
    expect(apply(moduleOf('spoilt', BAD))).toContain('serverside-applied');

    operator = start();
    const degraded = () => {
      const text = kubectl('get', 'module', '-n', SPACE, 'spoilt', '-o', 'jsonpath={.status}');
      const { conditions = [] } = (text.startsWith('{') ? JSON.parse(text) : {}) as ModuleStatus;
      return conditions.find(({ type }) => type === 'Degraded')?.reason;
    };
    await expect.poll(degraded, soon).toBe('RegexpInvalid');
    await expect.poll(() => dryRun(moduleOf('other', BAD)), soon).toContain('denied the request');
    kubectl('delete', 'module', '-n', SPACE, 'spoilt', '--wait=false');
    await expect.poll(() => kubectl('get', 'module', '-n', SPACE, 'spoilt'), soon).toContain('NotFound');
  });

  it('a bad ManagedClusterModule without a gap while the certificate is rotated', async () => {
    const port = await freePort();
    reachAt(WEBHOOKS.hub.name, WEBHOOKS.hub.path, port);
    const kubeconfig = kubeconfigOf('openshift-kmm-hub', 'kmm-operator-hub-controller');
    let [late, served] = [62 * DAY_MS, 0];
    // It looks twenty times as often as it does, and lives two months ago at first: its first certificate is soon due.
    const clock = {
      ...systemClock,
      now: () => systemClock.now() - late,
      after: (ms: number, run: () => void) => systemClock.after(ms / 20, run),
    };
    const log = {
      ...silentLog,
      info: (event: string) => void (served += Number(event === 'webhook.serving')),
    };
    const [client, admin] = [await clientOf(kubeconfig), await clientOf(plane.kubeconfig)];
    const answers = {
      [WEBHOOKS.hub.path]: (review: unknown) => answerReview(review, checkManagedClusterModule),
    };
    const { name, webhook } = WEBHOOKS.hub;
    const host = { namespace: 'openshift-kmm-hub', port, host: '127.0.0.1' };
    const serving = runWebhooks(
      { name, webhooks: [webhook], answers, client, clock, log, ...host },
      stop.signal,
    );
    running.push(serving);
    const mcm = { ...mcmObject({ spokeNamespace: 'No Namespace' }), metadata: { name: 'kmod' } };
    // kubectl would be waited for by this very process, which has to answer meanwhile.
    const verdict = async () => {
      const verdict = await told(admin.create(RESOURCES.managedClusterModule, mcm));
      if (verdict === 'done') await admin.delete(RESOURCES.managedClusterModule, mcm.metadata);
      return verdict;
    };
    const denied = 'admission webhook "vmanagedclustermodule.kb.io" denied the request: spec.spokeNamespace';
    await expect.poll(verdict, soon).toContain(denied);

    late = 0;
    const verdicts: string[] = [];
    while (served < 2 && verdicts.length < 200) {
      verdicts.push(await verdict());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (let more = 0; more < 10; more++) verdicts.push(await verdict());

    expect(served).toBe(2);
    expect(verdicts.filter((told) => !told.includes(denied))).toEqual([]);
  });
});

/** Variables that the printed Deployment sets. */
function settingsOf(objects: readonly KubeObject[]): Record<string, string> {
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as unknown as {
    spec: { template: { spec: { containers: [{ env: { name: string; value?: string }[] }] } } };
  };
  const { env } = deployment.spec.template.spec.containers[0];
  return Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
}
