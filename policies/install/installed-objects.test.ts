import { BUILDERS } from '@kmm-fleet/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monitoringObjects } from '../monitoring/monitoring-objects.ts';
import { withOptions } from './edition-options.ts';
import { EDITIONS, editions } from './editions.ts';
import { installedKey, installedObjects, type Purpose } from './installed-objects.ts';
import { operatorObjects } from './operator-objects.ts';
import { CERTIFICATES } from './webhook-names.ts';

const keysOf = (purpose: Purpose, name: (typeof EDITIONS)[number]) =>
  installedObjects(editions[name])
    .filter((object) => object.purpose === purpose)
    .map(installedKey);

describe('what an operator may have on its cluster', () => {
  it('has everything that kmm install prints, whatever options it is given, once', () => {
    const options = fc.record({
      builder: fc.constantFrom(...BUILDERS),
      guardsNamespaces: fc.boolean(),
      certificates: fc.option(fc.constantFrom(...CERTIFICATES), { nil: undefined }),
    });
    const keysOfEdition = new Map(
      EDITIONS.map((name) => [name, installedObjects(editions[name]).map(installedKey)]),
    );
    fc.assert(
      fc.property(fc.constantFrom(...EDITIONS), options, (name, chosen) => {
        const edition = withOptions(editions[name], {
          ...chosen,
          guardsNamespaces: chosen.guardsNamespaces && name !== 'hub',
        });
        const objects = [
          ...operatorObjects(edition, { operator: 'i', mustGather: 'i' }),
          ...monitoringObjects(edition),
        ];
        const printed = objects.map(
          ({ kind, metadata }) =>
            `${kind}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`,
        );
        const keys = keysOfEdition.get(name) ?? [];

        expect(keys).toEqual(expect.arrayContaining(printed));
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('tells what modules need that run on without a spoke: accounts, the SCC, and who takes Modules away', () => {
    expect(keysOf('modules', 'spoke').filter((key) => !key.startsWith('ClusterClaim/'))).toEqual([
      'ServiceAccount/openshift-kmm/kmm-operator-module-loader',
      'ServiceAccount/openshift-kmm/kmm-operator-device-plugin',
      'ClusterRole/kmm-module-manager',
      'ClusterRoleBinding/klusterlet-kmm',
      'Role/openshift-kmm/kmm-privileged',
      'RoleBinding/openshift-kmm/kmm-privileged',
      'Secret/openshift-kmm/kmm-inputs-key',
    ]);
    expect(keysOf('modules', 'hub')).toEqual(['Secret/openshift-kmm-hub/kmm-inputs-key']);
  });

  it('tells what goes with the operator, whatever was added to it', () => {
    expect(keysOf('operator', 'hub')).toEqual(
      expect.arrayContaining([
        'Deployment/openshift-kmm-hub/kmm-operator-hub-controller-manager',
        'ClusterRole/kmm-operator-hub-controller',
        'ValidatingWebhookConfiguration/kmm-operator-hub-webhook',
        'Certificate/openshift-kmm-hub/kmm-operator-hub-webhook',
        'ServiceAccount/openshift-kmm-hub/kmm-operator-builder',
        'Lease/openshift-kmm-hub/kmm-hub.sigs.x-k8s.io',
        'ServiceMonitor/openshift-kmm-hub/kmm-operator-hub-controller-metrics',
      ]),
    );
    expect(keysOf('operator', 'cluster')).toContain('ValidatingAdmissionPolicy/kmm-namespaces-with-modules');
  });

  it('is in the namespace where the operator is', () => {
    const moved = installedObjects(editions.spoke, 'drivers').map(installedKey);

    expect(moved).toContain('Namespace/drivers');
    expect(moved).toContain('Deployment/drivers/kmm-operator-controller-manager');
    expect(moved.filter((key) => key.includes('openshift-kmm'))).toEqual([]);
  });
});
