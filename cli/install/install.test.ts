import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kmm } from '../testing/kmm.ts';

const kindsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS().kind as string);

describe('kmm install', () => {
  it('prints manifests that kubectl can apply', async () => {
    const { code, out, err } = await kmm(['install', 'hub', '--image', 'r.example.com/kmm-hub:1']);

    expect([code, err]).toEqual([0, '']);
    expect(kindsOf(out)).toContain('Deployment');
    expect(out).toContain('image: r.example.com/kmm-hub:1\n');
  });

  it.each([
    ['policy', ['Policy', 'ManagedClusterSetBinding', 'Placement', 'PlacementBinding']],
    [
      'addon',
      [
        'AddOnTemplate',
        'AddOnDeploymentConfig',
        'ManagedClusterSetBinding',
        'Placement',
        'ClusterManagementAddOn',
      ],
    ],
  ])('prints a spoke as %s', async (form, kinds) => {
    const args = [
      '--form',
      form,
      '--cluster-label',
      'gpu=true',
      '--cluster-label',
      'site=edge',
      '-n',
      'fleet',
    ];
    const { code, out } = await kmm(['install', 'spoke', '--image', 'kmm:1', ...args]);

    expect(code).toBe(0);
    expect(kindsOf(out)).toEqual(kinds);
    expect(out).toContain('namespace: fleet');
    expect(out).toMatch(/matchLabels:\s+gpu: "true"\s+site: edge/);
  });

  it('names what of must-gather and pull secret it is told', async () => {
    const options = ['--must-gather-image', 'gather:1', '--pull-secret', 'login'];
    const { out } = await kmm(['install', 'cluster', '--image', 'kmm:1', ...options]);

    expect(out).toMatch(/RELATED_IMAGES_MUST_GATHER\n\s+value: gather:1/);
    expect(out).toMatch(/imagePullSecrets:\n\s+- name: login/);
  });

  it('prints an operator without privilege when its builds are Jobs', async () => {
    const { out } = await kmm(['install', 'hub', '--image', 'kmm-hub:1', '--builder', 'job']);

    expect(out).toMatch(/name: KMM_BUILD_IMAGE\n\s+value: kmm-hub:1/);
    expect(out).not.toContain('SYS_ADMIN');
  });

  it('prints an operator without privilege when OpenShift builds for it', async () => {
    const { out } = await kmm(['install', 'hub', '--image', 'kmm-hub:1', '--builder', 'openshift']);

    expect(out).toMatch(/name: KMM_BUILDER\n\s+value: openshift/);
    expect(out).toMatch(/- build\.openshift\.io\n/);
    expect(out).not.toMatch(/SYS_ADMIN|kmm-privileged/);
  });

  it.each([
    ['spoke', ['--image', 'kmm:1'], /builds nothing/],
    ['hub', ['--form', 'subscription', '--catalog', 'own'], /bundle in the catalog/],
  ])('refuses a builder for what has none to choose: %s', async (edition, args, told) => {
    const { code, err } = await kmm(['install', edition, ...args, '--builder', 'job']);

    expect(code).toBe(2);
    expect(err).toMatch(told);
  });

  it.each([
    ['kustomize', 'overlays/hub/kustomization.yaml'],
    ['helm', 'values.schema.json'],
    ['olm', 'manifests/kernel-module-management-hub.clusterserviceversion.yaml'],
  ])('writes the files of %s', async (form, file) => {
    const saved = new Map<string, string>();
    const args = ['install', 'hub', '--image', 'kmm:1', '--form', form, '--out', 'dir'];
    const { code, out } = await kmm(args, { saved });

    expect(code).toBe(0);
    expect(saved.has(`dir/${file}`)).toBe(true);
    expect(out).toBe([...saved.keys()].map((path) => `${path}\n`).join(''));
  });

  it('prints what a namespace of Modules needs, for the default account or those that are named', async () => {
    const loader = '--service-account=loader';
    const named = await kmm(['install', 'privileges', 'drivers', loader, '--service-account=plugin', loader]);

    expect(named.code).toBe(0);
    expect(kindsOf(named.out)).toEqual([
      'Namespace',
      'ServiceAccount',
      'ServiceAccount',
      'Role',
      'RoleBinding',
    ]);
    expect(named.out).toContain('pod-security.kubernetes.io/enforce: privileged\n');
    expect(named.out).not.toContain('openshift-kmm');
    expect(named.out).not.toContain('name: kmm-privileged\n');

    const { out } = await kmm(['install', 'privileges', 'drivers']);
    expect(kindsOf(out)).toEqual(['Namespace', 'Role', 'RoleBinding']);
    expect(out).toMatch(/subjects:\n\s+- kind: ServiceAccount\n\s+namespace: drivers\n\s+name: default\n/);
  });

  it('prints what Prometheus asks for and tells, for an operator that any form has installed', async () => {
    const docs = ['--runbooks', 'https://docs.example.com/kmm'];
    const { code, out, err } = await kmm(['install', 'hub', '--form', 'monitoring', ...docs]);

    expect([code, err]).toEqual([0, '']);
    expect(kindsOf(out)).toEqual(['Service', 'ServiceMonitor', 'PrometheusRule']);
    expect(out).toContain('runbook_url: https://docs.example.com/kmm/docs/reasons.md#');
  });

  it('prints what OLM installs from a catalog, which has the image', async () => {
    const { code, out } = await kmm(['install', 'hub', '--form', 'subscription', '--catalog', 'ours']);

    expect(code).toBe(0);
    expect(kindsOf(out)).toEqual(['Namespace', 'OperatorGroup', 'Subscription']);
    expect(out).toContain('source: ours\n');
  });

  it.each([
    [['hub', '--image', 'i', '--form', 'policy'], 'installs on managed clusters'],
    [['spoke', '--image', 'i', '--cluster-label', 'gpu'], 'Write it as key=value'],
    [['spoke'], "required option '--image <ref>'"],
    [['spoke', '--form', 'policy-olm'], "required option '--catalog <name>'"],
    [['spoke', '--image', 'i', '--form', 'helm'], '--out FOLDER'],
    [['spoke', '--image', 'Not/An:Image:1'], '--image: Image "Not/An:Image:1" names no valid'],
    [['spoke', '--image', 'i', '--pull-secret', 'My_Secret'], '--pull-secret: "My_Secret" is no name'],
    [['spoke', '--image', 'i', '--form', 'chart'], 'Allowed choices are manifests, kustomize, helm'],
    [['hub', '--image', 'i', '--guard-namespaces'], 'no Modules on a hub'],
    [
      ['spoke', '--image', 'i', '--guard-namespaces', '--form', 'olm', '--out', 'd'],
      'Use a form without OLM',
    ],
    [['hub', '--image', 'i', '--webhooks', 'own', '--form', 'olm', '--out', 'd'], 'use --webhooks olm'],
    [['hub', '--image', 'i', '--webhooks', 'olm'], 'use --webhooks own'],
    [['hub', '--catalog', 'c', '--webhooks', 'olm', '--form', 'subscription'], 'make it with --form olm'],
    [
      ['hub', '--image', 'i', '--webhooks', 'cert-manager', '--form', 'helm', '--out', 'd'],
      'would not follow',
    ],
    [['hub', '--form', 'monitoring', '--webhooks', 'own'], 'to the form that installs the operator'],
    [['hub', '--form', 'monitoring', '--runbooks', 'docs'], '--runbooks: "docs" is no address'],
    [['hub', '--image', 'i', '--runbooks', 'https://d'], 'belong to --form monitoring'],
    [['privileges', 'My_Space'], '"My_Space" is no name of a namespace'],
    [['privileges', 'a', '--service-account', 'B'], '--service-account: "B" is no name'],
    [['leaf', '--image', 'i'], 'Allowed choices are hub, spoke, cluster'],
  ])('refuses %j, which is wrong usage', async (args, words) => {
    const outcome = await kmm(['install', ...args]);

    expect(outcome.code).toBe(2);
    expect(outcome.err).toContain(words);
    expect(outcome.out).toBe('');
  });
});
