import { createImageFs, type FsEntry, type ImageFs } from '@kmm-fleet/images';
import { loaderTools } from '@kmm-fleet/images/testing';
import { type ContainerFs, createContainerFs, type Mount } from '../node/files/container-fs.ts';
import { createKernel, type Kernel } from '../node/kernel/kernel.ts';
import { DEFAULT_PATH, type Outcome, runProcess } from '../node/shell/execute.ts';

/** Files by path: texts, bytes, or `-> target` for a symlink. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A file system with these files, all of them executable. */
export function makeTree(files: Files): ImageFs {
  const tree = createImageFs();
  for (const [path, content] of Object.entries(files)) tree.write(path, entryOf(content));
  return tree;
}

function entryOf(content: string | Uint8Array): FsEntry {
  if (typeof content === 'string' && content.startsWith('-> '))
    return { type: 'symlink', target: content.slice('-> '.length) };
  return { type: 'file', mode: 0o755, bytes: typeof content === 'string' ? Buffer.from(content) : content };
}

const MORE_TOOLS = [
  'basename',
  'dirname',
  'head',
  'tail',
  'wc',
  'xargs',
  'mv',
  'touch',
  'uname',
  'lsmod',
  'rmmod',
];

/** A container of a loader image with these files on top, to run commands in. */
export function makeContainer(
  files: Files = {},
  options: {
    readonly kernel?: Kernel;
    readonly mounts?: readonly Mount[];
    readonly mayLoadModules?: boolean;
  } = {},
): {
  readonly fs: ContainerFs;
  readonly kernel: Kernel;
  readonly sleptMs: () => number;
  run(...argv: string[]): Outcome;
  sh(script: string, environment?: Record<string, string>): Outcome;
} {
  const more = Object.fromEntries([...MORE_TOOLS, 'insmod'].map((name) => [`/bin/${name}`, '#!tool\n']));
  const fs = createContainerFs(makeTree({ ...loaderTools(), ...more, ...files }), options.mounts ?? []);
  const kernel = options.kernel ?? createKernel({ release: '6.1.0-1-amd64' });
  let sleptMs = 0;
  const elapse = (durationMs: number) => {
    sleptMs += durationMs;
  };
  const start = (argv: readonly string[], environment: Record<string, string>) =>
    runProcess({
      argv,
      environment: new Map(Object.entries({ PATH: DEFAULT_PATH, ...environment })),
      directory: '/',
      world: { fs, kernel, mayLoadModules: options.mayLoadModules ?? true, elapse },
    });
  return {
    fs,
    kernel,
    sleptMs: () => sleptMs,
    run: (...argv) => start(argv, {}),
    sh: (script, environment = {}) => start(['/bin/sh', '-c', script], environment),
  };
}
