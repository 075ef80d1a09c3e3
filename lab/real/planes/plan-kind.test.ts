import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { planKindConfig, planKindStart, planKindStop } from './plan-kind.ts';

interface Config {
  readonly nodes: readonly {
    readonly extraMounts: readonly { readonly hostPath: string; readonly containerPath: string }[];
    readonly kubeadmConfigPatches: readonly string[];
  }[];
}
interface Patch {
  readonly apiVersion: string;
  readonly apiServer: {
    readonly extraArgs: unknown;
    readonly extraVolumes: readonly { readonly mountPath: string }[];
  };
}
const config = planKindConfig({
  directory: '/tmp/hub',
  ca: '/tmp/ca.crt',
  caKey: '/tmp/ca.key',
  port: 6_443,
});
const [node] = (config as Config).nodes;
const patches = (node?.kubeadmConfigPatches ?? []).map((text) => JSON.parse(text) as Patch);

it('a cluster listens on the loopback address alone', () => {
  expect(config).toMatchObject({ networking: { apiServerAddress: '127.0.0.1', apiServerPort: 6_443 } });
});

it('its certificates are signed by the authority that the whole fleet trusts', () => {
  expect(node?.extraMounts.slice(1)).toEqual([
    { hostPath: '/tmp/ca.crt', containerPath: '/etc/kubernetes/pki/ca.crt', readOnly: true },
    { hostPath: '/tmp/ca.key', containerPath: '/etc/kubernetes/pki/ca.key', readOnly: true },
  ]);
});

it('every file that its API server is told of is in a folder that it is given', () => {
  const given = node?.extraMounts[0]?.containerPath ?? '';
  for (const { apiServer } of patches) {
    expect(apiServer.extraVolumes.map(({ mountPath }) => mountPath)).toEqual([given]);
    for (const file of ['users.csv', 'audit-policy.json', 'audit.log'])
      expect(JSON.stringify(apiServer.extraArgs)).toContain(`"${given}/${file}"`);
  }
});

it('kubeadm of either version is told the same, each in its own form', () => {
  const [old, young] = patches;
  expect([old?.apiVersion, young?.apiVersion]).toEqual(['kubeadm.k8s.io/v1beta3', 'kubeadm.k8s.io/v1beta4']);
  const list = young?.apiServer.extraArgs as { name: string; value: string }[];
  expect(Object.fromEntries(list.map(({ name, value }) => [name, value]))).toEqual(old?.apiServer.extraArgs);
});

it('a cluster is made in place of an older one of its name, and emptied of pods and nodes', () => {
  expect(planKindStart('kmm-hub', '/c', '/k').map((command) => command.join(' '))).toEqual([
    planKindStop('kmm-hub').join(' '),
    'kind create cluster --name=kmm-hub --config=/c --kubeconfig=/k',
    'kubectl --kubeconfig=/k delete deployments,daemonsets --all --all-namespaces',
    'kubectl --kubeconfig=/k delete nodes --all',
  ]);
});

it('the workflow pins what it uses and runs a target that there is', () => {
  const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  const workflow = parse(read('.github/workflows/kind.yaml')) as {
    jobs: { 'e2e-kind': { steps: { uses?: string; run?: string }[] } };
  };
  const { steps } = workflow.jobs['e2e-kind'];

  expect(steps.at(-1)?.run).toMatch(/ make e2e-kind$/);
  expect(read('Makefile')).toContain('\ne2e-kind:');
  const used = steps.flatMap(({ uses }) => uses ?? []);
  expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
});
