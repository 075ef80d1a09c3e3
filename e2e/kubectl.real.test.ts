import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, referenceFolder } from '@kmm-fleet/lab';
import { describe } from 'vitest';
import { describeKubectl, labForKubectl } from './kubectl.contract.ts';

/** Debian's kubectl, the one on the PATH, and the newest `kubectl.<version>` that stands beside it. */
const programs = (() => {
  const debian = join(referenceFolder('kubectl'), 'usr', 'bin', 'kubectl');
  const onPath = findProgram('kubectl');
  const folder = onPath && dirname(realpathSync(onPath));
  const beside = folder ? readdirSync(folder).filter((name) => /^kubectl\.1\.\d+$/.test(name)) : [];
  const newest = beside.toSorted((a, b) => Number(a.slice(10)) - Number(b.slice(10))).at(-1);
  const all = [debian, onPath, folder && newest && join(folder, newest)];
  return all.filter((path) => path !== undefined && existsSync(path)) as string[];
})();

describe.skipIf(programs.length === 0)('kubectl (skipped where it is not installed)', () => {
  for (const program of programs) describeKubectl(program, program, labForKubectl);
});
