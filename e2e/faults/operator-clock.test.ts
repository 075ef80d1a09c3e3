import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { operatorClock } from './operator-clock.ts';

const HOUR_MS = 3_600_000;
/** Tells for each line how far its clocks are ahead of this machine's. */
const PROGRAM = `
process.stdin.on('data', (now) => console.log(
  [Date.now(), new Date().getTime()].map((ms) => Math.round((ms - now) / 60_000)).join(), new Date(7).getTime()));
`;

it('a program has its clock so far ahead or behind as it was set, and is not asked to start again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-clock-'));
  const clock = operatorClock(join(folder, 'clock'), HOUR_MS);
  const child = spawn(process.execPath, ['--jitless', '-e', PROGRAM], {
    env: clock.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  const told = async () => {
    child.stdin.write(`${Date.now()}\n`);
    const [text] =
      (await new Promise<Buffer[]>((resolve) => child.stdout.once('data', (...all) => resolve(all)))) ?? [];
    return String(text).trim();
  };

  expect(await told()).toBe('60,60 7');
  await clock.set(-2 * HOUR_MS);
  expect(await told()).toBe('-120,-120 7');
});
