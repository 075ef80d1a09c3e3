// make e2e-real: gets or builds the control plane, then runs the suites that need it.
import { spawnSync } from 'node:child_process';
import { planePrograms } from '@kmm-fleet/lab';

try {
  await planePrograms((line) => console.log(line));
  const { status } = spawnSync('vitest', ['run', '--project', 'planes'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
