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

  describe('kmm install check', () => {
    const check = (...args: readonly string[]): string => {
      try {
        return `0 ${kmm('install', 'check', ...args, '--kubeconfig', plane.kubeconfig)}`;
      } catch (error) {
        const { status, stdout } = error as { readonly status: number; readonly stdout: string };
        return `${status} ${stdout}`;
      }
    };
    const reasons = (text: string) =>
      [...text.matchAll(/openshift-kmm(?:-hub)?: (\w+):/g)].map(([, one]) => one);
    const status = (isAvailable: boolean) => {
      const conditions = [{ type: 'Available', status: isAvailable ? 'True' : 'False', message: 'Said.' }];
      const { namespace, deployment } = editions.hub;
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}/status`;
      const patch = JSON.parse(kubectl(['get', '--raw', path]));
      kubectl(['replace', '--raw', path, '-f', '-'], JSON.stringify({ ...patch, status: { conditions } }));
    };

    it('finds a hub that is as printed in order, once its pod is there', () => {
      apply(install('hub'));
      // No controller manager is here to see to it.
      expect(reasons(check('hub'))).toEqual(['DeploymentUnavailable']);
      status(true);
      expect(check('hub')).toBe('0 ok       hub in openshift-kmm-hub: nothing is missing\n');
    });

    it('finds what somebody took away or changed, and what would mend it does', () => {
      kubectl(['delete', 'clusterrolebinding', 'kmm-operator-hub-controller']);
      kubectl([
        'label',
        '--overwrite',
        'namespace',
        'openshift-kmm-hub',
        'pod-security.kubernetes.io/enforce=baseline',
      ]);
      const crd = ['crd', 'moduleimages.hub.kmm.sigs.x-k8s.io'];
      kubectl(['patch', ...crd, '--type=json', '-p', '[{"op":"remove","path":"/spec/names/shortNames"}]']);

      const found = check('hub');
      expect(found).toMatch(/^1 /);
      expect(new Set(reasons(found))).toEqual(
        new Set(['KindDiffers', 'NamespaceRestricted', 'RightsMissing']),
      );
      expect(found).toContain('It may not list managedclusters.cluster.open-cluster-management.io, ');
      const [command = ''] = /label --overwrite .*/.exec(found) ?? [];
      kubectl(command.split(' '));
      apply(install('hub'));
      expect(check('hub')).toMatch(/^0 /);
    });

    it('finds that a cluster has not joined a hub', () => {
      apply(install('spoke'));

      expect(reasons(check('spoke'))).toContain('FleetKindMissing');
    });
  });

  it('is refused by name when a field is wrong', () => {
    const wrong = install('spoke').replace('serviceAccountName: kmm', 'serviceAcountName: kmm');

    expect(() => apply(wrong)).toThrow('serviceAcountName');
  });
});
