// make demo: the story told live in a lab with real components. `--once` tears it down at the end.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { styleText } from 'node:util';
import { labPaths, readLabState, startLab, stopLab } from '@kmm-fleet/cli';
import { realWorld } from './story/real-world.ts';
import { SCENES } from './story/scenes.ts';

const isOnce = process.argv.includes('--once');
const paths = labPaths();
const write = (text: string) => process.stdout.write(`${text}\n`);
const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  process.stdout.isTTY ? styleText(style, text) : text;
const startedMs = performance.now();
const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;

/** Step 8 builds everything once more; the tests tell it, the demo leaves it to the user. */
const shown = SCENES.filter(({ name }) => !name.startsWith('8') && (isOnce || !name.startsWith('9')));

const interrupt = new AbortController();
/** A lab of somebody else in this checkout is left alone. */
let isOurs = false;

process.once('SIGINT', () => {
  write('\nInterrupted: the lab is taken down.');
  if (isOurs) void stopLab(paths).then(() => process.exit(130));
  else interrupt.abort();
});

try {
  write(paint('bold', 'KMM Fleet: one hub, three clusters, real images for real kernels'));
  const { signal } = interrupt;
  const state = await startLab(paths, (line) => write(paint('dim', `  ${line}`)), { signal });
  isOurs = true;
  write(`  lab is up after ${seconds()}: kernels ${Object.values(state.kernels).join(', ')}`);
  const world = await realWorld(paths, state);
  for (const scene of shown) {
    write(`\n${paint('bold', `${scene.name}. ${scene.title}`)}`);
    if (scene.command) write(paint('cyan', `  $ ${scene.command(world)}`));
    await scene.run(world);
    if (scene.show) show(scene.show);
    if (scene.name === '6') showStatus();
    write(paint('green', `  seen after ${seconds()}`));
  }
  await finish();
} catch (error) {
  write(paint('red', `\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`));
  if (isOurs && readLabState(paths)) write(`Logs are in ${paths.logs}; end the lab with: bin/kmm lab down`);
  if (isOnce && isOurs) await stopLab(paths);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}

async function finish(): Promise<void> {
  if (isOnce) {
    await stopLab(paths);
    write(`\nThe whole story took ${seconds()}. The lab is down.`);
    return;
  }
  write(`
The fleet stays up. Try:
  export KUBECONFIG=${paths.kubeconfig}
  kubectl get mcm,moduleimages
  kubectl -n openshift-kmm-hub edit configmap my-kmod-dockerfile     # new digests roll out
  kubectl label managedcluster east wants-my-mcm-                    # unloads east
  kubectl --context west get events -A
  bin/kmm status
  bin/kmm lab down`);
}

function show(args: readonly string[]): void {
  const { stdout, stderr } = spawnSync('kubectl', ['--kubeconfig', paths.kubeconfig, ...args], {
    encoding: 'utf8',
  });
  write(indent(`$ kubectl ${args.join(' ')}`, 'cyan'));
  write(indent(`${stdout}${stderr}`.trimEnd()));
}

function showStatus(): void {
  const kmm = new URL('../bin/kmm', import.meta.url).pathname;
  const env = { ...process.env, KUBECONFIG: paths.kubeconfig };
  write(indent('$ bin/kmm status', 'cyan'));
  const { stdout, stderr } = spawnSync(kmm, ['status'], { encoding: 'utf8', env });
  write(indent(`${stdout}${stderr}`.trimEnd()));
}

function indent(text: string, style?: Parameters<typeof styleText>[0]): string {
  const lines = text.split('\n').map((line) => `  ${line}`);
  return style ? paint(style, lines.join('\n')) : lines.join('\n');
}
