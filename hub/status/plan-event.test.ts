import type { Condition } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { planEvent } from './plan-event.ts';

type State = readonly [ready: boolean, degraded: boolean, reason: string];
const conditions = ([ready, degraded, reason]: State): Condition[] =>
  [
    { type: 'Ready', status: ready },
    { type: 'Degraded', status: degraded },
  ].map(({ type, status }) => ({
    type,
    status: status ? 'True' : 'False',
    reason,
    message: `because of ${reason}`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }));

const WAITS: State = [false, false, 'WaitingForAgent'];
const LOADS: State = [false, false, 'NodesLoading'];
const READY: State = [true, false, 'AllClustersReady'];
const NONE: State = [false, false, 'NoNodeSelected'];
const FAILS: State = [false, true, 'BuildFailed'];
const FAILS_ELSE: State = [false, true, 'PostStartHookError'];

it.each<[string, State | undefined, State, string | undefined]>([
  ['a new module', undefined, WAITS, 'Normal WaitingForAgent'],
  ['another reason to wait', WAITS, LOADS, undefined],
  ['ready', LOADS, READY, 'Normal AllClustersReady'],
  ['no longer ready', READY, WAITS, 'Normal WaitingForAgent'],
  ['no node is selected any more', READY, NONE, 'Warning NoNodeSelected'],
  ['no node is selected, which shows after a while', LOADS, NONE, 'Warning NoNodeSelected'],
  ['still no node is selected', NONE, NONE, undefined],
  ['nodes are selected again', NONE, LOADS, undefined],
  ['a failure', WAITS, FAILS, 'Warning BuildFailed'],
  ['another failure', FAILS, FAILS_ELSE, 'Warning PostStartHookError'],
  ['the same failure', FAILS, FAILS, undefined],
  ['a failure that is over', FAILS, LOADS, undefined],
])('%s', (_what, before, after, expected) => {
  const event = planEvent(before ? conditions(before) : [], conditions(after));
  expect(event && `${event.type} ${event.reason}`).toBe(expected);
});
