import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, CORE, isAppError, listAll } from '@kmm-fleet/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  BUILD_NAMESPACE,
  type BuildCluster,
  JOB_SETTINGS,
  leaveBuild,
  startJobCluster,
} from '../testing/build-cluster.ts';
import { createFakeBuilder } from '../testing/fake-builder.ts';
import type { RunPod } from '../testing/job-runner.ts';
import { ACCESS, ADDRESS, memoryTarget } from '../testing/memory-target.ts';
import { runFakePod } from '../testing/run-fake-pod.ts';
import { IMAGE_ANNOTATION } from './build-inputs.ts';
import { describeBuilder } from './builder.contract.ts';
import { type BuildRequest, buildLog, buildLogCommand } from './builder.ts';
import { createJobBuilder } from './job-builder.ts';
import { planBuildJob } from './plan-build-job.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const AS_TEST = { fieldManager: 'test' };
const folders: string[] = [];
const clusters: BuildCluster[] = [];

afterEach(async () => {
  for (const { runner } of clusters.splice(0)) await runner.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function builderIn({ client }: BuildCluster, directory: string) {
  return createJobBuilder({ ...JOB_SETTINGS, client, directory, lookMs: 5 });
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-jobs-'));
  return folder;
}

describeBuilder('a Job on a cluster', async () => {
  const target = memoryTarget();
  const cluster = startJobCluster(runFakePod(createFakeBuilder(target.registry)));
  const folder = makeFolder();
  return {
    ...target,
    builder: builderIn(cluster, folder),
    whenSleeping: async () => {
      await vi.waitUntil(() => cluster.runner.running > 0);
    },
    async close() {
      const { client, runner } = cluster;
      for (const type of [CORE.job, CORE.secret, CORE.pod])
        await vi.waitUntil(async () => (await listAll(client, type)).length === 0);
      await runner.stop();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('a build in a Job', () => {
  const request: BuildRequest = {
    dockerfile: 'FROM scratch\n',
    buildArgs: {},
    secrets: [],
    target: `${ADDRESS}/team/kmod:1`,
    labels: {},
    baseAccess: ACCESS,
    targetAccess: ACCESS,
  };
  const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

  function world(run: RunPod) {
    const cluster = startJobCluster(run);
    const folder = makeFolder();
    clusters.push(cluster);
    folders.push(folder);
    return { ...cluster, folder, builder: builderIn(cluster, folder) };
  }
  const gives = (...ends: { exitCode: number; output: string; message?: string }[]): RunPod =>
    async function* run() {
      yield* ends;
    };

  /** Runs that go on until told: each is counted when it begins. */
  function heldRuns() {
    const runs = { began: 0, finish: () => {} };
    const finished = new Promise<void>((resolve) => {
      runs.finish = resolve;
    });
    const run: RunPod = async function* run(_pod, signal) {
      runs.began += 1;
      await Promise.race([finished, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      yield { exitCode: 0, output: 'COMMIT\n' };
      yield { exitCode: 0, output: '', message: DIGEST };
    };
    return { runs, run };
  }
  /** A builder like another one, and whether it has found or made its Job. */
  function nextBuilder({ client, runner, folder }: ReturnType<typeof world>) {
    const next = { hasJob: false };
    const apply: typeof client.apply = (...args) => {
      next.hasJob = true;
      return client.apply(...args);
    };
    return { next, builder: builderIn({ client: { ...client, apply }, runner }, folder) };
  }

  it.each([
    ['is killed', new AppError('API_UNREACHABLE', 'gone')],
    ['stops', new Error('the operator stops')],
  ])(
    'that goes on when its operator %s is found by the next one, and not begun anew',
    async (_how, reason) => {
      const { runs, run } = heldRuns();
      const cluster = world(run);
      const { client, runner, folder } = cluster;
      const stop = new AbortController();
      const dies = { ...client, get: () => Promise.reject(reason) };
      const first = failureOf(
        builderIn({ client: isAppError(reason) ? dies : client, runner }, folder).build(request, stop.signal),
      );
      await expect.poll(() => runs.began).toBe(1);
      if (!isAppError(reason)) stop.abort(reason);
      expect(await first).toBe(reason);

      const { next, builder } = nextBuilder(cluster);
      const building = builder.build(request);
      await expect.poll(() => next.hasJob).toBe(true);
      runs.finish();

      expect(await building).toEqual({ digest: DIGEST, log: 'COMMIT\n' });
      expect(runs.began).toBe(1);
      expect(await listAll(client, CORE.job)).toEqual([]);
    },
  );

  const stopped = new Error('the operator stops');

  it('of other inputs ends the one that makes the same image: it would push over it', async () => {
    const { runs, run } = heldRuns();
    const { client, builder } = world(run);
    const stop = new AbortController();
    const first = failureOf(builder.build(request, stop.signal));
    await expect.poll(() => runs.began).toBe(1);
    stop.abort(stopped);
    await first;

    const building = builder.build({ ...request, dockerfile: 'FROM scratch\nENV A=1\n' });
    await expect.poll(() => runs.began).toBe(2);
    expect(await listAll(client, CORE.job)).toHaveLength(1);
    runs.finish();
    expect(await building).toMatchObject({ digest: DIGEST });
  });

  it('ends Jobs of earlier versions, which named those of one image otherwise, before it begins', async () => {
    const { runs, run } = heldRuns();
    const { client, builder } = world(run);
    const other = { ...request, target: `${ADDRESS}/team/kmod:2` };
    for (const [index, one] of [request, other].entries())
      await leaveBuild(client, CORE.job, planBuildJob(`kmm-build-${index}`, one, JOB_SETTINGS));
    await expect.poll(() => runs.began).toBe(2);

    const building = builder.build(request);
    await expect.poll(() => runs.began).toBe(3);
    const images = (await listAll(client, CORE.job)).map(
      ({ metadata }) => metadata.annotations?.[IMAGE_ANNOTATION],
    );
    runs.finish();

    expect(new Set(images)).toEqual(new Set([request.target, other.target]));
    expect(images).toHaveLength(2);
    expect(await building).toMatchObject({ digest: DIGEST });
    expect((await listAll(client, CORE.job)).map(({ metadata }) => metadata.name)).toEqual(['kmm-build-1']);
  });

  it('whose Job is being deleted begins when that one is gone', async () => {
    const { runs, run } = heldRuns();
    const { client, builder } = world(run);
    const stop = new AbortController();
    const first = failureOf(builder.build(request, stop.signal));
    await expect.poll(() => runs.began).toBe(1);
    stop.abort(stopped);
    await first;
    const [job] = await listAll(client, CORE.job);
    const name = { namespace: BUILD_NAMESPACE, name: job?.metadata.name ?? '' };
    await client.mergePatch(CORE.job, name, { metadata: { finalizers: ['test/hold'] } }, AS_TEST);
    await client.delete(CORE.job, name);

    const building = builder.build(request);
    runs.finish();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(runs.began).toBe(1);
    await client.mergePatch(CORE.job, name, { metadata: { finalizers: null } }, AS_TEST);

    expect(await building).toMatchObject({ digest: DIGEST });
    expect(runs.began).toBe(2);
  });

  it.each([
    ['failed', [{ exitCode: 2, output: 'make: no rule\n' }]],
    [
      'ended well',
      [
        { exitCode: 0, output: '' },
        { exitCode: 0, output: '', message: `sha256:${'0'.repeat(64)}` },
      ],
    ],
  ])('is not taken for done because an earlier Job of it that %s is still there', async (_how, earlier) => {
    let began = 0;
    const { client, builder, runner, folder } = world(async function* run() {
      began += 1;
      if (began === 1) yield* earlier;
      else {
        yield { exitCode: 0, output: '' };
        yield { exitCode: 0, output: '', message: DIGEST };
      }
    });
    const dies = { ...client, get: () => Promise.reject(new AppError('API_UNREACHABLE', 'gone')) };
    await failureOf(builderIn({ client: dies, runner }, folder).build(request));
    await expect.poll(async () => (await listAll(client, CORE.pod))[0]?.['status']).toBeTruthy();

    expect(await builder.build(request)).toMatchObject({ digest: DIGEST });
    expect(began).toBe(2);
  });

  it('names the log of its Job while it runs', async () => {
    const { runs, run } = heldRuns();
    const { client, builder } = world(run);
    const building = builder.build(request);
    await expect.poll(() => runs.began).toBe(1);
    const [job] = await listAll(client, CORE.job);

    expect(builder.logCommand?.(request.target)).toBe(
      `kubectl -n ${BUILD_NAMESPACE} logs -f job/${job?.metadata.name} --all-containers`,
    );
    runs.finish();
    await building;
  });

  it('has its whole log in a file of the operator, without what the Job was', async () => {
    const { builder, client } = world(gives({ exitCode: 2, output: 'make: no rule\nError: building\n' }));

    const error = await failureOf(builder.build(request));

    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: 'The build failed: Error: building' });
    const [, file = ''] = buildLogCommand(error).split(' ');
    expect(readFileSync(file, 'utf8')).toContain('make: no rule');
    expect(await listAll(client, CORE.job)).toEqual([]);
  });

  it('that takes too long tells how far it had come', async () => {
    const { builder, client, runner } = world(async function* run(_pod, signal) {
      yield { exitCode: 0, output: 'STEP 2: make\n' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const stop = new AbortController();
    const building = failureOf(builder.build(request, stop.signal));
    await expect.poll(() => runner.logged).toBe(1);

    stop.abort(new AppError('BUILD_TIMED_OUT', 'Too long.'));

    const error = await building;
    expect(error).toMatchObject({ code: 'BUILD_TIMED_OUT', message: 'Too long.' });
    expect(buildLog(error)).toBe('STEP 2: make\n');
    await expect.poll(() => listAll(client, CORE.secret)).toEqual([]);
  });

  it('whose Job somebody deletes fails', async () => {
    const { builder, client, runner } = world(async function* run(_pod, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield { exitCode: 137, output: '' };
    });
    const building = failureOf(builder.build(request));
    await expect.poll(() => runner.running).toBe(1);
    const [job] = await listAll(client, CORE.job);
    await client.delete(CORE.job, { namespace: BUILD_NAMESPACE, name: job?.metadata.name ?? '' });

    expect(await building).toMatchObject({ code: 'BUILD_FAILED', message: /was deleted while it built/ });
  });

  it('of more than a Secret may hold is refused before a Job is made', async () => {
    const { builder, client } = world(gives());
    const secrets = [{ name: 'large', files: { file: Buffer.alloc(1024 * 1024) } }];

    expect(await failureOf(builder.build({ ...request, secrets }))).toMatchObject({ code: 'BUILD_FAILED' });
    expect(await listAll(client, CORE.job)).toEqual([]);
  });
});
