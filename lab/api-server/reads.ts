import { apiVersionOf, type Clock, type KubeObject } from '@kmm-fleet/runtime';
import { ApiError, expired, notFound } from './api-error.ts';
import { createChannel, once } from './channel.ts';
import { type HostedKind, storageKey } from './kinds.ts';
import type { Route } from './route.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { ObjectStore, StoreEvent } from './store.ts';
import { partial, toTable } from './tables.ts';
import { keyOf } from './writes.ts';

export interface ReadRequest {
  readonly kind: HostedKind;
  readonly route: Route;
  readonly form: Form;
}

/** How the asker wants objects: whole, as rows, or without what is not metadata, one or many. */
export type Form = 'whole' | 'table' | 'metadata' | 'metadata of many';

export function formOf(accept = ''): Form {
  if (accept.includes('as=Table')) return 'table';
  if (accept.includes('as=PartialObjectMetadataList')) return 'metadata of many';
  return accept.includes('as=PartialObjectMetadata') ? 'metadata' : 'whole';
}

const notAcceptable = (what: string) =>
  new ApiError(406, 'NotAcceptable', `the metadata that was asked for is not that of ${what}`);

/** What was written, for who asked for less than all of it; nobody wants rows of that. */
export function answerOf(object: KubeObject, form: Form): object {
  if (form === 'metadata of many') throw notAcceptable('one object');
  return form === 'metadata' ? partial(object) : object;
}

export interface ReadPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

const BOOKMARK_MS = 60_000;
/** So long before a watch ends, its reader is told where to go on. */
const LAST_BOOKMARK_MS = 2_000;
/** In a token: not as the list was, but as it is when the token comes back. */
const LATEST = -1;

export function getObject({ kind, route, form }: ReadRequest, { store, clock }: ReadPorts): object {
  const object = store.get(storageKey(kind), keyOf(kind, route.namespace, route.name ?? ''));
  if (!object) throw notFound(kind.group ? `${kind.plural}.${kind.group}` : kind.plural, route.name ?? '');
  return form === 'table' ? toTable(kind, [object], clock, {}, includedIn(route)) : answerOf(object, form);
}

/** What rows carry beside their cells: `kubectl get --sort-by` asks for whole objects. */
const includedIn = ({ query }: Route) => query.get('includeObject') ?? 'Metadata';

export function listObjects({ kind, route, form }: ReadRequest, { store, clock }: ReadPorts): object {
  const matches = matcher(route, kind.kind);
  const all = store.list(storageKey(kind)).filter(matches);
  const limit = Number(route.query.get('limit') ?? 0);
  const { at, version } = readContinue(route.query.get('continue'), store);
  const from = at === undefined ? all : all.filter((object) => nameOf(object) > at);
  const page = limit > 0 ? from.slice(0, limit) : from;
  const last = page.at(-1);
  const next =
    last && from.length > page.length
      ? { continue: writeContinue(nameOf(last), version), remainingItemCount: from.length - page.length }
      : {};
  const metadata = { resourceVersion: String(version), ...next };
  if (form === 'table') return toTable(kind, page, clock, metadata, includedIn(route));
  if (form === 'metadata') throw notAcceptable('many objects');
  if (form === 'metadata of many')
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: page.map(partial),
    };
  return { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items: page };
}

/**
 * A watch as lines of JSON. Ends after `timeoutSeconds`, when it is closed from outside, or when its reader leaves. What
 * is wrong with its version is told as an event: the request itself was good.
 */
export function watchObjects(
  request: ReadRequest,
  ports: ReadPorts,
  closers: Set<() => void>,
): AsyncIterable<Uint8Array> {
  try {
    return openWatch(request, eventsToTell(request, ports), ports, closers);
  } catch (error) {
    if (error instanceof ApiError && error.code === 410) return once(eventLine('ERROR', error.status()));
    throw error;
  }
}

function eventsToTell({ kind, route }: ReadRequest, { store }: ReadPorts): readonly StoreEvent[] {
  const wanted = route.query.get('resourceVersion') ?? '';
  return wanted === '' || wanted === '0' || wantsInitialEvents(route)
    ? initialEvents(store, storageKey(kind))
    : missedEvents(store, storageKey(kind), Number(wanted));
}

