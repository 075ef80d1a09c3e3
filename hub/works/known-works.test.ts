import type { ManifestWork } from '@kmm-fleet/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createKnownWorks } from './known-works.ts';

const PLANNED = { action: { kind: 'keep' }, waits: [] } as const;
const OURS = 'ours';

const workOf = (payload: string, version?: number): ManifestWork => ({
  apiVersion: 'work.open-cluster-management.io/v1',
  kind: 'ManifestWork',
  metadata: {
    ...{ name: 'kmod', namespace: 'east', labels: {} },
    ...(version !== undefined && { uid: 'u', resourceVersion: String(version) }),
  },
  spec: { workload: { manifests: [{ payload }] as never } },
});
const payloadOf = ({ spec }: ManifestWork) => JSON.stringify(spec.workload);

/** A hub with one work: whatever can happen to it happens one thing at a time, in any order. */
function createHistory() {
  const known = createKnownWorks();
  let server: ManifestWork | undefined;
  const events: { readonly version: number; readonly work: ManifestWork | undefined }[] = [];
  let watched: ManifestWork | undefined;
  let seen = 0;
  let isDue = true;
  let write: { readonly payload: string; stored?: ManifestWork } | undefined;
  let wish = OURS;
  let plans = 0;
  let version = 0;
  const store = (payload: string) => {
    if (server && payloadOf(server) === payloadOf(workOf(payload))) return server;
    version += 1;
    server = workOf(payload, version);
    events.push({ version, work: server });
    return server;
  };
  /** As a cache does, which tells nothing of what it did not know before and does not know after. */
  const show = (after: ManifestWork | undefined) => {
    const before = watched;
    watched = after;
    if ((before || after) && known.isNews('k', before, after)) isDue = true;
  };
  const steps = {
    edit: () => void (server && store('of somebody')),
    restore: () => void (server && store(OURS)),
    remove() {
      if (!server) return;
      version += 1;
      server = undefined;
      events.push({ version, work: undefined });
    },
    wish() {
      wish = wish === OURS ? 'another' : OURS;
      isDue = true;
    },
    report() {
      if (!server) return;
      version += 1;
      const metadata = { ...server.metadata, resourceVersion: String(version) };
      server = { ...server, metadata, status: {} };
      events.push({ version, work: server });
    },
    watch() {
      const event = events.shift();
      if (!event) return;
      seen = event.version;
      show(event.work);
    },
    /** A watch that broke is followed by a list: what was between is never seen. */
    list() {
      events.length = 0;
      seen = version;
      show(server);
      if (known.gone(() => watched, String(seen)).length > 0) isDue = true;
    },
    plan() {
      if (!isDue || write) return;
      isDue = false;
      plans += 1;
      known.decided('k', PLANNED);
      const observed = known.newest('k', watched);
      if (observed && payloadOf(observed) === payloadOf(workOf(wish))) return;
      known.writes('k', workOf(wish));
      write = { payload: wish };
    },
    land: () => void (write && !write.stored && (write.stored = store(write.payload))),
    answer() {
      if (!write?.stored) return;
      if (!known.wrote('k', write.stored, watched, String(seen))) isDue = true;
      write = undefined;
    },
    fail() {
      if (!write) return;
      known.forget('k');
      write = undefined;
      isDue = true;
    },
  };
  return {
    steps,
    /** Nothing happens any more but what has to. */
    settle() {
      while (isDue || write || events.length > 0)
        for (const name of ['plan', 'land', 'answer', 'watch'] as const) steps[name]();
      return { isAsWished: server && payloadOf(server) === payloadOf(workOf(wish)), plans };
    },
  };
}
type Step = keyof ReturnType<typeof createHistory>['steps'];
const OWN = ['report', 'watch', 'list', 'plan', 'land', 'answer'] as const;
const ANYTHING = [...OWN, 'wish', 'edit', 'restore', 'remove', 'fail'] as const;

it('what is wished is there in the end, in whatever order wishes, edits, failures, answers and events come', () => {
  const step = fc.constantFrom<Step>(...ANYTHING);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const history = createHistory();
      for (const name of steps) history.steps[name]();

      expect(history.settle().isAsWished).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

it.each<readonly Step[]>([
  ['plan', 'land', 'answer', 'remove', 'list'],
  ['plan', 'land', 'remove', 'list', 'answer'],
])('a work that came and went while nobody watched is there in the end (%s, %s, %s, %s, %s)', (...steps) => {
  const history = createHistory();
  for (const name of steps) history.steps[name]();

  expect(history.settle().isAsWished).toBe(true);
});

it('one plan is enough where nobody edits, in whatever order answers, reports and events come', () => {
  const step = fc.constantFrom<Step>(...OWN);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const history = createHistory();
      for (const name of steps) history.steps[name]();

      expect(history.settle()).toEqual({ isAsWished: true, plans: 1 });
    }),
    { numRuns: 3_000 },
  );
});

it('what was written counts until the watch has caught up', () => {
  const known = createKnownWorks();
  const old = workOf('old', 1);
  known.wrote('k', workOf(OURS, 2), old, '1');
  expect(known.newest('k', old)).toEqual(workOf(OURS, 2));

  known.isNews('k', old, workOf('newer', 3));
  expect(known.newest('k', workOf('newer', 3))).toEqual(workOf('newer', 3));
});

it('what the cluster reported before a write still counts after it', () => {
  const known = createKnownWorks();
  const status = { conditions: [] };
  const old = { ...workOf('old', 1), status };

  known.wrote('k', workOf(OURS, 2), old, '1');

  expect(known.newest('k', old)).toEqual({ ...workOf(OURS, 2), status });
});

it('what the watch has shown before the answer came is not kept twice', () => {
  const known = createKnownWorks();
  const shown = { ...workOf(OURS, 2), status: { conditions: [] } };
  known.wrote('k', workOf(OURS, 2), shown, '2');

  expect(known.newest('k', shown)).toBe(shown);
  expect(known.newest('k', undefined)).toBeUndefined();
});

it('what comes after a failure is news, though it says nothing new', () => {
  const known = createKnownWorks();
  known.decided('k', PLANNED);
  expect(known.isNews('k', workOf(OURS, 1), workOf(OURS, 2))).toBe(false);

  known.forget('k');
  expect(known.isNews('k', workOf(OURS, 2), workOf(OURS, 3))).toBe(true);
});

it('somebody who takes back what we wrote is told, though the watch shows what it showed before', () => {
  const known = createKnownWorks();
  const before = workOf('before', 1);
  known.decided('k', PLANNED);
  known.writes('k', workOf(OURS));
  expect(known.isNews('k', before, workOf('before', 3))).toBe(true);

  known.wrote('k', workOf(OURS, 2), before, '1');
  expect(known.isNews('k', before, workOf('before', 3))).toBe(true);
});
