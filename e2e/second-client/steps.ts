import {
  apiVersionOf,
  type KubeObject,
  type ObjectName,
  type ResourceType,
  type WatchEvent,
} from '@kmm-fleet/runtime';
import type { Client } from './their-client.ts';

/** One client at work on an object of its own. */
export interface Actor {
  readonly client: Client;
  readonly type: ResourceType;
  /** Of its object. More of its objects have names that begin so; all have the name as label. */
  readonly at: ObjectName;
  readonly spec: object;
  /** Version of the kind's list before the first step. */
  readonly startedAt: string;
  /** As the object was read once. */
  old?: KubeObject | undefined;
}

/** Its name, `done` or the status of the refusal that it comes to, what is done, and what must be in the answer. */
export type Step = readonly [
  title: string,
  comesTo: 'done' | number,
  run: (actor: Actor) => Promise<unknown>,
  shows?: object,
];

const MORE = ['-1', '-2', '-3', '-4'];
const TYPES = [...Array(5).fill('ADDED'), ...Array(6).fill('MODIFIED'), 'DELETED'];
const SOMEBODY = '00000000-0000-4000-8000-000000000000';

const selecting = (selector: object) => ({ spec: { selector } });

/** What controllers and tools ask of an API server, in the order of an object's life. */
export const STEPS: readonly Step[] = [
  ['create', 'done', (actor) => create(actor), { metadata: { generation: 1 }, ...selecting({ a: '1' }) }],
  ['create what is there', 409, (actor) => create(actor)],
  ['create what the schema refuses', 422, (actor) => create(actor, '-bad', { selector: 1 })],
  [
    'get',
    'done',
    async (actor) => {
      actor.old = await get(actor);
      return actor.old;
    },
    selecting({ a: '1' }),
  ],
  ['get what is not there', 'done', (actor) => get({ ...actor, at: { ...actor.at, name: 'nobody' } })],
  [
    'create more',
    'done',
    async (actor) => {
      for (const more of MORE) await create(actor, more);
    },
  ],
  ['list by a label, in pages', 'done', (actor) => pages(actor, actor.at.name), { sizes: [2, 2, 1] }],
  ['list by a label that none has', 'done', (actor) => pages(actor, 'nobody'), { sizes: [0] }],
  [
    'patch a label and a field in, and a field out',
    'done',
    (actor) => patch(actor, { metadata: { labels: { more: 'yes' } }, ...selecting({ a: null, b: '2' }) }),
    { metadata: { generation: 2, labels: { more: 'yes' } }, ...selecting({ b: '2' }) },
  ],
  [
    'patch what changed since it was read',
    409,
    (actor) => patch(actor, { metadata: { ...versionOf(actor.old), labels: { more: 'no' } } }),
  ],
  ['apply a field of another manager', 409, (actor) => apply(actor, selecting({ b: '3' }))],
  [
    'apply it by force, and one more',
    'done',
    (actor) => apply(actor, selecting({ b: '3', c: '4' }), { force: true }),
    { metadata: { generation: 3 }, ...selecting({ b: '3', c: '4' }) },
  ],
  ['apply the same again', 'done', (actor) => apply(actor, selecting({ b: '3', c: '4' }))],
  [
    'apply one field less, so that it goes',
    'done',
    (actor) => apply(actor, selecting({ b: '3' })),
    { metadata: { generation: 4 }, ...selecting({ b: '3' }) },
  ],
  ['apply none, so that what is required would go', 422, (actor) => apply(actor, selecting({}))],
  [
    'apply a status',
    'done',
    (actor) => apply(actor, { status: { observedGeneration: 1 } }, { subresource: 'status' }),
    { metadata: { generation: 4 }, status: { observedGeneration: 1 } },
  ],
  ['patch a status', 'done', (actor) => patch(actor, { status: { observedGeneration: 2 } }, 'status')],
  [
    'patch a status in the wrong place',
    'done',
    (actor) => patch(actor, { status: { observedGeneration: 3 } }),
    { status: { observedGeneration: 2 } },
  ],
  [
    'patch a status that the schema refuses',
    422,
    (actor) => patch(actor, { status: { observedGeneration: 'x' } }, 'status'),
  ],
  ['replace what changed since it was read', 409, (actor) => replace(actor)],
  [
    'replace what was read just now',
    'done',
    async (actor) => {
      actor.old = await get(actor);
      return replace(actor);
    },
  ],
  ['delete by the uid of another', 409, ({ client, type, at }) => client.delete(type, at, { uid: SOMEBODY })],
  [
    'delete what changed since it was read',
    409,
    ({ client, type, at, old }) => client.delete(type, at, versionOf(old)),
  ],
  [
    'delete what was read just now',
    'done',
    async (actor) => {
      const now = await get(actor);
      return actor.client.delete(actor.type, actor.at, { ...versionOf(now), uid: now?.metadata.uid ?? '' });
    },
  ],
  ['delete what is gone', 'done', ({ client, type, at }) => client.delete(type, at)],
  ['watch all of it again', 'done', (actor) => history(actor), { types: TYPES }],
];

const get = ({ client, type, at }: Actor) => client.get(type, at);

const create = (actor: Actor, more = '', spec = actor.spec) =>
  actor.client.create(actor.type, { ...identity(actor, more), spec });

const patch = ({ client, type, at }: Actor, change: object, subresource?: 'status') =>
  client.mergePatch(type, at, change, { fieldManager: 'patcher', ...(subresource && { subresource }) });

const apply = (actor: Actor, change: object, how: { force?: boolean; subresource?: 'status' } = {}) =>
  actor.client.apply(actor.type, { ...identity(actor, ''), ...change }, { fieldManager: 'applier', ...how });

const replace = async ({ client, type, old }: Actor) => {
  if (!old) throw new Error('nothing was read');
  const labels = { ...old.metadata.labels, replaced: 'yes' };
  return client.replace(type, { ...old, metadata: { ...old.metadata, labels } });
};

const versionOf = (object: KubeObject | undefined) => ({
  resourceVersion: object?.metadata.resourceVersion ?? '',
});

const identity = ({ type, at }: Actor, more: string): KubeObject => ({
  apiVersion: apiVersionOf(type),
  kind: type.kind,
  metadata: { ...at, name: `${at.name}${more}`, labels: { of: at.name } },
});

async function pages({ client, type, at }: Actor, of: string): Promise<object> {
  const found: (readonly KubeObject[])[] = [];
  for await (const { items } of client.list(type, having(at, of))) found.push(items);
  return { sizes: found.map(({ length }) => length), items: found.flat() };
}

const having = ({ namespace }: ObjectName, of: string) => ({
  labelSelector: `of=${of}`,
  ...(namespace && { namespace }),
});

/** Events from before the first step to the end of the object. */
async function history({ client, type, at, startedAt }: Actor): Promise<object> {
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const from = { ...having(at, at.name), resourceVersion: startedAt };
  for await (const event of client.watch(type, from, stop.signal)) {
    if (event.type !== 'BOOKMARK') events.push(event);
    if (event.type === 'DELETED') break;
  }
  stop.abort();
  return { types: events.map((event) => event.type), events };
}
