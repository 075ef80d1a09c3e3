// Gets or builds the control plane, then runs the suites that need it: scripts/e2e-real.ts PROJECT [SUITE...]
// `planes` has simulated nodes, `guests` virtual machines. With KMM_PLANES=kind the planes are clusters of kind. Hub and
// spoke are the programs of the images, not the sources.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms, planePrograms, planeProvider } from '@kmm-fleet/lab';

const SUITE = '.planes.test.ts';
/** Suites that need no more than etcd and kube-apiserver, which is what KUBEBUILDER_ASSETS usually has. */
const WITHOUT_CONTROLLERS = ['kubeconfig', 'gather', 'install', 'install-forms', 'webhooks'];
/** Suites that kill and start parts of a control plane, which clusters of kind do not let them. */
const KILLERS = ['api-server', 'faults', 'outages'];

const [project = 'planes', ...wanted] = process.argv.slice(2);
const ours = mkdtempSync(join(tmpdir(), 'kmm-programs-'));
try {
  await bundlePrograms(join(import.meta.dirname, '..'), ours);
  process.env['KMM_PROGRAMS'] = ours;
  const possible = planeProvider() === 'kind' ? withoutKillers() : await chosenOfPrograms();
  const chosen = wanted.length > 0 ? wanted.map((suite) => `e2e/${suite}.${project}.test.ts`) : possible;
  // Of planes there are two: suites side by side, and those that need the machine for themselves.
  const { status } = spawnSync('vitest', ['run', '--project', `${project}*`, ...chosen], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(ours, { recursive: true });
}

async function chosenOfPrograms(): Promise<string[]> {
  const programs = await planePrograms((line) => console.log(line));
  const missing = (['kube-controller-manager', 'kube-scheduler'] as const).filter((part) => !programs(part));
  if (missing.length === 0) return [];
  return choose(
    (name) => WITHOUT_CONTROLLERS.includes(name),
    `KUBEBUILDER_ASSETS has no ${missing.join(' and no ')}`,
  );
}

function withoutKillers(): string[] {
  return choose((name) => !KILLERS.includes(name), 'KMM_PLANES is kind');
}

/** Files of the suites that can be run; the others are named. @throws {Error} where none can */
function choose(isRun: (suite: string) => boolean, why: string): string[] {
  if (project !== 'planes') throw new Error(`${why}: the suites of ${project} need more.`);
  const suites = readdirSync('e2e').filter((file) => file.endsWith(SUITE));
  const [run, left] = [true, false].map((wanted) =>
    suites.filter((file) => isRun(file.slice(0, -SUITE.length)) === wanted),
  );
  console.log(`${why}. Not run: ${left?.join(', ')}`);
  return (run ?? []).map((file) => `e2e/${file}`);
}
