import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@kmm-fleet/runtime';
import { afterEach, expect, it } from 'vitest';
import { playBuildah, playedRequest as request } from '../testing/play-buildah.ts';
import { createBuildah } from './buildah.ts';
import { buildLog, buildLogCommand, LOG_CHARS_MAX, readFileCommand } from './builder.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function world(commands: Parameters<typeof playBuildah>[1]) {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-buildah-'));
  folders.push(directory);
  const { program, calls } = playBuildah(directory, commands);
  const builder = createBuildah({ directory: join(directory, 'build'), program });
  return { builder, calls, logs: () => globSync(join(directory, 'build', 'logs', '*')), directory };
}

const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

it('does not start a build whose signal was aborted before', async () => {
  const { builder, calls } = world({});

  const reason = new Error('the hub ends');
  expect(await failureOf(builder.build(request, AbortSignal.abort(reason)))).toBe(reason);

  expect(calls()).toEqual([]);
  await builder.build(request);
  expect(calls()[0], 'the next build still clears away old containers').toBe('rm --all');
});

it('names the log of a build while it runs', async () => {
  const { builder, logs } = world({});
  await builder.build(request);

  expect(builder.logCommand?.(request.target)).toBe(`cat ${logs()[0]}`);
});

it('ends a running build with all its children when the signal is aborted', async () => {
  const { builder, directory } = world({ bud: 'sleep 60 & echo $! > "$0.pid"; wait' });
  const pidFile = join(directory, 'program.pid');
  const stop = new AbortController();
  const building = failureOf(builder.build(request, stop.signal));
  await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim()).toBeTruthy();

  stop.abort(new Error('the hub ends'));

  expect(await building).toMatchObject({ message: 'the hub ends' });
  await expect.poll(() => isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
});

it('tells how far a build had come that took too long', async () => {
  const { builder, calls, directory } = world({ bud: 'echo STEP 2: make; touch "$0.began"; sleep 60' });
  const stop = new AbortController();
  const building = failureOf(builder.build(request, stop.signal));
  await expect.poll(() => existsSync(join(directory, 'program.began'))).toBe(true);

  stop.abort(new AppError('BUILD_TIMED_OUT', 'Too long.'));

  const error = await building;
  expect(error).toMatchObject({ code: 'BUILD_TIMED_OUT', message: 'Too long.' });
  expect(calls().at(-1), 'its container is cleared away').toBe('rm --all');
  expect(buildLog(error)).toBe('STEP 2: make\n');
  const [, file = ''] = buildLogCommand(error).split(' ');
  expect(file).toMatch(new RegExp(`^${directory}/build/logs/registry.test_team_kmod_1-[0-9a-f]+\\.log$`));
  expect(readFileSync(file, 'utf8')).toContain('STEP 2: make');
});

it('keeps the end of a log that never ends, on disk and in the result', async () => {
  const { builder, logs } = world({ bud: 'head -c 10000000 /dev/zero | tr "\\0" x; echo; echo THE END' });

  const { log } = await builder.build(request);

  expect(log.length).toBeLessThanOrEqual(LOG_CHARS_MAX);
  expect(log).toMatch(/x\nTHE END\n$/);
  const sizes = logs().map((file) => statSync(file).size);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2 * 1024 * 1024);
  expect(logs().some((file) => readFileSync(file, 'utf8').endsWith('THE END\n'))).toBe(true);
});

it('removes the built image from the local storage, whether its push succeeds or fails', async () => {
  const good = world({});
  await good.builder.build(request);
  expect(good.calls().at(-1)).toBe(`rmi ${request.target}`);

  const bad = world({ push: 'exit 125' });
  await failureOf(bad.builder.build(request));
  expect(bad.calls().at(-1)).toBe(`rmi ${request.target}`);
});

it.each([
  ['a secret named ..', '..', 'key'],
  ['a secret with a slash', 'a/b', 'key'],
  ['a secret with a colon', 'a:/etc', 'key'],
  ['a nameless secret', '', 'key'],
  ['a key named .', 'login', '.'],
  ['a key named ..', 'login', '..'],
  ['a key that climbs out', 'login', '../../x'],
])('refuses %s', async (_name, name, key) => {
  const { builder, calls } = world({});
  const secrets = [{ name, files: { [key]: Buffer.from('x') } }];

  expect(await failureOf(builder.build({ ...request, secrets }))).toMatchObject({ code: 'BUILD_FAILED' });
  expect(calls()).not.toContainEqual(expect.stringContaining('bud'));
});

