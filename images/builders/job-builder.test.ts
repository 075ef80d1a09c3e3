import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, CORE, listAll } from '@kmm-fleet/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  BUILD_NAMESPACE,
  type BuildCluster,
  JOB_SETTINGS,
  startJobCluster,
} from '../testing/build-cluster.ts';
import { createFakeBuilder } from '../testing/fake-builder.ts';
import type { RunPod } from '../testing/job-runner.ts';
import { ACCESS, ADDRESS, memoryTarget } from '../testing/memory-target.ts';
import { runFakePod } from '../testing/run-fake-pod.ts';
import { describeBuilder } from './builder.contract.ts';
import { type BuildRequest, buildLog, buildLogCommand } from './builder.ts';
import { createJobBuilder } from './job-builder.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
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

  it('that an operator began before it was killed is found by the next one, and not begun anew', async () => {
    let began = 0;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { client, builder, runner, folder } = world(async function* run() {
      began += 1;
      await finished;
      yield { exitCode: 0, output: 'COMMIT\n' };
      yield { exitCode: 0, output: '', message: DIGEST };
    });
    const dies = { ...client, get: () => Promise.reject(new AppError('API_UNREACHABLE', 'gone')) };
    const first = failureOf(builderIn({ client: dies, runner }, folder).build(request));
    expect(await first).toMatchObject({ code: 'API_UNREACHABLE' });
    await expect.poll(() => began).toBe(1);

    const building = builder.build(request);
    finish();

    expect(await building).toEqual({ digest: DIGEST, log: 'COMMIT\n' });
    expect(began).toBe(1);
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
