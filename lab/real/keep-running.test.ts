import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepRunning } from './keep-running.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Programs that end by any signal but SIGCONT; the pid counts how many were started. */
function programs() {
  const signals: (NodeJS.Signals | undefined)[] = [];
  let last: EventEmitter | undefined;
  let pid = 0;
  const start = () => {
    const child = Object.assign(new EventEmitter(), { pid: ++pid, exitCode: null, signalCode: null });
    const kill = (signal?: NodeJS.Signals) => {
      signals.push(signal);
      return signal !== 'SIGCONT' && child.emit('exit', null, signal);
    };
    last = child;
    return Object.assign(child, { kill }) as unknown as ChildProcess;
  };
  return { signals, start, living: () => last };
}

it('starts a process again each time it ends, and tells so when its pid has changed', async () => {
  const { signals, start } = programs();
  const seen: number[] = [];
  const supervised = keepRunning(start, { restarted: () => seen.push(supervised.pid()) });
  for (const signal of [undefined, 'SIGHUP'] as const) {
    supervised.kill(signal);
    await vi.advanceTimersByTimeAsync(1_000);
  }

  expect(signals).toEqual(['SIGKILL', 'SIGHUP']);
  expect(seen).toEqual([2, 3]);
});

it.each<[string, (NodeJS.Signals | 'crash')[], number]>([
  ['it was killed', ['SIGKILL'], 0],
  ['it was killed again before it was started again', ['SIGKILL', 'SIGKILL'], 0],
  ['it ended by itself', ['crash'], 1],
  ['it was killed when it had ended by itself', ['crash', 'SIGKILL'], 1],
  ['it ended by itself after it was told something', ['SIGCONT', 'crash'], 1],
])('counts how often it ended and nobody had killed it: %s', async (_what, events, expected) => {
  const { start, living } = programs();
  const supervised = keepRunning(start);
  for (const event of events)
    if (event === 'crash') living()?.emit('exit', 1, null);
    else supervised.kill(event);
  await vi.advanceTimersByTimeAsync(1_000);
  supervised.kill();

  expect(supervised.crashes()).toBe(expected);
});

it.each([
  ['while it runs', 0],
  ['before it was started again', 100],
])('starts nothing after it was stopped %s', async (_when, waitedMs) => {
  const { start } = programs();
  const supervised = keepRunning(start);
  if (waitedMs > 0) supervised.kill();
  await vi.advanceTimersByTimeAsync(waitedMs);
  await supervised.stop();
  await vi.advanceTimersByTimeAsync(10_000);

  expect(supervised.pid()).toBe(1);
});

it('looks after one that runs already', async () => {
  const { start } = programs();
  const supervised = keepRunning(start, { first: start() });
  expect(supervised.pid()).toBe(1);
  supervised.kill();
  await vi.advanceTimersByTimeAsync(1_000);

  expect(supervised.pid()).toBe(2);
});
