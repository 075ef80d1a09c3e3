import { readyLabel } from '@kmm-fleet/api';
import { CORE, createManualClock, type KubeObject } from '@kmm-fleet/runtime';
import { afterEach, expect, it } from 'vitest';
import { K1, NAMESPACE, nodeOf, podOf } from '../testing/fixtures.ts';
import { loadedWorld, stopSpoke } from '../testing/spoke-world.ts';
import { createBoots } from './boots.ts';

afterEach(stopSpoke);

const READY = readyLabel(NAMESPACE, 'kmod');
const booted = (boot: string | undefined) => ({ ...nodeOf('n1', '6.1.0-1-amd64'), boot });
const started = (startedAt: string | undefined, uid = 'p') =>
  podOf({ metadata: { name: uid, namespace: 'n', uid }, startedAt });

/** A spoke that sees one node, and what it makes of its pods. */
function watch() {
  const clock = createManualClock();
  const boots = createBoots(clock);
  const isReady = (boot: string | undefined, startedAt: string | undefined, uid?: string) =>
    boots.sinceBoot('n1', booted(boot), [started(startedAt, uid)])[0]?.isReady;
  return { clock, isReady };
}
const LATER_MS = 61_000;

it('what was loaded counts no more when its node has booted, until its container has started again', async () => {
  const { clock, isReady } = watch();
  expect(isReady('a', '12:00')).toBe(true);
  await clock.advance(LATER_MS);

  expect(isReady('b', '12:00')).toBe(false);
  await clock.advance(LATER_MS);
  expect(isReady('b', '12:00')).toBe(false);
  expect(isReady('b', '12:05')).toBe(true);
});

it('a container that is seen before the boot that it belongs to counts', async () => {
  const { clock, isReady } = watch();
  isReady('a', '12:00');
  await clock.advance(LATER_MS);

  expect(isReady('a', '12:05')).toBe(true);
  await clock.advance(1_000);
  expect(isReady('b', '12:05')).toBe(true);
  await clock.advance(LATER_MS);
  expect(isReady('b', '12:05')).toBe(true);
});

it('a pod that takes the place of another is one of its own', async () => {
  const { clock, isReady } = watch();
  isReady('a', '12:00');
  await clock.advance(LATER_MS);
  isReady('b', '12:00');

  expect(isReady('b', '12:00', 'other')).toBe(true);
});

it.each([
  ['of a node that tells no boot', undefined, '12:00'],
  ['of a container that tells no start', 'b', undefined],
])('nothing is concluded %s', async (_what, boot, startedAt) => {
  const { clock, isReady } = watch();
  isReady('a', startedAt);
  await clock.advance(LATER_MS);

  expect(isReady(boot, startedAt)).toBe(true);
});

it('a node that has booted loses its labels until its containers have started again', async () => {
  const { cluster, calm } = await loadedWorld();
  const boot = (bootID: string) =>
    cluster.put(CORE.node, {
      ...(cluster.get(CORE.node, 'n1') as KubeObject),
      status: { nodeInfo: { kernelVersion: K1, bootID } },
    });
  const startAgain = (startedAt: string) => {
    for (const pod of cluster.all(CORE.pod))
      cluster.put(CORE.pod, {
        ...pod,
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [{ ready: true, state: { running: { startedAt } } }],
        },
      });
  };
  const isLabelled = () => READY in (cluster.get(CORE.node, 'n1')?.metadata.labels ?? {});
  boot('a');
  startAgain('12:00');
  await calm();
  expect(isLabelled()).toBe(true);

  boot('b');
  await calm();
  expect(isLabelled()).toBe(false);
  startAgain('12:05');
  await calm();
  expect(isLabelled()).toBe(true);
});
