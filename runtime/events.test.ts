import { expect, it } from 'vitest';
import { createEvents, type EventText } from './events.ts';
import type { KubeClient } from './kube/client.ts';
import type { KubeObject } from './kube/object.ts';
import { silentLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';

/** A recorder whose writes wait until `answer` lets the oldest one go on. */
function world(isPatient = false) {
  const clock = createManualClock();
  const sent: KubeObject[] = [];
  const waiting: { done(): void; fail(error: Error): void }[] = [];
  const apply: KubeClient['apply'] = (_type, event) => {
    sent.push(event);
    if (!isPatient) return Promise.resolve(event);
    return new Promise((resolve, reject) => waiting.push({ done: () => resolve(event), fail: reject }));
  };
  const client = { apply } as Partial<KubeClient> as KubeClient;
  const recorder = createEvents({ client, clock, component: 'kmm', log: silentLog });
  const record = (name: string, change: Partial<EventText> = {}, of = pod(name)) =>
    recorder.record(of, { type: 'Normal', reason: 'Loaded', message: 'done', ...change });
  const counts = () => sent.map(({ metadata, count }) => `${metadata.name.split('.')[0]} ${String(count)}`);
  return { clock, sent, waiting, recorder, record, counts };
}

const pod = (name: string, namespace?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, uid: `uid-${name}`, ...(namespace && { namespace }) },
});

it('writes an event beside its object, about it, in the form of Kubernetes', async () => {
  const { sent, record, recorder } = world();
  record('p', { type: 'Warning', annotations: { why: 'because' } }, pod('p', 'n'));
  await recorder.flush();

  expect(sent).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        namespace: 'n',
        name: expect.stringMatching(/^p\.[0-9a-f]{16}$/) as string,
        annotations: { why: 'because' },
      },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', namespace: 'n' },
      type: 'Warning',
      reason: 'Loaded',
      message: 'done',
      source: { component: 'kmm' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
    },
  ]);
});

it('counts the same event in one object, with its first and its last time', async () => {
  const { clock, sent, record, recorder, counts } = world();
  record('p');
  await clock.advance(61_000);
  record('p');
  await recorder.flush();

  expect(counts()).toEqual(['p 1', 'p 2']);
  expect(new Set(sent.map(({ metadata }) => metadata.name)).size).toBe(1);
  expect(sent[1]).toMatchObject({
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:01:01Z',
  });
});

it.each<[string, Partial<EventText>, KubeObject?]>([
  ['another text', { message: 'other' }],
  ['another reason', { reason: 'Other' }],
  ['another type', { type: 'Warning' }],
  ['another object', {}, pod('q')],
  ['a successor of the same name', {}, { ...pod('p'), metadata: { name: 'p', uid: 'another' } }],
  ['an object elsewhere', {}, pod('p', 'n')],
])('begins a new object for %s', async (_what, change, of) => {
  const { sent, record, recorder } = world();
  record('p');
  record('p', change, of);
  await recorder.flush();

  expect(sent.map(({ count }) => count)).toEqual([1, 1]);
  expect(sent[0]?.metadata.name).not.toBe(sent[1]?.metadata.name);
});

it('puts events about what has no namespace into the default one', async () => {
  const { sent, record, recorder } = world();
  record('node');
  await recorder.flush();

  expect(sent[0]?.metadata.namespace).toBe('default');
  expect(sent[0]?.['involvedObject']).not.toHaveProperty('namespace');
});

it('writes one version of an event at a time, and of those that wait only the newest', async () => {
  const { clock, waiting, record, recorder, counts } = world(true);
  for (let time = 0; time < 5; time++) record('p');
  record('q');
  expect(counts()).toEqual(['p 1', 'q 1']);
  waiting.shift()?.done();
  await clock.settle();
  expect(counts()).toEqual(['p 1', 'q 1', 'p 5']);
  for (const { done } of waiting.splice(0)) done();
  await recorder.flush();

  record('p');
  expect(counts()).toEqual(['p 1', 'q 1', 'p 5', 'p 6']);
  waiting.shift()?.done();
  await recorder.flush();
});

it('goes on after an event that could not be written, and flush waits for all', async () => {
  const { clock, waiting, record, recorder, counts } = world(true);
  record('p');
  record('p');
  let isFlushed = false;
  const flushed = recorder.flush().then(() => {
    isFlushed = true;
  });
  waiting.shift()?.fail(new Error('no'));
  await clock.settle();
  expect(counts()).toEqual(['p 1', 'p 2']);
  expect(isFlushed).toBe(false);
  waiting.shift()?.done();
  await flushed;
});

it('forgets what was told longest ago, not what is told again and again', async () => {
  const { record, recorder, counts } = world();
  record('old');
  record('often');
  for (let index = 0; index < 1_500; index++) {
    record(`p${index}`);
    record('often');
  }
  await recorder.flush();
  record('old');
  await recorder.flush();

  expect(counts()).toContain('often 1501');
  expect(counts().slice(-1)).toEqual(['old 1']);
});

it('remembers others while one is told again and again', async () => {
  const { record, recorder, counts } = world();
  for (let index = 0; index < 1_000; index++) record(`p${index}`);
  for (let time = 0; time < 100; time++) record('p999');
  await recorder.flush();
  record('p0');
  await recorder.flush();

  expect(counts().slice(-1)).toEqual(['p0 2']);
});

it.each([
  ['a dotted', 'p.q'],
  ['a long', 'a'.repeat(253)],
  ['a badly cut', `${'a'.repeat(198)}-.b.c`],
])('makes a name that a server takes for an object with %s name', async (_what, name) => {
  const { sent, record, recorder } = world();
  record(name);
  await recorder.flush();

  expect(sent[0]?.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  expect(sent[0]?.metadata.name.length).toBeLessThanOrEqual(253);
});

it('cuts a message at the length that Kubernetes takes', async () => {
  const { sent, record, recorder } = world();
  record('p', { message: 'x'.repeat(5_000) });
  await recorder.flush();

  expect(sent[0]?.['message']).toHaveLength(1_024);
});
