import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { until } from '@kmm-fleet/lab';
import { createLimiter } from '@kmm-fleet/runtime';

/** The wall clock of an operator, which can be set while it runs. */
export interface OperatorClock {
  /** Of its process, which must load skew-clock.ts. */
  readonly env: Readonly<Record<string, string>>;
  /** It is so far ahead of this machine's from now on, or behind it. Resolves when the operator has it so. */
  set(aheadMs: number): Promise<void>;
}

const SKEW_CLOCK = new URL('./skew-clock.ts', import.meta.url);

export function operatorClock(file: string, startMs = 0): OperatorClock {
  const seen = `${file}.set`;
  const one = createLimiter(1);
  const write = (aheadMs: number) => {
    writeFileSync(`${file}.next`, String(aheadMs));
    renameSync(`${file}.next`, file);
  };
  let nowMs = startMs;
  write(nowMs);
  // A spoke runs without WebAssembly, and Node understands no types then.
  const program = `${file}.mjs`;
  writeFileSync(program, stripTypeScriptTypes(readFileSync(SKEW_CLOCK, 'utf8')));
  return {
    env: { NODE_OPTIONS: `--import=${program}`, KMM_CLOCK_FILE: file },
    set: (aheadMs) =>
      one.run(async () => {
        if (aheadMs === nowMs) return;
        nowMs = aheadMs;
        rmSync(seen, { force: true });
        write(aheadMs);
        await until('the clock is set', () => Number(readFileSync(seen, 'utf8')) === aheadMs);
      }),
  };
}
