import { expect, it } from 'vitest';
import { AppError } from './errors.ts';
import { createEvents } from './events.ts';
import type { KubeClient } from './kube/client.ts';
import { CORE } from './kube/object.ts';
import { silentLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';
import { createOperatorLife } from './operator-life.ts';

const NODE = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };
const never = () => new Promise<never>(() => {});

/** An operator that records an event as its last deed, and an API server that does what it is told. */
function world(answers: Partial<KubeClient>) {
  const clock = createManualClock();
  const client = answers as KubeClient;
  const events = createEvents({ client, clock, component: 'test', log: silentLog });
  const state = { isReady: false, blind: [] as string[], obeys: true };
  const operator = {
    async run(signal: AbortSignal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      events.record(NODE, { type: 'Normal', reason: 'Loaded', message: 'The last word.' });
      if (!state.obeys) await never();
    },
    ready: () => state.isReady,
    blind: () => state.blind,
  };
  const life = createOperatorLife(operator, events, clock);
  const stop = new AbortController();
  const lease = { client, clock, random: () => 0, log: silentLog, namespace: 'n', name: 'l', identity: 'i' };
  return { clock, state, life, stop, lease };
}

it('ends when its last event is written, and not before', async () => {
  const writing = Promise.withResolvers<typeof NODE>();
  const { clock, life, stop } = world({ apply: () => writing.promise });
  let ended = false;
  const running = life.run(undefined, stop.signal).then(() => {
    ended = true;
  });
  stop.abort();
  await clock.settle();
  expect(ended).toBe(false);

  writing.resolve(NODE);
  await running;

  expect(clock.pending()).toBe(0);
});

it('waits for its last event only some seconds', async () => {
  const { clock, life, stop } = world({ apply: never });
  const running = life.run(undefined, stop.signal);
  stop.abort();

  await clock.advance(5_000);

  await expect(running).resolves.toBeUndefined();
});

it('is ready while it stands by, then when its caches are filled, until they have seen nothing for minutes', async () => {
  const { clock, state, life, stop } = world({ apply: async () => NODE });
  expect(life.notReady()).toBeUndefined();

  const running = life.run(undefined, stop.signal);
  expect(life.notReady()).toBe('not ready: waiting for caches');
  state.isReady = true;
  expect(life.notReady()).toBeUndefined();
  state.blind = ['Node', 'Pod'];
  expect(life.notReady()).toBe('not ready: for minutes nothing could be seen of Node, Pod');

  stop.abort();
  await clock.settle();
  await running;
});

it.each([
  ['NOT_FOUND', 'namespaces "n" not found', 'Create the namespace, or set OPERATOR_NAMESPACE'],
  ['API_FORBIDDEN', 'leases is forbidden', 'Grant the missing right'],
] as const)('is not ready and says why while it may not have the lease (%s)', async (code, words, next) => {
  let isMended = false;
  const { clock, life, stop, lease } = world({
    get: async () => undefined,
    create: async () => {
      if (!isMended) throw new AppError(code, words);
      throw new AppError('CONFLICT', 'a rival was quicker');
    },
    apply: async () => NODE,
  });
  const logged: unknown[] = [];
  const log = { ...silentLog, error: (event: string, fields?: object) => logged.push({ event, ...fields }) };
  const running = life.run({ ...lease, log }, stop.signal);
  await clock.advance(60_000);

  expect(life.notReady()).toContain(`Lease n/l cannot be read or created: ${words}. ${next}`);
  expect(logged).toEqual([
    { event: 'lease.unreachable', key: 'n/l', code, message: expect.stringContaining(next) },
  ]);

  isMended = true;
  await clock.advance(5_000);
  expect(life.notReady()).toBeUndefined();
  stop.abort();
  await clock.settle();
  await running;
});

it.each([
  ['a rival', { get: async () => rivals() }, []],
  [
    'a server that does not answer',
    { get: () => Promise.reject(new AppError('API_UNREACHABLE', 'refused')) },
    ['lease.unreachable'],
  ],
])('stands by, ready, beside %s', async (_name, answers: Partial<KubeClient>, told) => {
  const { clock, life, stop, lease } = world(answers);
  const logged: string[] = [];
  const log = { ...silentLog, error: (event: string) => logged.push(event) };
  const running = life.run({ ...lease, log }, stop.signal);
  await clock.advance(10_000);

  expect(life.notReady()).toBeUndefined();
  expect(logged).toEqual(told);
  stop.abort();
  await clock.settle();
  await running;
});

const rivals = () => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'l', resourceVersion: '1' },
  spec: { holderIdentity: 'a rival', leaseDurationSeconds: 15 },
});

it('is healthy as long as it tries for the lease, also when nobody answers', async () => {
  const refuse = () => Promise.reject(new AppError('API_UNREACHABLE', 'refused'));
  const { clock, life, stop, lease } = world({ get: refuse });
  const running = life.run(lease, stop.signal);

  await clock.advance(600_000);
  expect(life.sick()).toBeUndefined();

  stop.abort();
  await clock.settle();
  await running;
});

it('is sick when it lost the lease and its work does not end', async () => {
  let holder = 'i';
  const leaseOf = () => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'l', resourceVersion: holder },
    spec: { holderIdentity: holder },
  });
  const { clock, state, life, stop, lease } = world({
    get: async (type) => (type === CORE.lease ? leaseOf() : undefined),
    replace: async () => {
      if (holder === 'i') return leaseOf();
      throw new AppError('CONFLICT', 'taken');
    },
    apply: async () => NODE,
  });
  state.obeys = false;
  void life.run(lease, stop.signal);
  await clock.advance(60_000);
  expect(life.sick()).toBeUndefined();

  holder = 'another';
  await clock.advance(70_000);

  expect(life.sick()).toMatch(/^stuck/);
});
