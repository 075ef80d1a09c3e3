import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unmountBelow } from '@kmm-fleet/lab';
import { runProgram } from '../builders/run-program.ts';
import type { ContainerEnd, RenderedContainer, RenderedPod, RunPod } from './job-runner.ts';

/** Runs the commands of a pod's containers on this machine, with a folder for each of its volumes. */
export function runPodHere(directory: string): RunPod {
  return async function* run(pod, signal): AsyncGenerator<ContainerEnd> {
    mkdirSync(directory, { recursive: true });
    const folder = mkdtempSync(join(directory, 'pod-'));
    try {
      writeFiles(pod, folder);
      for (const container of pod.containers) {
        const end = await runContainer(container, folder, signal);
        yield end;
        if (end.exitCode !== 0) return;
      }
    } finally {
      // buildah that was killed has left its mounts; in a pod they go with the container.
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    }
  };
}

function writeFiles({ files, filesVolume, containers }: RenderedPod, folder: string): void {
  for (const { name } of containers.flatMap(({ volumeMounts }) => volumeMounts))
    mkdirSync(join(folder, name), { recursive: true });
  for (const [path, bytes] of files) {
    const file = join(folder, filesVolume, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes, { mode: 0o400 });
  }
}

async function runContainer(
  container: RenderedContainer,
  folder: string,
  signal: AbortSignal,
): Promise<ContainerEnd> {
  const message = join(folder, 'termination-log');
  writeFileSync(message, '');
  const folders = new Map(
    container.volumeMounts.map(({ name, mountPath }) => [mountPath, join(folder, name)]),
  );
  // What stands after a colon is a path in the containers of the build.
  const mounted = new RegExp(`(?<![^=])(${[...folders.keys()].join('|')})(?=$|[/:])`, 'g');
  const here = (text: string) =>
    text
      .replace(mounted, (mountPath) => folders.get(mountPath) ?? '')
      .replace('/dev/termination-log', message);
  const [program = '', ...args] = container.command.map(here);
  const output: Uint8Array[] = [];
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, here(value)]));
  const exitCode = await runProgram(program, args, {
    write: (bytes) => void output.push(bytes),
    env,
    signal,
  });
  return {
    exitCode: exitCode ?? 137,
    output: Buffer.concat(output).toString('utf8'),
    message: readFileSync(message, 'utf8'),
  };
}
