import { ownDefinitions } from '@kmm-fleet/api';
import { EDITIONS, editions, operatorObjects } from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { type Installed, installFindings, isManaged } from './install-status.ts';

const IMAGES = { operator: 'kmm:1', mustGather: 'kmm:1' };
const AVAILABLE = { conditions: [{ type: 'Available', status: 'True' }] };
const RIGHT = { account: 'openshift-kmm/kmm', what: 'patch nodes' };

/** A cluster on which all is well. */
function healthy(name: (typeof EDITIONS)[number]): Installed {
  const edition = editions[name];
  const objects = operatorObjects(edition, IMAGES);
  const object = (kind: string) => objects.find((each) => each.kind === kind);
  const deployment = object('Deployment');
  return {
    namespaceName: edition.namespace,
    namespace: object('Namespace'),
    definitions: ownDefinitions(...edition.kinds).map((wanted) => ({ wanted, found: wanted })),
    fleetKinds: new Map([['clusterclaims.cluster.open-cluster-management.io', {} as KubeObject]]),
    accounts: new Map(edition.accounts.map((account) => [account, {} as KubeObject])),
    rights: [{ ...RIGHT, isGranted: true }],
    deployment: deployment && { ...deployment, status: AVAILABLE },
  };
}

const linesOf = (change: Partial<Installed>) =>
  installFindings(editions.spoke, { ...healthy('spoke'), ...change }).map(
    ({ reason, path, message, nextStep }) => `${reason} ${path}: ${message} ${nextStep}`,
  );
const labelled = (level: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'openshift-kmm', labels: { 'pod-security.kubernetes.io/enforce': level } },
});

it.each(EDITIONS)('finds nothing where %s is installed as it is printed', (name) => {
  expect(installFindings(editions[name], healthy(name))).toEqual([]);
});

describe('on a cluster', () => {
  const [definition] = healthy('spoke').definitions;
  const wanted = definition?.wanted as KubeObject;
  const older = { ...wanted, spec: { ...(wanted['spec'] as object), scope: 'Cluster' } };
  const kmm = (value: string) => ({
    spec: { template: { spec: { containers: [{ env: [{ name: 'KMM_MANAGED', value }] }] } } },
  });

  it.each<[string, Partial<Installed>, readonly (string | RegExp)[]]>([
    [
      'without its kinds',
      { definitions: [{ wanted, found: undefined }] },
      [/^KindMissing CustomResourceDefinition\/modules/],
    ],
    [
      'with kinds of another version',
      { definitions: [{ wanted, found: older }] },
      [/^KindDiffers .*its version/],
    ],
    [
      'that is in no fleet',
      { fleetKinds: new Map([['clusterclaims.x', undefined]]) },
      [/^FleetKindMissing CustomResourceDefinition\/clusterclaims\.x: .*let a cluster join/],
    ],
    [
      'without the namespace, which says it all',
      { namespace: undefined, accounts: new Map([['a', undefined]]), deployment: undefined },
      [/^NamespaceMissing Namespace\/openshift-kmm/],
    ],
    [
      'whose namespace refuses privileged pods',
      { namespace: labelled('restricted') },
      [/^NamespaceRestricted .*is restricted\. kubectl label --overwrite namespace openshift-kmm pod-sec/],
    ],
    [
      'without an account',
      { accounts: new Map([['a', undefined]]) },
      [/^AccountMissing ServiceAccount\/openshift-kmm\/a/],
    ],
    [
      'where an account lacks rights',
      { rights: ['a', 'b', 'c', 'd', 'e'].map((what) => ({ ...RIGHT, what, isGranted: false })) },
      [/^RightsMissing ServiceAccount\/openshift-kmm\/kmm: It may not a, b, c, and 2 more\./],
    ],
    ['where nobody could ask', { rights: [{ ...RIGHT, isGranted: undefined }] }, [/^RightsUnknown/]],
    [
      'without the Deployment',
      { deployment: undefined },
      [/^DeploymentMissing Deployment\/openshift-kmm\/kmm-operator-/],
    ],
    [
      'with that of another edition',
      { deployment: { ...healthy('cluster').deployment } as KubeObject },
      [/^EditionDiffers/],
    ],
    [
      'whose pods are not ready',
      { deployment: { ...healthy('spoke').deployment, status: {} } as KubeObject },
      [/^DeploymentUnavailable .*kubectl describe pods -n openshift-kmm$/],
    ],
  ])('%s', (_, change, expected) => {
    const lines = linesOf(change);

    expect(lines.length).toBe(expected.length);
    for (const [index, words] of expected.entries()) expect(lines[index]).toMatch(words);
  });

  it('lets a namespace without a level be: the cluster decides, and mostly allows', () => {
    const { labels: _, ...metadata } = labelled('').metadata;
    expect(linesOf({ namespace: { ...labelled(''), metadata } })).toEqual([]);
  });

  it.each([
    ['1', true],
    ['True', true],
    ['0', false],
    ['', false],
  ])('is managed when KMM_MANAGED is %j: %s', (value, is) => {
    expect(isManaged(kmm(value) as unknown as KubeObject)).toBe(is);
  });
});
