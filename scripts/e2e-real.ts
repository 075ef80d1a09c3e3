// Gets or builds the control plane, then runs the suites that need it: scripts/e2e-real.ts PROJECT
// `planes` has simulated nodes, `guests` virtual machines.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { planePrograms } from '@kmm-fleet/lab';

const SUITE = '.planes.test.ts';
/** Suites that need no more than etcd and kube-apiserver, which is what KUBEBUILDER_ASSETS usually has. */
const WITHOUT_CONTROLLERS = ['kubeconfig', 'gather', 'install', 'install-forms'];

const project = process.argv[2] ?? 'planes';
try {
  const programs = await planePrograms((line) => console.log(line));
  const missing = (['kube-controller-manager', 'kube-scheduler'] as const).filter((part) => !programs(part));
  const chosen = missing.length > 0 ? withoutControllers(missing) : [];
  const { status } = spawnSync('vitest', ['run', '--project', project, ...chosen], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** The suites that can be run. @throws {Error} where none can */
function withoutControllers(missing: readonly string[]): string[] {
  const where = `KUBEBUILDER_ASSETS has no ${missing.join(' and no ')}`;
  if (project !== 'planes') throw new Error(`${where}: the suites of ${project} need them all.`);
  const suites = readdirSync('e2e').filter((name) => name.endsWith(SUITE));
  const chosen = WITHOUT_CONTROLLERS.map((name) => `${name}${SUITE}`);
  console.log(`${where}. Not run: ${suites.filter((name) => !chosen.includes(name)).join(', ')}`);
  return chosen.map((name) => `e2e/${name}`);
}
