import { BUILDAH_SECURITY } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import type { BuildRequest } from './builder.ts';
import { type JobSettings, planBuildJob } from './plan-build-job.ts';

const settings: JobSettings = {
  namespace: 'openshift-kmm-hub',
  image: 'registry.test/buildah@sha256:1',
  account: 'kmm-operator-builder',
  bytesMax: 1024,
  minutesMax: 2,
  tolerations: [],
  resources: { requests: undefined, limits: undefined },
};
const request: BuildRequest = {
  dockerfile: 'FROM registry.test/base:1\n',
  buildArgs: { KERNEL_FULL_VERSION: '6.1.0-1' },
  secrets: [{ name: 'login', files: { token: Buffer.from('t0ken') } }],
  target: 'registry.test/team/kmod:1',
  labels: { hash: 'x' },
  baseAccess: {},
  targetAccess: {},
};

interface Pod {
  readonly nodeSelector: object;
  readonly tolerations?: object;
  readonly automountServiceAccountToken: boolean;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    name: string;
    emptyDir?: object;
    secret?: { items: { key: string; path: string }[] };
  }[];
}
interface Container {
  readonly command: readonly string[];
  readonly resources: object;
  readonly securityContext: { readonly privileged?: boolean; readonly readOnlyRootFilesystem: boolean };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

function plan(changes: Partial<BuildRequest> = {}, more: Partial<JobSettings> = {}) {
  const { object: job, secrets } = planBuildJob(
    'kmm-build-1',
    { ...request, ...changes },
    { ...settings, ...more },
  );
  const spec = job['spec'] as { template: { spec: Pod } };
  const pod = spec.template.spec;
  const data = secrets[0]?.['data'] as Record<string, string>;
  const items = pod.volumes.find(({ secret }) => secret)?.secret?.items ?? [];
  const files = items.map(({ key, path }) => [path, Buffer.from(data[key] ?? '', 'base64').toString()]);
  const [build, push] = [...pod.initContainers, ...pod.containers];
  return { spec, pod, build, push, files: Object.fromEntries(files) as Record<string, string> };
}

it('mounts the Dockerfile, the logins, the authorities and each file of each secret', () => {
  expect(plan({}, { ca: 'PEM' }).files).toEqual({
    dockerfile: request.dockerfile,
    'base-auth.json': '{"auths":{}}',
    'target-auth.json': '{"auths":{}}',
    'certs/ca.crt': 'PEM',
    'secrets/login/token': 't0ken',
  });
});

it('builds in one container and pushes in the next, whose digest comes back by the termination log', () => {
  const { build, push } = plan();

  expect(build?.command.slice(0, 6).join(' ')).toBe(
    'buildah --root /var/lib/kmm/storage --runroot /var/lib/kmm/run bud',
  );
  expect(build?.command).toContain('/kmm/inputs/secrets/login:/run/secrets/login:ro');
  expect(build?.command).toContain('KERNEL_FULL_VERSION=6.1.0-1');
  expect(push?.command.slice(5)).toEqual([
    'push',
    '--authfile=/kmm/inputs/target-auth.json',
    '--digestfile=/dev/termination-log',
    'registry.test/team/kmod:1',
  ]);
});

it.each([
  ['for bases', { baseAccess: { insecure: true } }, true, false],
  ['for the target', { targetAccess: { insecureSkipTLSVerify: true } }, false, true],
  ['for none', {}, false, false],
])('leaves certificates unchecked %s only', (_what, changes, builds, pushes) => {
  const { build, push } = plan(changes);

  expect(build?.command.includes('--tls-verify=false')).toBe(builds);
  expect(push?.command.includes('--tls-verify=false')).toBe(pushes);
});

it('runs on nodes of the selector of the build, of the architecture that modules are signed for', () => {
  const tolerations = [{ key: 'builds', operator: 'Exists' as const }];
  const { pod } = plan({ nodeSelector: { builds: 'yes' } }, { tolerations });

  expect(pod.nodeSelector).toEqual({
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    builds: 'yes',
  });
  expect(pod.tolerations).toEqual(tolerations);
});

it('asks for no more than buildah needs, and gives steps no token', () => {
  const { pod, build, push, spec } = plan({}, { resources: { requests: { cpu: '1' }, limits: undefined } });

  for (const container of [build, push]) {
    expect(container?.securityContext).toBe(BUILDAH_SECURITY);
    expect(container?.resources).toEqual({ requests: { cpu: '1' } });
  }
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(pod.volumes).toContainEqual({ name: 'builds', emptyDir: { sizeLimit: '1024' } });
  expect(spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 120 });
});

it('lets buildah write where it does, though the file system of its image is read-only', () => {
  const { pod, build, push } = plan();
  const empty = pod.volumes.filter(({ emptyDir }) => emptyDir).map(({ name }) => name);

  for (const container of [build, push]) {
    const written = container?.volumeMounts.filter(({ name }) => empty.includes(name));
    expect(written?.map(({ mountPath }) => mountPath)).toEqual(
      expect.arrayContaining(['/var/lib/kmm', '/tmp', '/run']),
    );
  }
});

it('shows nothing of a login or a secret in the Job', () => {
  const dockerConfig = JSON.stringify({
    auths: { 'registry.test': { username: 'kmm', password: 's3cret' } },
  });
  const { object: job } = planBuildJob(
    'kmm-build-1',
    { ...request, targetAccess: { dockerConfig } },
    settings,
  );
  const text = JSON.stringify(job);

  for (const secret of [
    's3cret',
    't0ken',
    Buffer.from('t0ken').toString('base64'),
    Buffer.from('kmm:s3cret').toString('base64'),
  ])
    expect(text).not.toContain(secret);
});
