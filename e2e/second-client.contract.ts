import { RESOURCES } from '@kmm-fleet/api';
import { installObjects } from '@kmm-fleet/lab';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  createKubeClient,
  type KubeClient,
  listAll,
  systemRandom as random,
  type Transport,
} from '@kmm-fleet/runtime';
import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { resourcePath } from '../runtime/kube/paths.ts';
import { request } from './api-server/under-test.ts';
import { type Actor, STEPS } from './second-client/steps.ts';
import { type Client, theirClient } from './second-client/their-client.ts';

/** One API server, as each of the two clients reaches it. */
export interface TwiceReached {
  readonly transport: Transport;
  readonly config: KubeConfig;
}

const MANAGER = 'second-opinion';
const PAGE_ITEMS = 2;
const SELECTOR = { a: '1' };
const KINDS = [
  { type: RESOURCES.module, namespace: { namespace: 'default' }, spec: { selector: SELECTOR } },
  {
    type: RESOURCES.managedClusterModule,
    namespace: {},
    spec: { selector: SELECTOR, spokeNamespace: 'default', moduleSpec: { selector: {} } },
  },
];

/** Our client and one that we did not write do the same to one object each: answers and what is stored are equal. */
export function describeSecondClient(name: string, server: () => TwiceReached): void {
  describe.each(KINDS)(`two clients of ${name}, with one $type.kind each`, ({ type, namespace, spec }) => {
    let ours: Client;
    let theirs: Client;
    let actors: readonly Actor[];

    beforeAll(async () => {
      const { transport, config } = server();
      const admin = createKubeClient({ transport, clock, random, userAgent: MANAGER });
      await installObjects(admin, [editions.hub, editions.spoke].flatMap(groundObjects), clock);
      const startedAt = await vi.waitFor(() => versionOfList(admin), { timeout: 20_000, interval: 100 });
      ours = createKubeClient({ transport: inSmallPages(transport), clock, random, userAgent: MANAGER });
      theirs = theirClient(config, { fieldManager: MANAGER, pageItems: PAGE_ITEMS });
      actors = [
        { client: ours, type, at: { ...namespace, name: 'ours' }, spec, startedAt },
        { client: theirs, type, at: { ...namespace, name: 'theirs' }, spec, startedAt },
      ];
    });

    const versionOfList = async (client: KubeClient) => {
      for await (const { resourceVersion } of client.list(type, namespace)) return resourceVersion;
      return '';
    };
    const stored = async ({ at }: Actor) => {
      const answer = await server().transport.request(request('GET', resourcePath(type, at)));
      const pieces = await Array.fromAsync(answer.body);
      return { status: answer.status, body: JSON.parse(Buffer.concat(pieces).toString()) };
    };

    for (const [title, comesTo, run, shows] of STEPS) {
      it(`${title}, which comes to ${comesTo}`, async () => {
        const outcomes: object[] = [];
        const both: unknown[] = [];
        for (const actor of actors) {
          const outcome = await outcomeOf(run(actor));
          outcomes.push(outcome);
          both.push(withoutIdentity({ outcome, stored: await stored(actor) }, actor.at.name));
        }

        expect(outcomes[0]).toMatchObject({ comesTo, ...(shows && { answer: shows }) });
        expect(both[0]).toEqual(both[1]);
      });
    }

    it('reads of the other’s objects exactly what the other reads', async () => {
      const objects = await listAll(ours, type, namespace);

      expect(objects).toHaveLength(2 * 4);
      expect(await listAll(theirs, type, namespace)).toEqual(objects);
      for (const { metadata } of objects)
        expect(await ours.get(type, metadata)).toEqual(await theirs.get(type, metadata));
    });
  });
}

/** The pages of ours have hundreds of objects; so that a few make several, the server is asked for fewer. */
function inSmallPages(transport: Transport): Transport {
  const small = (path: string) => path.replace(/\blimit=\d+/, `limit=${PAGE_ITEMS}`);
  return {
    ...transport,
    request: (each, signal) => transport.request({ ...each, path: small(each.path) }, signal),
  };
}

/** An answer, or status and words of the server's refusal, which each client throws in its own way. */
async function outcomeOf(step: Promise<unknown>): Promise<object> {
  try {
    return { comesTo: 'done', answer: await step };
  } catch (error) {
    if (error instanceof ApiException)
      return { comesTo: error.code, words: (JSON.parse(error.body) as { message: string }).message };
    const [, status, words] = /^[A-Z]+ \S+: (\d{3}) (.*)$/s.exec((error as Error).message) ?? [];
    if (status === undefined) throw error;
    return { comesTo: Number(status), words };
  }
}

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
}

/** Servers sort them by time, in seconds, so two objects with one history may have them in different order. */
const byManager = (a: ManagedFields, b: ManagedFields) => placeOf(a).localeCompare(placeOf(b));
const placeOf = ({ manager, operation, subresource }: ManagedFields) =>
  `${manager} ${operation} ${subresource}`;

/** The second may begin between the one's turn and the other's. */
const OF_ITS_OWN = ['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'time'];

/** With one name for both, and without what differs between any two objects. */
function withoutIdentity(record: object, name: string): unknown {
  const text = JSON.stringify(record, (key, value) => {
    if (key === 'managedFields') return (value as ManagedFields[]).toSorted(byManager);
    return OF_ITS_OWN.includes(key) ? 'its own' : value;
  });
  const alike = text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'a uid')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time')
    .replaceAll(/(version[^"{}\d]*)\d+/gi, '$1a version')
    .replaceAll(name, 'it');
  return JSON.parse(alike);
}
