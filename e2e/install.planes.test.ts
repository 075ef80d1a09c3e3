import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EDITIONS, editions } from '@kmm-fleet/policies';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstallPlane, kmm, readObjects, startInstallPlane } from './install/install-plane.ts';

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

  /** Of a kind that this API server does not have: kubectl would take its group for a part of its name. */
  const canWatchStream = (account: string, name: string) => {
    const stream = { group: 'image.openshift.io', resource: 'imagestreams', namespace: 'openshift', name };
    const spec = {
      user: `system:serviceaccount:${account}`,
      resourceAttributes: { ...stream, verb: 'watch' },
    };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    return kubectl(['create', '-o', 'jsonpath={.status.allowed}', '-f', '-'], JSON.stringify(review));
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
    expect(canWatchStream(hub, 'driver-toolkit')).toBe('true');
    expect(canWatchStream(hub, 'another')).toBe('false');
  });

  it('as an add-on is taken by a hub of Open Cluster Management', () => {
    apply(install('spoke', '--form', 'addon', '--cluster-label', 'gpu=true'));

    expect(kubectl(['get', 'addontemplate', 'install-kmm', '-o', 'jsonpath={.spec.addonName}'])).toBe(
      'install-kmm',
    );
    expect(
      kubectl([
        ...['get', 'placement', '-n', 'default', 'install-kmm-addon'],
        ...['-o', 'jsonpath={.spec.clusterSets}'],
      ]),
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

  describe('is removed by kmm uninstall', () => {
    const uninstall = (...args: readonly string[]) =>
      JSON.parse(kmm('uninstall', ...args, '-o', 'json', '--kubeconfig', plane.kubeconfig)) as {
        readonly removed: readonly string[];
        readonly remains: readonly string[];
      };
    // What is there from the tests before: each edition is looked at alone.
    beforeAll(() => {
      for (const name of ['spoke', 'hub']) uninstall(name, '--modules', 'unload');
    });
    const printedIn = (text: string) =>
      readObjects(text).map(({ kind, metadata: { namespace, name } }) =>
        [kind, namespace, name].filter(Boolean).join('/'),
      );

    it.each(EDITIONS)(
      '%s, with everything that can be added to it, and nothing remains but its namespace',
      (name) => {
        const added = ['--webhooks', 'own', ...(name === 'hub' ? [] : ['--guard-namespaces'])];
        const text = install(name, ...added);
        apply(text);
        const printed = printedIn(text).filter((key) => !key.startsWith('Namespace/'));

        const kept = uninstall(name);
        expect(kept.remains).toEqual(
          expect.arrayContaining(printed.filter((key) => key.startsWith('CustomResource'))),
        );
        apply(text);
        const { removed, remains } = uninstall(name, '--modules', 'unload');
        expect(removed).toEqual(expect.arrayContaining(printed));
        expect(remains).toEqual([`Namespace/${editions[name].namespace}`]);
        const left = kubectl([
          'get',
          'all,roles,clusterroles,crd,validatingwebhookconfigurations',
          '-A',
          '-o',
          'name',
        ]);
        expect(left).not.toContain('kmm');
      },
    );

    it('by nobody who may not, and then nothing of it goes', () => {
      apply(install('hub'));
      kubectl(['create', 'clusterrolebinding', 'viewer', '--clusterrole=view', '--user=viewer']);
      const config = JSON.parse(kubectl(['config', 'view', '--raw', '-o', 'json']));
      for (const { user } of config.users) user.as = 'viewer';
      const file = join(plane.folder, 'viewer.kubeconfig');
      writeFileSync(file, JSON.stringify(config));

      expect(() => kmm('uninstall', 'hub', '--kubeconfig', file)).toThrow(/forbidden|You may not/);
      expect(kubectl(['get', 'deployments', '-A', '-o', 'name'])).toContain('kmm-operator-hub');
    });
  });

  it('is refused by name when a field is wrong', () => {
    const wrong = install('spoke').replace('serviceAccountName: kmm', 'serviceAcountName: kmm');

    expect(() => apply(wrong)).toThrow('serviceAcountName');
  });
});
