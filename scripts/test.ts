// make test: the unit part, whole stories in simulation, then what needs real components. The first part that fails is
// the last. The closing line counts all, and the skips.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import {
  canInstall,
  installPrograms,
  isRoot,
  missingPrograms,
  PACKAGES,
  unpackReference,
} from '@kmm-fleet/lab';
import { makeTemporaryFolder } from './temporary-folder.ts';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
    }[];
  }[];
}

const PARTS = ['unit', 'stories', 'real'] as const;
const programs = Object.keys(PACKAGES) as (keyof typeof PACKAGES)[];

if (canInstall()) {
  await installPrograms(programs, (line) => console.log(line));
} else if (missingPrograms(programs).length > 0) {
  const missing = programs
    .filter((program) => missingPrograms([program]).length > 0)
    .map((program) => PACKAGES[program]);
  const reason = isRoot() ? 'apt-get is not here' : 'this user is not root';
  console.log(
    `Real components are not installed: ${reason}. As root: apt-get install -y ${missing.join(' ')}`,
  );
}
for (const reference of ['kubectl', 'sign-file', 'promtool'] as const)
  await unpackReference(reference).catch((error: Error) => console.log(error.message));

// All that the tests leave behind is in one folder, and goes with it.
const temporary = makeTemporaryFolder();

const totals: Totals[] = [];
for (const part of PARTS) {
  totals.push(run(part));
  if (sum('failed') > 0) break;
}
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function sum(count: keyof Totals): number {
  return totals.reduce((total, part) => total + part[count], 0);
}

function run(project: (typeof PARTS)[number]): Totals {
  const started = performance.now();
  const file = join(temporary, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${file}`];
  const { status } = spawnSync('vitest', ['run', '--project', project, ...reporters], { stdio: 'inherit' });
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(
    `${project} part: ${report.numPassedTests} of ${report.numTotalTests} tests pass in ${seconds} s`,
  );
  for (const [title, count] of skips(report)) console.log(`skipped ${count}: ${title}`);
  const broken = status !== 0 && report.numFailedTests === 0 ? Math.max(1, report.numFailedTestSuites) : 0;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests,
  };
}

/** Skipped tests by the outermost title, which says why. */
function skips({ testResults }: Report): Map<string, number> {
  const titles = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'skipped' || status === 'pending')
    .map(({ ancestorTitles }) => ancestorTitles[0] ?? 'tests without a reason');
  const counts = new Map<string, number>();
  for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
  return counts;
}
