import { expect, it } from 'vitest';
import type { BuildRequest } from './builder.ts';
import type { ClusterBuildSettings } from './cluster-build.ts';
import { planOpenshiftBuild } from './plan-openshift-build.ts';

const settings: ClusterBuildSettings = {
  namespace: 'openshift-kmm-hub',
  bytesMax: 1024,
  minutesMax: 2,
  resources: { requests: undefined, limits: undefined },
};
const dockerConfig = JSON.stringify({
  auths: { 'registry.test': { username: 'kmm', password: 's3cret' } },
});
const request: BuildRequest = {
  dockerfile: 'FROM registry.test/base:1\n',
  buildArgs: { KERNEL_FULL_VERSION: '5.14.0-1.el9.x86_64+rt', MOD_NAME: 'kmod', EMPTY: '' },
  secrets: [
    { name: 'login', files: { token: Buffer.from('t0ken'), 'other.key': Buffer.from('k3y') } },
    { name: 'log', files: { in: Buffer.from('x') } },
  ],
  target: 'registry.test/team/kmod:1',
  labels: { hash: 'x=y' },
  baseAccess: { dockerConfig },
  targetAccess: {},
};
const plan = (changes: Partial<BuildRequest> = {}, more: Partial<ClusterBuildSettings> = {}) =>
  planOpenshiftBuild('kmm-build-1', { ...request, ...changes }, { ...settings, ...more });
const specOf = (...args: Parameters<typeof plan>) => plan(...args).object['spec'] as Record<string, unknown>;

it('is a Build of strategy Docker with an inline Dockerfile, run as the account that OpenShift makes', () => {
  const { object } = plan();

  expect(object).toMatchObject({
    apiVersion: 'build.openshift.io/v1',
    kind: 'Build',
    metadata: { name: 'kmm-build-1', namespace: 'openshift-kmm-hub' },
    spec: {
      serviceAccount: 'builder',
      source: { type: 'Dockerfile', dockerfile: request.dockerfile },
      strategy: {
        type: 'Docker',
        dockerStrategy: {
          forcePull: true,
          buildArgs: [
            { name: 'KERNEL_FULL_VERSION', value: '5.14.0-1.el9.x86_64+rt' },
            { name: 'MOD_NAME', value: 'kmod' },
            { name: 'EMPTY', value: '' },
          ],
        },
      },
      output: {
        to: { kind: 'DockerImage', name: request.target },
        imageLabels: [{ name: 'hash', value: 'x=y' }],
      },
      completionDeadlineSeconds: 120,
      mountTrustedCA: true,
    },
  });
});

it('bears the labels of upstream, with values that labels may have', () => {
  expect(plan().object.metadata.labels).toMatchObject({
    'kmm.openshift.io/build.type': 'build',
    'kmm.node.kubernetes.io/module.name': 'kmod',
    'kmm.node.kubernetes.io/target-kernel': '5.14.0-1.el9.x86_64_rt',
  });
  const { labels = {} } = plan({ buildArgs: { MOD_NAME: 'a'.repeat(62) + '.b', KERNEL_FULL_VERSION: '+' } })
    .object.metadata;
  for (const value of Object.values(labels))
    expect(value).toMatch(/^([a-zA-Z0-9]([\w.-]{0,61}[a-zA-Z0-9])?)?$/);
});

it('mounts each secret where upstream does, from a copy of what was hashed', () => {
  const { secrets } = plan();
  const [inputs] = secrets;
  const data = inputs?.['data'] as Record<string, string>;
  const { volumes } = (specOf()['strategy'] as { dockerStrategy: { volumes: Volume[] } }).dockerStrategy;
  const mounted = volumes.map(({ source, mounts }) => [
    mounts[0]?.destinationPath,
    Object.fromEntries(
      source.secret.items.map(({ key, path }) => [path, Buffer.from(data[key] ?? '', 'base64').toString()]),
    ),
  ]);

  expect(Object.fromEntries(mounted)).toEqual({
    '/run/secrets/login': { token: 't0ken', 'other.key': 'k3y' },
    '/run/secrets/log': { in: 'x' },
  });
  expect(volumes.map(({ source }) => source.secret.secretName)).toEqual(['kmm-build-1', 'kmm-build-1']);
});

interface Volume {
  readonly source: {
    readonly secret: {
      readonly secretName: string;
      readonly items: readonly { key: string; path: string }[];
    };
  };
  readonly mounts: readonly { readonly destinationPath: string }[];
}

it('names a Secret with a login for bases and for the target, each only where there is one', () => {
  const named = (changes: Partial<BuildRequest>) => {
    const { strategy, output } = specOf({ secrets: [], ...changes }) as {
      strategy: { dockerStrategy: { pullSecret?: { name: string } } };
      output: { pushSecret?: { name: string } };
    };
    const made = plan({ secrets: [], ...changes }).secrets;
    expect(made.every((secret) => secret['type'] === 'kubernetes.io/dockerconfigjson')).toBe(true);
    return [
      strategy.dockerStrategy.pullSecret?.name,
      output.pushSecret?.name,
      made.map(({ metadata }) => metadata.name),
    ];
  };

  expect(named({})).toEqual(['kmm-build-1-pull', undefined, ['kmm-build-1-pull']]);
  expect(named({ baseAccess: {}, targetAccess: { dockerConfig } })).toEqual([
    undefined,
    'kmm-build-1-push',
    ['kmm-build-1-push'],
  ]);
  expect(named({ baseAccess: {} })).toEqual([undefined, undefined, []]);
});

it('bounds the disk as far as a pod can, beside what the site says', () => {
  const limits = { memory: '2Gi' };

  expect(specOf({}, { resources: { requests: { cpu: '1' }, limits } })['resources']).toEqual({
    requests: { cpu: '1' },
    limits: { memory: '2Gi', 'ephemeral-storage': '1024' },
  });
  expect(specOf({ nodeSelector: { builds: 'yes' } })['nodeSelector']).toEqual({
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    builds: 'yes',
  });
});

it('shows nothing of a login or a secret in the Build', () => {
  const text = JSON.stringify(plan({ targetAccess: { dockerConfig } }).object);

  for (const secret of ['s3cret', 't0ken', 'kmm:s3cret'])
    for (const form of [secret, Buffer.from(secret).toString('base64')]) expect(text).not.toContain(form);
});
