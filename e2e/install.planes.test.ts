import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findProgram,
  installObjects,
  installPrograms,
  makeServerCertificates,
  ocmHubObjects,
  ocmProgram,
  type Plane,
  planePrograms,
  startPlane,
} from '@kmm-fleet/lab';
import { EDITIONS, editions } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

// What a user types: kmm install, then kubectl. kube-apiserver says whether it is right.
describe('what kmm install prints', () => {
  let folder: string;
  let plane: Plane;
  const kubectl = (args: readonly string[], input = '') =>
    execFileSync(findProgram('kubectl') ?? 'kubectl', [...args, '--kubeconfig', plane.kubeconfig()], {
      input,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  const kmm = (...args: readonly string[]) =>
    execFileSync(join(root, 'bin/kmm'), ['install', ...args, '--image', 'r.example.com/kmm:1'], {
      encoding: 'utf8',
    });
  const apply = (text: string) => kubectl(['apply', '--server-side', '-f', '-'], text);
  const canI = (account: string, ...what: readonly string[]) => {
    try {
      return kubectl(['auth', 'can-i', ...what, '--as', `system:serviceaccount:${account}`]).trim();
    } catch {
      return 'no';
    }
  };

  beforeAll(async () => {
    await installPrograms(['kubectl', 'openssl'], () => {});
    folder = mkdtempSync(join(tmpdir(), 'kmm-install-'));
    const certificates = await makeServerCertificates(folder);
    const programs = await planePrograms(() => {});
    plane = await startPlane({ name: 'install', directory: folder, programs, certificates });
    const transport = createHttpTransport(plane.connection());
    const client = createKubeClient({ transport, clock, random, userAgent: 'test' });
    await installObjects(client, ocmHubObjects((await ocmProgram(() => {})).modules), clock);
    await transport.close();
  });
  afterAll(async () => {
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(EDITIONS)('for %s is taken by a real API server, and a second time changes nothing', (name) => {
    const { namespace, deployment } = editions[name];
    const version = () =>
      kubectl([
        'get',
        'deployment',
        '-n',
        namespace,
        deployment,
        '-o',
        'jsonpath={.metadata.resourceVersion}',
      ]);
    const text = kmm(name);

    apply(text);
    const first = version();
    const again = apply(text);

    expect(again.trim().split('\n').length).toBe(text.split('\n---\n').length);
    expect(version()).toBe(first);
  });

  it('answers the question of the documentation of KMM: which image is must-gather', () => {
    apply(kmm('hub', '--must-gather-image', 'r.example.com/gather:7'));
    const path =
      "jsonpath={.spec.template.spec.containers[?(@.name=='manager')].env[?(@.name=='RELATED_IMAGES_MUST_GATHER')].value}";

    expect(
      kubectl([
        ...['get', 'deployment', '-n', 'openshift-kmm-hub', 'kmm-operator-hub-controller-manager'],
        ...['-o', path],
      ]),
    ).toBe('r.example.com/gather:7');
  });

  it('grants what is written and no more', () => {
    apply(kmm('hub'));
    const hub = 'openshift-kmm-hub:kmm-operator-hub-controller';

    expect(canI(hub, 'watch', 'managedclustermodules.hub.kmm.sigs.x-k8s.io')).toBe('yes');
    expect(canI(hub, 'watch', 'secrets', '-n', 'openshift-kmm-hub')).toBe('yes');
    expect(canI(hub, 'list', 'secrets', '-n', 'default')).toBe('no');
    expect(canI(hub, 'delete', 'managedclusters.cluster.open-cluster-management.io')).toBe('no');
  });

  it('as an add-on is taken by a hub of Open Cluster Management', () => {
    apply(kmm('spoke', '--form', 'addon', '--cluster-label', 'gpu=true'));

    expect(kubectl(['get', 'addontemplate', 'install-kmm', '-o', 'jsonpath={.spec.addonName}'])).toBe(
      'install-kmm',
    );
    expect(
      kubectl(['get', 'placement', '-n', 'default', 'install-kmm', '-o', 'jsonpath={.spec.clusterSets}']),
    ).toBe('["global"]');
  });

  it('is refused by name when a field is wrong', () => {
    const wrong = kmm('spoke').replace('serviceAccountName: kmm', 'serviceAcountName: kmm');

    expect(() => apply(wrong)).toThrow('serviceAcountName');
  });
});
