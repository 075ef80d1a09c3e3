import { expect, it } from 'vitest';
import { postStartCommand, preStopCommand } from '../hooks/loader-hooks.ts';
import { upstreamHooks } from '../hooks/upstream-hooks.ts';
import { K1 } from '../testing/fixtures.ts';
import { unloadingOf } from './unloading.ts';

const recipe = {
  kernel: K1,
  image: 'i',
  inTreeModulesToRemove: [],
  modprobe: { dirName: '/opt', moduleName: 'kmod' },
};
const OURS = preStopCommand(recipe);
const UPSTREAM = upstreamHooks(recipe)?.preStop ?? '';
const IN_USE = 'modprobe: FATAL: Module kmod is in use.\n';

/** Told to go at 12:00:00, with so many seconds. */
const leaving = (grace: number, unload: string) => {
  const hook = (script: string) => ({ exec: { command: ['/bin/sh', '-c', script] } });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      deletionTimestamp: `2026-01-01T12:00:${String(grace).padStart(2, '0')}Z`,
      deletionGracePeriodSeconds: grace,
    },
    spec: {
      containers: [{ lifecycle: { postStart: hook(postStartCommand(recipe)), preStop: hook(unload) } }],
    },
  };
};
const cutOff = (took: number, grace: number) =>
  `its loader ended ${took} s after it was told to, with ${grace} s for its hook, which may have been cut off.`;

it.each([
  { name: 'left, as its hook had nothing to say', ended: '12:00:01', outcome: { outcome: 'left' } },
  {
    name: 'stays, as its hook says',
    ended: '12:00:01',
    message: IN_USE,
    outcome: { outcome: 'stays', words: IN_USE.trim() },
  },
  {
    name: 'stays, as its hook says, however late',
    ended: '12:05:00',
    message: IN_USE,
    outcome: { outcome: 'stays', words: IN_USE.trim() },
  },
  {
    name: 'is not known of, as its hook was cut off at the end of the grace period',
    ended: '12:00:30',
    outcome: { outcome: 'unknown', why: cutOff(30, 30) },
  },
  {
    name: 'is not known of, as clocks differ by seconds',
    ended: '12:00:21',
    outcome: { outcome: 'unknown', why: cutOff(21, 30) },
  },
  {
    name: 'left, though the clock of its node is a second behind',
    ended: '11:59:59',
    outcome: { outcome: 'left' },
  },
  {
    name: 'is not known of, as the clock of its node is far behind',
    ended: '11:59:50',
    outcome: { outcome: 'unknown', why: 'the clock of its node is 10 s or more behind.' },
  },
  {
    name: 'is not known of, as its node was not heard of for minutes',
    ended: '12:05:00',
    outcome: { outcome: 'unknown', why: cutOff(300, 30) },
  },
  {
    name: 'is not known of, as its pod was deleted by force',
    ended: '12:00:01',
    grace: 0,
    outcome: { outcome: 'unknown', why: cutOff(1, 0) },
  },
  {
    name: 'left within a grace period that somebody has shortened',
    ended: '12:00:01',
    grace: 5,
    outcome: { outcome: 'left' },
  },
  {
    name: 'is not known of, as hooks of KMM 1.x tell nothing',
    ended: '12:00:01',
    unload: UPSTREAM,
    outcome: { outcome: 'unknown', why: 'the hook of its loader tells nothing of it.' },
  },
])('a module $name', ({ ended, message, grace = 30, unload = OURS, outcome }) => {
  const finishedAt = `2026-01-01T${ended}Z`;
  expect(unloadingOf(leaving(grace, unload), { finishedAt, ...(message && { message }) })).toEqual(outcome);
});

it('a module of whose end no time is told is not known of', () => {
  expect(unloadingOf(leaving(30, OURS), {})).toEqual({
    outcome: 'unknown',
    why: 'its node does not say when its loader ended.',
  });
});
