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
 * Reads two lines out of a Dockerfile: `# module {json}` puts a module into the image, `RUN exit N` fails. The rest
 * goes into the image as salt, so that a changed Dockerfile gives changed bytes.
 */
export function createFakeBuilder(registry: Registry): FakeBuilder {
  const built: string[] = [];
  return {
    built,
    async build(request) {
      const failure = /^RUN exit (\d+)$/m.exec(request.dockerfile);
      const log = `STEP 1: FROM ${request.buildArgs['DTK_AUTO'] ?? 'scratch'}\n`;
      if (failure) {
        const text = `${log}STEP 2: RUN exit ${failure[1]}\nerror: exit status ${failure[1]}\n`;
        throw new AppError('BUILD_FAILED', `The build failed: error: exit status ${failure[1]}`, {
          cause: { log: text },
        });
      }
      const digest = await pushImage(
        registry,
        request.target,
        request.targetAccess,
        filesOf(request),
        request.labels,
      );
      built.push(request.target);
      return { digest, log: `${log}COMMIT ${request.target}\n` };
    },
  };
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
