// make check: every check says how much it looked at, and fails when that is nothing.
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** How many things the check saw, read from its output. */
  readonly seen: (output: string) => number;
}

const files = globSync('{api,runtime,images,hub,spoke,policies,cli,lab,e2e,bench,scripts}/**/*.ts', {
  exclude: (path) => path.includes('node_modules'),
});
const number = (pattern: RegExp) => (output: string) => Number(pattern.exec(output)?.[1] ?? 0);

/** The longest first: two of them run at a time. */
const checks: readonly Check[] = [
  {
    name: 'types',
    command: ['tsc', '--project', 'tsconfig.json', '--listFilesOnly', 'false', '--listFiles'],
    seen: (output) =>
      output.split('\n').filter((line) => files.some((file) => line.endsWith(`/${file}`))).length,
  },
  {
    name: 'format',
    command: ['biome', 'check', '.'],
    seen: number(/Checked (\d+) files/),
  },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', '.'],
    seen: number(/on (\d+) files/),
  },
  {
    name: 'unused code',
    command: ['knip', '--no-progress', '--reporter', 'symbols', '--reporter', './scripts/knip-seen.ts'],
    seen: number(/Looked at (\d+) files/),
  },
  {
    name: 'arrows and purity',
    command: ['vitest', 'run', '--project', 'tidy'],
    seen: number(/Tests\s+(\d+) passed/),
  },
  {
    name: 'generated files',
    command: ['node', 'api/generate.ts', '--check'],
    seen: number(/(\d+) generated files/),
  },
];

async function run({ name, command, seen }: Check): Promise<boolean> {
  const started = performance.now();
  const [program = '', ...args] = command;
  const { isGood, output } = await end(program, args);
  const count = seen(output);
  const ok = isGood && count > 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(18)} ${String(count).padStart(4)} seen  ${seconds} s`);
  if (!ok)
    console.log(
      count > 0 ? output.trimEnd().split('\n').slice(-60).join('\n') : `looked at nothing:\n${output}`,
    );
  return ok;
}

function end(program: string, args: readonly string[]): Promise<{ isGood: boolean; output: string }> {
  const options = {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    maxBuffer: 64 * 1024 * 1024,
  };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ isGood: !error, output: `${stdout}${stderr}` }),
    );
  });
}

const waiting = [...checks];
let failed = 0;
async function work(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) if (!(await run(check))) failed += 1;
}
await Promise.all([work(), work()]);
console.log(failed === 0 ? 'all checks pass' : `${failed} of ${checks.length} checks fail`);
process.exitCode = failed === 0 ? 0 : 1;
