import { AppError } from '@kmm-fleet/runtime';
import type { Builder, BuildRequest } from '../builders/builder.ts';
import type { Registry } from '../registry/registry.ts';
import { type ModuleShape, makeModule } from './make-module.ts';
import { pushImage } from './push-image.ts';

/** A builder in this process: makes real images from a mini Dockerfile, so that simulations need no root. */
export interface FakeBuilder extends Builder {
  /** Targets in the order in which they were pushed. */
  readonly built: string[];
}

/**
 * Obeys some lines of a Dockerfile and passes over all others: `# module {json}` puts a module into the image,
 * `LABEL name=$ARG` sets a label, `RUN exit N` fails, `RUN test -s /run/secrets/…` fails without that secret,
 * `RUN sleep infinity` ends with an abort only. The text goes into the image as salt, so that a changed Dockerfile
 * gives changed bytes.
 */
export function createFakeBuilder(registry: Registry): FakeBuilder {
  const built: string[] = [];
  return {
    built,
    async build(request, signal) {
      signal?.throwIfAborted();
      if (/^RUN sleep infinity$/m.test(request.dockerfile)) await untilAborted(signal);
      const log = `STEP 1: FROM ${request.buildArgs['DTK_AUTO'] ?? 'scratch'}\n`;
      const failure = failedStep(request);
      if (failure) {
        const text = `${log}STEP 2: ${failure.step}\nerror: exit status ${failure.exit}\n`;
        throw new AppError('BUILD_FAILED', `The build failed: error: exit status ${failure.exit}`, {
          cause: { log: text },
        });
      }
      const { target, targetAccess } = request;
      const digest = await pushImage(registry, target, targetAccess, filesOf(request), labelsOf(request));
      built.push(target);
      return { digest, log: `${log}COMMIT ${target}\n` };
    },
  };
}

function failedStep({ dockerfile, secrets }: BuildRequest): { step: string; exit: string } | undefined {
  for (const [step, exit, secret = '', key = ''] of dockerfile.matchAll(
    /^RUN (?:exit (\d+)|test -s \/run\/secrets\/([^/\s]+)\/(\S+))$/gm,
  )) {
    if (exit) return { step, exit };
    const bytes = secrets.find(({ name }) => name === secret)?.files[key];
    if (!bytes?.byteLength) return { step, exit: '1' };
  }
  return undefined;
}

function labelsOf({ dockerfile, buildArgs, labels }: BuildRequest): Record<string, string> {
  const own = [...dockerfile.matchAll(/^LABEL ([\w.-]+)=(\S*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value.replaceAll(/\$(\w+)/g, (_, arg: string) => buildArgs[arg] ?? ''),
  ]);
  return { ...Object.fromEntries(own), ...labels };
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
}

function filesOf({ dockerfile, buildArgs }: BuildRequest): Record<string, Uint8Array | string> {
  const kernel = buildArgs['KERNEL_FULL_VERSION'] ?? '';
  const shapes = [...dockerfile.matchAll(/^# module (.*)$/gm)].map(
    ([, json = '{}']) => JSON.parse(json) as ModuleShape,
  );
  const directory = `/opt/lib/modules/${kernel}`;
  const modules = shapes.map((shape) => [
    `${directory}/${shape.name}.ko`,
    makeModule({ ...shape, kernel, salt: dockerfile }),
  ]);
  const dependencies = shapes.map(
    ({ name, depends = [] }) => `${name}.ko:${depends.map((other) => ` ${other}.ko`).join('')}\n`,
  );
  return {
    ...loaderTools(),
    ...Object.fromEntries(modules),
    [`${directory}/modules.dep`]: dependencies.join(''),
    '/firmware/kmm-demo.bin': 'FIRMWARE\n',
  };
}

/** Programs that loader pods call: their names are what counts in the simulated node. */
export function loaderTools(): Record<string, string> {
  const names = [
    'sh',
    'sleep',
    'cp',
    'rm',
    'rmdir',
    'find',
    'sort',
    'cat',
    'mkdir',
    'tee',
    'ls',
    'test',
    'kmod',
  ];
  const tools = Object.fromEntries(names.map((name) => [`/bin/${name}`, '#!tool\n']));
  return { ...tools, '/sbin/modprobe': '-> /bin/kmod', '/usr/bin/device-plugin': '#!tool\n' };
}
