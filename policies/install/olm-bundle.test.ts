import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PolicyRule } from '../rbac/access.ts';
import { EDITIONS, editions } from './editions.ts';
import { olmBundle } from './olm-bundle.ts';
import { operatorObjects } from './operator-objects.ts';

const IMAGES = { operator: 'r.example.com/kmm:1', mustGather: 'r.example.com/gather:1' };
const OPTIONS = { version: '1.2.3', channel: 'stable' };

interface Granted {
  readonly serviceAccountName: string;
  readonly rules: readonly PolicyRule[];
}
interface ServiceVersion {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly install: {
      readonly spec: {
        readonly clusterPermissions: readonly Granted[];
        readonly permissions: readonly Granted[];
        readonly deployments: readonly [
          {
            readonly name: string;
            readonly spec: { readonly template: { readonly spec: { serviceAccountName: string } } };
          },
        ];
      };
    };
  };
}

function versionOf(name: (typeof EDITIONS)[number]): ServiceVersion {
  const files = olmBundle(editions[name], IMAGES, OPTIONS);
  const file = Object.keys(files).find((path) => path.endsWith('clusterserviceversion.yaml')) ?? '';
  return parse(files[file] ?? '');
}

it.each(EDITIONS)('of %s grants each account what it has when installed otherwise', (name) => {
  const edition = editions[name];
  const { clusterPermissions, permissions, deployments } = versionOf(name).spec.install.spec;
  const [own] = edition.accesses;

  const granted = clusterPermissions.find(
    ({ serviceAccountName }) => serviceAccountName === own?.account.name,
  );
  expect(granted?.rules).toEqual(expect.arrayContaining([...(own?.cluster ?? [])]));
  const accounts = new Set(permissions.map(({ serviceAccountName }) => serviceAccountName));
  // OLM makes those that it grants something to, and no others.
  expect(accounts).toEqual(new Set([own?.account.name, ...edition.accounts]));
  expect(deployments[0].spec.template.spec.serviceAccountName).toBe(own?.account.name);
});

it.each(EDITIONS)('of %s has a place for every kind that is installed otherwise', (name) => {
  // Kinds are manifests, rights are permissions, OLM makes the rest; a webhook would be a webhookdefinition.
  const placed = ['CustomResourceDefinition', 'Namespace', 'ServiceAccount', 'Deployment'];
  const rights = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];
  const kinds = new Set(operatorObjects(editions[name], IMAGES).map(({ kind }) => kind));

  expect(kinds).toEqual(new Set([...placed, ...rights]));
});

it('is named as the Subscriptions of the guide name it', () => {
  expect(EDITIONS.map((name) => versionOf(name).metadata.name)).toEqual([
    'kernel-module-management-hub.v1.2.3',
    'kernel-module-management.v1.2.3',
    'kernel-module-management.v1.2.3',
  ]);
});

it('that may be managed by a Subscription has the right to publish kernels', () => {
  const [{ rules }] = versionOf('cluster').spec.install.spec.clusterPermissions as [Granted];

  expect(rules.some(({ resources }) => resources.includes('clusterclaims'))).toBe(true);
  expect(rules.some(({ resources }) => resources.includes('secrets'))).toBe(true);
});
