import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import { createApiServer } from '@kmm-fleet/lab';
import { AppError, CORE, createKubeClient, createRandom, listAll, systemClock } from '@kmm-fleet/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  BUILD_NAMESPACE,
  BUILD_SETTINGS,
  type BuildCluster,
  leaveBuild,
  startOpenshift,
} from '../testing/build-cluster.ts';
import { createFakeBuilder } from '../testing/fake-builder.ts';
import { ACCESS, ADDRESS, memoryTarget } from '../testing/memory-target.ts';
import { describeBuilder } from './builder.contract.ts';
import { type Builder, type BuildRequest, buildLog, buildLogCommand } from './builder.ts';
import { createOpenshiftBuilder, type OpenshiftBuilderOptions } from './openshift-builder.ts';
import { planOpenshiftBuild } from './plan-openshift-build.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const folders: string[] = [];
const clusters: BuildCluster[] = [];

afterEach(async () => {
  for (const { runner } of clusters.splice(0)) await runner.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const makeFolder = () => mkdtempSync(join(tmpdir(), 'kmm-builds-'));

const builderIn = (
  { client }: Pick<BuildCluster, 'client'>,
  directory: string,
  registry: OpenshiftBuilderOptions['registry'],
) => createOpenshiftBuilder({ ...BUILD_SETTINGS, client, registry, directory, lookMs: 5 });

describeBuilder(
  'a Build of OpenShift',
  async () => {
    const target = memoryTarget();
    const cluster = startOpenshift(createFakeBuilder(target.registry));
    const folder = makeFolder();
    return {
      ...target,
      builder: builderIn(cluster, folder, target.registry),
      whenSleeping: async () => {
        await vi.waitUntil(() => cluster.runner.running > 0);
      },
      async close() {
        const { client, runner } = cluster;
        for (const type of [RESOURCES.build, CORE.secret])
          await vi.waitUntil(async () => (await listAll(client, type)).length === 0);
        await runner.stop();
        rmSync(folder, { recursive: true });
      },
    };
  },
  { stamps: true },
);

describe('a build in a Build', () => {
  const request: BuildRequest = {
    dockerfile: 'FROM scratch\n',
    buildArgs: { MOD_NAME: 'kmod', KERNEL_FULL_VERSION: '5.14.0', EMPTY: '' },
    secrets: [{ name: 'login', files: { token: Buffer.from('t0ken') } }],
    target: `${ADDRESS}/team/kmod:1`,
    labels: { a: 'b' },
    baseAccess: ACCESS,
    targetAccess: ACCESS,
  };
  const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
  const noRegistry = { resolve: () => Promise.resolve(undefined) };

  function world(build: Builder['build'], registry: OpenshiftBuilderOptions['registry'] = noRegistry) {
    const cluster = startOpenshift({ build });
    const folder = makeFolder();
    clusters.push(cluster);
    folders.push(folder);
    return { ...cluster, folder, builder: builderIn(cluster, folder, registry) };
  }
  const gives = (digest: string) => () => Promise.resolve({ digest, log: 'COMMIT\n' });
  const never: Builder['build'] = (_request, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

  it('has only fields that the API of OpenShift knows: nothing of it is dropped', async () => {
    const { client } = world(never);
    const resources = { requests: { cpu: '1' }, limits: undefined };
    const { object } = planOpenshiftBuild('kmm-build-1', request, { ...BUILD_SETTINGS, resources });

    const stored = await client.create(RESOURCES.build, object);

    expect(stored['spec']).toEqual(object['spec']);
    expect(
      (
        await client.create(RESOURCES.build, {
          ...object,
          metadata: { ...object.metadata, name: 'other' },
          spec: { ...(object['spec'] as object), unknown: 1 },
        })
      )['spec'],
    ).toEqual(object['spec']);
  });

  it('that an operator began before it was killed is found by the next one, and not begun anew', async () => {
    let began = 0;
    const finish = Promise.withResolvers<void>();
    const { client, folder } = world(async () => {
      began += 1;
      await finish.promise;
      return { digest: DIGEST, log: 'COMMIT\n' };
    });
    const dies = { ...client, get: () => Promise.reject(new AppError('API_UNREACHABLE', 'gone')) };
    const first = failureOf(builderIn({ client: dies }, folder, noRegistry).build(request));
    expect(await first).toMatchObject({ code: 'API_UNREACHABLE' });
    await expect.poll(() => began).toBe(1);

    let hasBuild = false;
    const apply: typeof client.apply = (...args) => {
      hasBuild = true;
      return client.apply(...args);
    };
    const building = builderIn({ client: { ...client, apply } }, folder, noRegistry).build(request);
    await expect.poll(() => hasBuild).toBe(true);
    finish.resolve();

    expect(await building).toEqual({ digest: DIGEST, log: 'COMMIT\n' });
    expect(began).toBe(1);
  });

  it('ends Builds of earlier versions, which named those of one image otherwise, before it begins', async () => {
    let began = 0;
    const { client, builder } = world((_request, signal) => {
      began += 1;
      return began === 1 ? never(_request, signal) : Promise.resolve({ digest: DIGEST, log: '' });
    });
    await leaveBuild(client, RESOURCES.build, planOpenshiftBuild('kmm-build-0', request, BUILD_SETTINGS));
    await expect.poll(() => began).toBe(1);

    expect(await builder.build(request)).toMatchObject({ digest: DIGEST });

    expect(await listAll(client, RESOURCES.build)).toEqual([]);
  });

  it('whose registry told no digest has the one that the registry tells now', async () => {
    const { builder } = world(gives(''), { resolve: () => Promise.resolve(DIGEST) });
    expect(await builder.build(request)).toMatchObject({ digest: DIGEST });

    const { builder: other, client } = world(gives(''));
    expect(await failureOf(other.build(request))).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(await listAll(client, RESOURCES.build), 'the next try does not find it again').toEqual([]);
  });

  it('has its whole log in a file of the operator, without what the Build was', async () => {
    const cause = { log: 'make: no rule\nError: building at STEP "RUN make"\n' };
    const { builder, client } = world(() => Promise.reject(new AppError('BUILD_FAILED', 'x', { cause })));

    const error = await failureOf(builder.build(request));

    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: /^The build failed: Error: building/ });
    const [, file = ''] = buildLogCommand(error).split(' ');
    expect(readFileSync(file, 'utf8')).toContain('make: no rule');
    for (const type of [RESOURCES.build, CORE.secret])
      await expect.poll(() => listAll(client, type)).toEqual([]);
  });

  it('tells the snippet that OpenShift kept where the pod is gone', async () => {
    const { builder, client } = world(never);
    const building = failureOf(builder.build(request));
    await expect.poll(() => listAll(client, RESOURCES.build)).toHaveLength(1);
    const [build] = await listAll(client, RESOURCES.build);
    await expect
      .poll(async () => (await client.get(RESOURCES.build, nameOf(build)))?.['status'])
      .toEqual({ phase: 'Running' });
    const status = { phase: 'Failed', reason: 'DockerBuildFailed', logSnippet: 'error: exit status 3\n' };
    await client.mergePatch(RESOURCES.build, nameOf(build), { status }, {});

    const error = await building;
    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: 'The build failed: error: exit status 3' });
    expect(buildLog(error)).toBe('error: exit status 3\n');
  });

  const nameOf = (build: { metadata: { name: string } } | undefined) => ({
    namespace: BUILD_NAMESPACE,
    name: build?.metadata.name ?? '',
  });

  it('on a cluster that is no OpenShift is told so', async () => {
    const random = createRandom(1);
    const { transport } = createApiServer({ clock: systemClock, random, name: 'plain' });
    const client = createKubeClient({ transport, clock: systemClock, random, userAgent: 'builds' });
    const folder = makeFolder();
    folders.push(folder);

    expect(await failureOf(builderIn({ client }, folder, noRegistry).build(request))).toMatchObject({
      code: 'BUILDER_MISSING',
      message: /no builds\.build\.openshift\.io/,
    });
  });

  it('of a Dockerfile that is longer than a Build may hold is refused before one is made', async () => {
    const { builder, client } = world(never);
    const dockerfile = `FROM scratch\n${'#'.repeat(60_000)}\n`;

    expect(await failureOf(builder.build({ ...request, dockerfile }))).toMatchObject({
      code: 'BUILD_FAILED',
      message: /60014 bytes; a Build of OpenShift takes 60000/,
    });
    expect(await listAll(client, RESOURCES.build)).toEqual([]);
  });
});
