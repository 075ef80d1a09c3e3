import { expect, it } from 'vitest';
import { AppError, type FailureCode } from './errors.ts';
import type { KubeClient } from './kube/client.ts';
import { definitionGaps } from './kube/definition-gaps.ts';
import type { KubeObject } from './kube/object.ts';
import { createLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';
import { refusalOf } from './side-by-side.ts';

const definition = (spec: object, name = 'v1beta1', served = true): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'modules.kmm.sigs.x-k8s.io' },
  spec: {
    versions: [{ name, served, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }],
  },
});
const text = { type: 'string' };
const list = (items: object) => ({ type: 'object', properties: { mappings: { type: 'array', items } } });
const ours = definition(list({ type: 'object', properties: { literal: text, image: text } }));

it.each<[string, KubeObject, string[]]>([
  ['is the same', ours, []],
  [
    'knows more',
    definition(list({ type: 'object', properties: { literal: text, image: text, more: text } })),
    [],
  ],
  [
    'keeps what it does not know',
    definition({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
    [],
  ],
  [
    'lacks a field',
    definition(list({ type: 'object', properties: { literal: text } })),
    ['v1beta1.spec.mappings[].image'],
  ],
  ['has another type', definition(list({ type: 'string' })), ['v1beta1.spec.mappings[]']],
  ['has another version', definition(text, 'v1'), ['v1beta1']],
  ['serves the version no more', definition(text, 'v1beta1', false), ['v1beta1']],
])('a definition that %s has these gaps', (_, found, gaps) => {
  expect(definitionGaps(ours, found)).toEqual(gaps);
});

interface Shown {
  readonly namespace: string;
  readonly holder?: string;
  /** Renewed every so often. */
  readonly renewsMs?: number;
}

/** Asks in a cluster with these leases and this definition, until there is an answer. */
async function ask(leases: readonly Shown[], found?: KubeObject, failures: FailureCode[] = []) {
  const clock = createManualClock();
  const lines: string[] = [];
  const writes: string[] = [];
  const refuse = () => {
    const code = failures.shift();
    if (code) throw new AppError(code, 'no');
  };
  const items = () =>
    leases.map(({ namespace, holder, renewsMs }) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace,
        name: 'l',
        resourceVersion: `${renewsMs ? Math.floor(clock.now() / renewsMs) : 1}`,
      },
      spec: { holderIdentity: holder ?? null, leaseDurationSeconds: 15 },
    }));
  const reads: Partial<KubeClient> = {
    get: async () => (refuse(), found),
    async *list(_type, options) {
      refuse();
      expect(options?.fieldSelector).toBe('metadata.name=l');
      yield { items: items(), resourceVersion: '1' };
    },
  };
  const client = new Proxy(reads as KubeClient, {
    get: (target, verb) => Reflect.get(target, verb) ?? (() => writes.push(String(verb))),
  });
  const log = createLog('test', { write: (line) => lines.push(line), now: clock.now });
  const options = { client, clock, log, namespace: 'mine', leaseName: 'l', definitions: [ours] };
  const answer = refusalOf(options, new AbortController().signal);
  await clock.advance(60_000);
  return { refusal: await answer, lines, writes };
}

it.each<[string, Shown[]]>([
  ['there is no other', []],
  ['the lease is in its own namespace', [{ namespace: 'mine', holder: 'a', renewsMs: 2_000 }]],
  ['another lease was given up', [{ namespace: 'theirs', renewsMs: 2_000 }]],
  ['the holder of another one is gone', [{ namespace: 'theirs', holder: 'a' }]],
])('an operator starts when %s', async (_, leases) => {
  expect(await ask(leases, ours)).toEqual({ refusal: undefined, lines: [], writes: [] });
});

it('an operator refuses to start beside one that works, and writes nothing', async () => {
  const { refusal, writes } = await ask([{ namespace: 'theirs', holder: 'kmm-1', renewsMs: 10_000 }], ours);

  expect(refusal).toBe(
    'Another operator works on this cluster: kmm-1 holds Lease theirs/l. Uninstall one of the two.',
  );
  expect(writes).toEqual([]);
});

it('an operator refuses to start on kinds of another version, and writes nothing', async () => {
  const { refusal, writes } = await ask([], definition(list({ type: 'object', properties: {} })));

  expect(refusal).toBe(
    'CustomResourceDefinition modules.kmm.sigs.x-k8s.io is of another version: it lacks v1beta1.spec.mappings[].literal, v1beta1.spec.mappings[].image. Apply what kmm install prints.',
  );
  expect(writes).toEqual([]);
});

it('asks again while nobody answers, and goes on where it may not ask', async () => {
  const beside: Shown[] = [{ namespace: 'theirs', holder: 'a', renewsMs: 2_000 }];
  const later = await ask(beside, ours, ['API_UNREACHABLE', 'API_UNREACHABLE']);
  expect(later.refusal).toMatch(/holds Lease theirs/);
  expect(later.lines).toHaveLength(2);

  const blind = await ask(beside, ours, ['API_FORBIDDEN', 'API_FORBIDDEN']);
  expect(blind.refusal).toBeUndefined();
  expect(blind.lines).toHaveLength(2);
});
