// Gets or builds the control plane, then runs the suites that need it: scripts/e2e-real.ts PROJECT
// `planes` has simulated nodes, `guests` virtual machines.
import { spawnSync } from 'node:child_process';
import { planePrograms } from '@kmm-fleet/lab';

const project = process.argv[2] ?? 'planes';
try {
  await planePrograms((line) => console.log(line));
  const { status } = spawnSync('vitest', ['run', '--project', project], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
