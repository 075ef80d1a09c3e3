import { EDITIONS, editions } from '@kmm-fleet/policies';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstallPlane, kmm, startInstallPlane } from './install/install-plane.ts';

// What a user types: kmm install, then kubectl. kube-apiserver says whether it is right.
describe('what kmm install prints', () => {
  let plane: InstallPlane;
  const kubectl = (args: readonly string[], input?: string) => plane.kubectl(args, input);
  const apply = (text: string) => plane.apply(text);
  const install = (...args: readonly string[]) => kmm('install', ...args, '--image', 'r.example.com/kmm:1');
  const canI = (account: string, ...what: readonly string[]) => {
    try {
      return kubectl(['auth', 'can-i', ...what, '--as', `system:serviceaccount:${account}`]).trim();
    } catch {
      return 'no';
    }
  };

  beforeAll(async () => {
    plane = await startInstallPlane('install');
  });
  afterAll(() => plane?.stop());

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
    const text = install(name);

    apply(text);
    const first = version();
    const again = apply(text);

    expect(again.trim().split('\n').length).toBe(text.split('\n---\n').length);
    expect(version()).toBe(first);
  });

  it('answers the question of the documentation of KMM: which image is must-gather', () => {
    apply(install('hub', '--must-gather-image', 'r.example.com/gather:7'));
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
    apply(install('hub'));
    const hub = 'openshift-kmm-hub:kmm-operator-hub-controller';

    expect(canI(hub, 'watch', 'managedclustermodules.hub.kmm.sigs.x-k8s.io')).toBe('yes');
    expect(canI(hub, 'watch', 'secrets', '-n', 'openshift-kmm-hub')).toBe('yes');
    expect(canI(hub, 'list', 'secrets', '-n', 'default')).toBe('no');
    expect(canI(hub, 'delete', 'managedclusters.cluster.open-cluster-management.io')).toBe('no');
  });

  it('as an add-on is taken by a hub of Open Cluster Management', () => {
    apply(install('spoke', '--form', 'addon', '--cluster-label', 'gpu=true'));

    expect(kubectl(['get', 'addontemplate', 'install-kmm', '-o', 'jsonpath={.spec.addonName}'])).toBe(
      'install-kmm',
    );
    expect(
      kubectl(['get', 'placement', '-n', 'default', 'install-kmm', '-o', 'jsonpath={.spec.clusterSets}']),
    ).toBe('["global"]');
  });

  it('is refused by name when a field is wrong', () => {
    const wrong = install('spoke').replace('serviceAccountName: kmm', 'serviceAcountName: kmm');

    expect(() => apply(wrong)).toThrow('serviceAcountName');
  });
});