it('masks what a build prints of its secrets', async () => {
  const { builder } = world({ bud: 'echo the password is hunter2hunter2 and the rest' });
  const files = { password: Buffer.from('hunter2hunter2\n') };

  const { log } = await builder.build({ ...request, secrets: [{ name: 'login', files }] });

  expect(log).toContain('the password is *** and the rest');
});

it.each([
  ['125', 'Error: pinging registry: unauthorized: wrong password', 'REGISTRY_UNAUTHORIZED'],
  ['125', 'Error: pinging container registry r: dial tcp: connection refused', 'REGISTRY_UNREACHABLE'],
  ['125', 'Error: building at STEP "COPY certificate /": no such file or directory', 'BUILD_FAILED'],
  ['125', 'Error: building at STEP "COPY x /": open x: permission denied', 'BUILD_FAILED'],
  ['2', 'make: access denied', 'BUILD_FAILED'],
  ['1', 'cat: write error: No space left on device', 'BUILD_FAILED'],
])('reads exit code %s with "%s" as %s', async (exit, text, code) => {
  const { builder } = world({ bud: `echo '${text}'; exit ${exit}` });

  const error = await failureOf(builder.build(request));

  expect(error).toMatchObject({ code });
  expect(buildLog(error)).toContain(text);
});

it.each([
  ['Error: writing blob: Patch "https://r/v2/": write tcp: connection reset by peer', 'REGISTRY_UNREACHABLE'],
  ['Error: uploading: received unexpected HTTP status: 500 Internal Server Error', 'REGISTRY_UNREACHABLE'],
  ['Error: no space left on device', 'REGISTRY_UNREACHABLE'],
  ['Error: toomanyrequests: slow down', 'REGISTRY_THROTTLED'],
  ['Error: denied: requested access is denied', 'REGISTRY_UNAUTHORIZED'],
])('takes a push that ends with "%s" for %s, never for the fault of the build', async (text, code) => {
  const { builder } = world({ push: `echo '${text}'; exit 125` });

  expect(await failureOf(builder.build(request))).toMatchObject({ code });
});

it('tells a failure in one bounded line of plain characters', async () => {
  const { builder } = world({ bud: `printf '\\033[31mred %02000d\\n' 7; exit 1` });

  const error = await failureOf(builder.build(request));

  const { message } = error as Error;
  expect(message.length).toBeLessThan(600);
  expect(message).toContain('red');
  expect(message).not.toMatch(/\p{Cc}|\[31m/u);
});

it('says that the program is missing', async () => {
  const { directory } = world({});
  const builder = createBuildah({ directory: join(directory, 'build'), program: join(directory, 'none') });

  await expect(builder.build(request)).rejects.toMatchObject({ code: 'BUILDER_MISSING' });
});

it('keeps temporary files of a build, even of a killed one, where they are removed', async () => {
  const { builder, directory } = world({ bud: 'echo "in $TMPDIR"; touch "$TMPDIR/left"; exit 1' });

  const error = await failureOf(builder.build(request));

  expect(buildLog(error)).toContain(`in ${join(directory, 'build', 'work')}/`);
  expect(globSync(join(directory, 'build', '**', 'left'))).toEqual([]);
});

it('leaves no secret behind, however the build ends', async () => {
  const { builder, directory } = world({ bud: 'exit 1' });
  const secrets = [{ name: 'login', files: { password: Buffer.from('hunter2hunter2') } }];

  await failureOf(builder.build({ ...request, secrets }));

  expect(globSync(join(directory, 'build', 'work', '**', 'password'))).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it('names the pod in which a log lies, where there is one', () => {
  expect(readFileCommand('hub', 'kmm-operator-hub-controller', true)('/logs/a.log')).toBe(
    'kubectl -n hub exec deploy/kmm-operator-hub-controller-manager -c manager -- cat /logs/a.log',
  );
  expect(readFileCommand('hub', 'kmm-operator-hub-controller', false)('/logs/a.log')).toBe('cat /logs/a.log');
});
