import { BUILDAH_SECURITY, type BuilderName } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { withBuilder } from './builders.ts';
import { EDITIONS, editions } from './editions.ts';
import { operatorObjects } from './operator-objects.ts';

const IMAGES = { operator: 'registry.example.com/kmm:1', mustGather: 'registry.example.com/gather:1' };

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly resources: {
    readonly requests: { readonly memory: string };
    readonly limits?: { readonly memory: string };
  };
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}
interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly [Container];
  readonly imagePullSecrets?: readonly object[];
}

const shown = ({ kind, metadata }: KubeObject) =>
  `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
const podOf = (objects: readonly KubeObject[]) =>
  (objects.at(-1) as unknown as { spec: { template: { spec: PodSpec } } }).spec.template.spec;
const envOf = (objects: readonly KubeObject[]) =>
  Object.fromEntries(podOf(objects).containers[0].env.map(({ name, value }) => [name, value]));

describe('what is installed', () => {
  it('of a hub carries the names of the documentation of KMM', () => {
    expect(operatorObjects(editions.hub, IMAGES).map(shown)).toEqual([
      'CustomResourceDefinition managedclustermodules.hub.kmm.sigs.x-k8s.io',
      'CustomResourceDefinition moduleimages.hub.kmm.sigs.x-k8s.io',
      'Namespace openshift-kmm-hub',
      'ServiceAccount openshift-kmm-hub/kmm-operator-hub-controller',
      'ClusterRole kmm-operator-hub-controller',
      'ClusterRoleBinding kmm-operator-hub-controller',
      'Role openshift-kmm-hub/kmm-operator-hub-controller',
      'RoleBinding openshift-kmm-hub/kmm-operator-hub-controller',
      'Role openshift-kmm-hub/kmm-privileged',
      'RoleBinding openshift-kmm-hub/kmm-privileged',
      'Deployment openshift-kmm-hub/kmm-operator-hub-controller-manager',
    ]);
  });

  it('of a spoke has accounts for its pods and the rights of the work agent', () => {
    const names = operatorObjects(editions.spoke, IMAGES).map(shown);

    expect(names).toContain('Namespace openshift-kmm');
    expect(names).toContain('ServiceAccount openshift-kmm/kmm-operator-module-loader');
    expect(names).toContain('ServiceAccount openshift-kmm/kmm-operator-device-plugin');
    expect(names).toContain('ClusterRole kmm-module-manager');
    expect(names).toContain('ClusterRoleBinding klusterlet-kmm');
    expect(names.at(-1)).toBe('Deployment openshift-kmm/kmm-operator-controller-manager');
  });

  it.each(EDITIONS)('of %s runs as the account that its rights are granted to', (name) => {
    const objects = operatorObjects(editions[name], IMAGES);
    const { namespace, accesses } = editions[name];
    const { serviceAccountName } = podOf(objects);

    expect(objects.map(shown)).toContain(`ServiceAccount ${namespace}/${serviceAccountName}`);
    expect(accesses[0]?.account).toEqual({ namespace, name: serviceAccountName });
  });

  it.each(EDITIONS)('of %s tells the image of must-gather where the documentation reads it', (name) => {
    const objects = operatorObjects(editions[name], IMAGES);
    const [{ name: container, image }] = podOf(objects).containers;

    expect({ container, image }).toEqual({ container: 'manager', image: IMAGES.operator });
    expect(envOf(objects)['RELATED_IMAGES_MUST_GATHER']).toBe(IMAGES.mustGather);
  });

  it('makes a light agent of a spoke only', () => {
    const managed = EDITIONS.map((name) => envOf(operatorObjects(editions[name], IMAGES))['KMM_MANAGED']);

    expect(Object.fromEntries(EDITIONS.map((name, index) => [name, managed[index]]))).toEqual({
      hub: undefined,
      spoke: '1',
      cluster: undefined,
    });
  });

  it('gives a spoke, which builds nothing, no privilege at all', () => {
    expect(podOf(operatorObjects(editions.spoke, IMAGES)).containers[0].securityContext).toEqual({
      runAsUser: 65_532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it.each(['hub', 'cluster'] as const)('gives a %s that builds what buildah needs, and no more', (name) => {
    const [{ securityContext, volumeMounts }] = podOf(operatorObjects(editions[name], IMAGES)).containers;

    expect(securityContext).toBe(BUILDAH_SECURITY);
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/tmp', '/run', '/var/lib/kmm']);
  });

  it.each(['hub', 'cluster'] as const)(
    'makes a %s that builds in Jobs an operator without privilege',
    (name) => {
      const edition = withBuilder(editions[name], 'job');
      const objects = operatorObjects(edition, { ...IMAGES, pullSecret: 'login' });
      const account = edition.accesses[0]?.account.name ?? '';
      const subjects = objects.filter(({ metadata }) => metadata.name === 'kmm-privileged').at(-1)?.[
        'subjects'
      ];

      expect(podOf(objects).containers[0].securityContext).toMatchObject({ runAsUser: 65_532 });
      expect(envOf(objects)).toMatchObject({
        KMM_BUILDER: 'job',
        KMM_BUILD_IMAGE: IMAGES.operator,
        KMM_BUILD_PULL_SECRET: 'login',
      });
      expect(objects.map(shown)).toContain(`ServiceAccount ${edition.namespace}/kmm-operator-builder`);
      expect(subjects).toContainEqual(expect.objectContaining({ name: 'kmm-operator-builder' }));
      expect(subjects).not.toContainEqual(expect.objectContaining({ name: account }));
      const role = objects.find((object) => shown(object) === `Role ${edition.namespace}/${account}`);
      expect(role?.['rules']).toContainEqual({
        apiGroups: ['batch'],
        resources: ['jobs'],
        verbs: ['create', 'get', 'list', 'delete'],
      });
    },
  );

  it.each(['hub', 'cluster'] as const)(
    'has OpenShift build for a %s, and gives nobody privilege for it',
    (name) => {
      const edition = withBuilder(editions[name], 'openshift');
      const objects = operatorObjects(edition, IMAGES);
      const account = edition.accesses[0]?.account.name ?? '';
      const role = objects.find((object) => shown(object) === `Role ${edition.namespace}/${account}`);
      const builds = { apiGroups: ['build.openshift.io'], resources: ['builds'] };

      expect(podOf(objects).containers[0].securityContext).toMatchObject({ runAsUser: 65_532 });
      expect(envOf(objects)['KMM_BUILDER']).toBe('openshift');
      expect(role?.['rules']).toContainEqual({ ...builds, verbs: ['create', 'get', 'list', 'delete'] });
      expect(role?.['rules']).toContainEqual({ ...builds, resources: ['builds/docker'], verbs: ['create'] });
      expect(JSON.stringify(objects)).not.toMatch(/SYS_ADMIN|"jobs"|kmm-operator-builder/);
      expect(edition.privileged).not.toContain(account);
    },
  );

  it('gives a hub for which others build no privilege, and no right to make Jobs', () => {
    const objects = operatorObjects(withBuilder(editions.hub, 'external'), IMAGES);

    expect(envOf(objects)['KMM_BUILDER']).toBe('external');
    expect(objects.map(shown)).not.toContain('RoleBinding openshift-kmm-hub/kmm-privileged');
    expect(JSON.stringify(objects)).not.toMatch(/SYS_ADMIN|"jobs"/);
  });

  it.each(['hub', 'cluster'] as const)(
    'asks for the memory of a %s wherever others build, and sets compilers beside it no limit',
    (name) => {
      const memoryWith = (builder: BuilderName) =>
        podOf(operatorObjects(withBuilder(editions[name], builder), IMAGES)).containers[0].resources;
      const { request, limit } = editions[name].memory;
      const own = { requests: { cpu: '10m', memory: request }, limits: { memory: limit } };

      expect(memoryWith('buildah')).toEqual({ requests: { cpu: '10m', memory: '256Mi' } });
      for (const builder of ['job', 'openshift', 'external'] as const)
        expect(memoryWith(builder)).toEqual(own);
      expect(limit).toBeDefined();
    },
  );

  it('names a pull secret only when it is told one', () => {
    const pull = (pullSecret?: string) =>
      podOf(operatorObjects(editions.hub, { ...IMAGES, pullSecret })).imagePullSecrets;

    expect(pull()).toBeUndefined();
    expect(pull('login')).toEqual([{ name: 'login' }]);
  });

  it.each(EDITIONS)('of %s can stand in templates of policies and add-ons', (name) => {
    expect(JSON.stringify(operatorObjects(editions[name], IMAGES))).not.toContain('{{');
  });
});