/** A watch that begins with a list: kubectl 1.35 and newer client-go. */
const wantsInitialEvents = ({ query }: Route) => query.get('sendInitialEvents') === 'true';

function openWatch(
  request: ReadRequest,
  missed: readonly StoreEvent[],
  { store, clock }: ReadPorts,
  closers: Set<() => void>,
): AsyncIterable<Uint8Array> {
  const { kind, route } = request;
  const matches = matcher(route, kind.kind);
  let stopEnd = () => {};
  let stopBookmark = () => {};
  const channel = createChannel<Uint8Array>(() => {
    unsubscribe();
    closers.delete(channel.close);
    stopEnd();
    stopBookmark();
  });
  const send = (type: string, object: object) => channel.push(eventLine(type, object));
  const deliver = (event: StoreEvent) => {
    const seen = visible(event, matches);
    if (seen)
      send(
        seen.type,
        request.form === 'table'
          ? toTable(kind, [seen.object], clock, {}, includedIn(route))
          : answerOf(seen.object, request.form),
      );
  };
  const unsubscribe = store.subscribe(storageKey(kind), deliver);
  closers.add(channel.close);
  for (const event of missed) deliver(event);
  const seconds = Number(route.query.get('timeoutSeconds') ?? 0);
  if (seconds > 0) stopEnd = clock.after(seconds * 1_000, channel.close);
  if (route.query.get('allowWatchBookmarks') === 'true') {
    const mark = (metadata: object = {}) =>
      send('BOOKMARK', {
        ...{ kind: kind.kind, apiVersion: apiVersionOf(kind) },
        metadata: { resourceVersion: String(store.version), ...metadata },
      });
    if (wantsInitialEvents(route)) mark({ annotations: { 'k8s.io/initial-events-end': 'true' } });
    const last = seconds > 0 ? clock.now() + seconds * 1_000 - LAST_BOOKMARK_MS : Number.POSITIVE_INFINITY;
    const later = () => {
      const waitMs = Math.min(BOOKMARK_MS, last - clock.now());
      if (waitMs > 0) stopBookmark = clock.after(waitMs, bookmark);
    };
    const opened = store.version;
    const bookmark = () => {
      // As kube-apiserver: who knows all that there is hears nothing.
      if (store.version > opened) mark();
      later();
    };
    later();
  }
  return channel;
}

const eventLine = (type: string, object: object) => Buffer.from(`${JSON.stringify({ type, object })}\n`);

function initialEvents(store: ObjectStore, storage: string): StoreEvent[] {
  return store
    .list(storage)
    .map((object) => ({ type: 'ADDED', version: Number(object.metadata.resourceVersion), object }));
}

function missedEvents(store: ObjectStore, storage: string, from: number): readonly StoreEvent[] {
  // A version from the future belongs to another life of this server.
  if (!Number.isFinite(from) || from > store.version) throw expired();
  return store.since(storage, from);
}

/** An event as a watch with a selector sees it: objects enter and leave when their labels change. */
function visible({ type, object, before }: StoreEvent, matches: (object: KubeObject) => boolean) {
  const [was, is] = [before ? matches(before) : false, type !== 'DELETED' && matches(object)];
  if (type === 'DELETED') return was || matches(object) ? { type: 'DELETED', object } : undefined;
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  return was ? { type: 'DELETED', object } : undefined;
}

function matcher({ namespace, name, query }: Route, kind: string): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector'));
  const fields = parseFieldSelector(query.get('fieldSelector'), kind);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    labels(object.metadata.labels ?? {}) &&
    fields(object);
}

const nameOf = ({ metadata }: KubeObject) =>
  metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;

/** Pages go on by name at the version of the first page; the history must still hold it. */
function writeContinue(at: string, version: number): string {
  return Buffer.from(JSON.stringify({ at, version })).toString('base64url');
}

function readContinue(token: string | null, store: ObjectStore): { at: string | undefined; version: number } {
  if (!token) return { at: undefined, version: store.version };
  try {
    const { at, version } = JSON.parse(Buffer.from(token, 'base64url').toString()) as {
      at: string;
      version: number;
    };
    if (version === LATEST) return { at, version: store.version };
    if (store.isForgotten(version)) throw expired(writeContinue(at, LATEST));
    return { at, version };
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'BadRequest', 'continue key is not valid');
  }
}
