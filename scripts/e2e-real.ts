// Gets or builds the control plane, then runs the suites that need it: scripts/e2e-real.ts PROJECT [SUITE...]
// `planes` has simulated nodes, `guests` virtual machines. With KMM_PLANES=kind the planes are clusters of kind. Hub and
// spoke are the programs of the images, not the sources.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import {
  bundlePrograms,
  installPrograms,
  isRoot,
  PACKAGES,
  planePrograms,
  planeProvider,
} from '@kmm-fleet/lab';
import { chooseSuites, type Lack } from './choose-suites.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** Suites that need no more than etcd and kube-apiserver, which is what KUBEBUILDER_ASSETS usually has. */
const WITHOUT_CONTROLLERS = ['kubeconfig', 'identity-provider', 'gather', 'webhooks'];
/** Suites that kill and start parts of a control plane, or have it ask a server of ours, which clusters of kind do not do. */
const NOT_KIND = ['api-server', 'faults', 'identity-provider', 'outages', 'ports-taken'];
/** The suite that builds images. */
const BUILDING = 'e2e/story.planes.test.ts';

const [project = 'planes', ...wanted] = process.argv.slice(2);
const ours = join(makeTemporaryFolder(), 'programs');
try {
  const files = globSync(`{e2e,bench}/**/*.${project}.test.ts`).toSorted();
  if (files.length === 0) throw new Error(`There are no suites of ${project}.`);
  chooseSuites({ files, wanted, lack: undefined }); // a name that is none is told before anything is built
  const lack = await whatIsMissing();
  const { run, left } = chooseSuites({ files, wanted, lack });
  if (lack && left.length > 0) console.log(`${lack.why}. Not run: ${left.join(', ')}`);
  await installWhatIsNeeded(run);
  await bundlePrograms(join(import.meta.dirname, '..'), ours);
  process.env['KMM_PROGRAMS'] = ours;
  // Control planes and agents are Go programs, and collect garbage less often: a fifth less CPU, for memory.
  process.env['GOGC'] ??= '400';
  const { status } = spawnSync('vitest', ['run', '--project', project, ...run], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @throws {Error} that says what to do where something cannot be had: these suites are not skipped */
async function installWhatIsNeeded(files: readonly string[]): Promise<void> {
  const isBuilding = files.includes(BUILDING);
  const all = Object.keys(PACKAGES) as (keyof typeof PACKAGES)[];
  const few = ['docker-registry', 'htpasswd', 'kubectl', 'openssl'] as const;
  await installPrograms(isBuilding ? all : few, (line) => console.log(line));
  if (isBuilding && !isRoot())
    throw new Error('The suite story builds images, which needs root. Run it as root, or name other suites.');
}

/** The suites of virtual machines need a whole control plane, as processes. */
async function whatIsMissing(): Promise<Lack | undefined> {
  const isPlanes = project === 'planes';
  if (planeProvider() === 'kind')
    return { why: 'KMM_PLANES is kind', canDoWithout: (suite) => isPlanes && !NOT_KIND.includes(suite) };
  const programs = await planePrograms((line) => console.log(line));
  const missing = (['kube-controller-manager', 'kube-scheduler'] as const).filter((part) => !programs(part));
  if (missing.length === 0) return undefined;
  return {
    why: `KUBEBUILDER_ASSETS has no ${missing.join(' and no ')}`,
    canDoWithout: (suite) => isPlanes && WITHOUT_CONTROLLERS.includes(suite),
  };
}
