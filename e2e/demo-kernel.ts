// make demo-real: the story on real control planes and virtual machines; what it prints comes from their kernels.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { styleText } from 'node:util';
import { bundlePrograms, planePrograms } from '@kmm-fleet/lab';
import { type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';
import { conditionOf } from './kernel/observe.ts';
import { KERNEL_SCENES, type KernelScene } from './kernel/scenes.ts';

const write = (text: string) => process.stdout.write(`${text}\n`);
const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  process.stdout.isTTY ? styleText(style, text) : text;
const startedMs = performance.now();
const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;

/** Hub and spoke as images have them: they start sooner than from sources. */
const programs = mkdtempSync(join(tmpdir(), 'kmm-programs-'));
process.env['KMM_PROGRAMS'] = programs;
process.once('exit', () => rmSync(programs, { recursive: true }));

let fleet: KernelFleet | undefined;
process.once('SIGINT', () => {
  write('\nInterrupted: everything is taken down.');
  void (fleet?.stop() ?? Promise.resolve()).then(() => process.exit(130));
});

try {
  write(
    paint(
      'bold',
      'KMM Fleet on real kernels: a hub, a cluster with two virtual machines, one with Secure Boot',
    ),
  );
  const progress = (line: string) => write(paint('dim', `  ${line}`));
  await planePrograms(progress);
  await bundlePrograms(join(import.meta.dirname, '..'), programs);
  fleet = await startKernelFleet(progress);
  await fleet.operate('spoke');
  write(`  everything is up after ${seconds()}`);
  for (const scene of KERNEL_SCENES) await tell(scene, fleet);
} catch (error) {
  write(paint('red', `\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 1;
} finally {
  await fleet?.stop();
  write(`\nThe whole story took ${seconds()}. Nothing of it is left.`);
}

async function tell({ title, run, look }: KernelScene, on: KernelFleet): Promise<void> {
  write(`\n${paint('bold', title)}`);
  await run(on);
  for (const [name, command] of look) {
    write(paint('cyan', `  ${name}# ${command}`));
    const { output } = await on[name].run(command);
    write(output.replaceAll(/^/gm, '    '));
  }
  const ready = await conditionOf(on, 'Ready');
  if (ready) write(`  the hub says: ${ready.reason}: ${ready.message ?? ''}`);
  write(paint('green', `  seen after ${seconds()}`));
}
