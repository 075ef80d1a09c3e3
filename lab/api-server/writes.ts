import {
  apiVersionOf,
  type Clock,
  deepEqual,
  type KubeObject,
  mergePatch,
  type Random,
} from '@kmm-fleet/runtime';
import { applyPatch, type Operation } from 'rfc6902';
import { admitPod } from './admission.ts';
import { ApiError, badRequest, conflict, invalid, methodNotAllowed, notFound } from './api-error.ts';
import { asObject, checkUnknown, checkUnknownAfter } from './bodies.ts';
import { checkImmutable, withClass } from './immutable.ts';
import { type HostedKind, storageKey } from './kinds.ts';
import { applyObject, trackUpdate, type Writer } from './patch/managed-fields.ts';
import { strategicMerge } from './patch/strategic-merge.ts';
import { qosClass } from './qos-class.ts';
import type { Route } from './route.ts';
import { conform, isObject } from './schema/structural.ts';
import { validate } from './schema/validate.ts';
import type { ObjectStore } from './store.ts';

export interface WritePorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** A write request, read. */
export interface WriteRequest {
  readonly kind: HostedKind;
  readonly route: Route;
  readonly body: unknown;
  readonly contentType: string;
  /** Name of the writer: `fieldManager`, or the first word of the user agent. */
  readonly manager: string;
}

const NAME = /^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/;

export function create(request: WriteRequest, ports: WritePorts): KubeObject {
  const { kind, route } = request;
  checkUnknown(request);
  const object = asObject(request.body, kind);
  const name = object.metadata.name || generateName(object, ports.random);
  const metadata = { ...object.metadata, name };
  checkName(kind, metadata.name);
  checkNamespace(request, ports, object.metadata.namespace);
  const namespace = route.namespace ?? object.metadata.namespace;
  if (kind.kind === 'Pod') admitPod(object, namespace ?? '', ports.store);
  const key = keyOf(kind, namespace, name);
  if (ports.store.get(storageKey(kind), key)) {
    throw new ApiError(
      409,
      'AlreadyExists',
      `${kind.plural}${kind.group ? `.${kind.group}` : ''} "${name}" already exists`,
    );
  }
  const { status, ...rest } = {
    ...object,
    metadata: freshMetadata(kind, metadata, route, ports),
  } as KubeObject;
  const ready = finish(
    kind,
    kind.hasStatus && kind.schema
      ? (rest as KubeObject)
      : inPhase(kind, { ...rest, ...(status !== undefined && { status }) } as KubeObject),
  );
  return store(request, ports, key, undefined, trackUpdate(undefined, ready, tracking(request, ports)));
}

export function replace(request: WriteRequest, ports: WritePorts): KubeObject {
  checkUnknown(request);
  const { live, key } = existing(request, ports);
  const object = asObject(request.body, request.kind);
  const { resourceVersion, name } = object.metadata;
  if (name && name !== live.metadata.name)
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${live.metadata.name})`,
    );
  if (!resourceVersion && request.kind.schema) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    const causes = [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }];
    throw invalid(`${request.kind.plural}.${request.kind.group}`, live.metadata.name, causes);
  }
  if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw stale(request);
  return update(request, ports, key, live, object);
}

export function patch(request: WriteRequest, ports: WritePorts): KubeObject {
  if (request.contentType.startsWith('application/apply-patch')) {
    checkUnknown(request);
    return apply(request, ports);
  }
  const { live, key } = existing(request, ports);
  const patched = asObject(patchedObject(request, live), request.kind);
  // What it leads to counts: a patch may take an unknown field away.
  checkUnknownAfter({ ...request, body: patched }, request.body);
  const wanted = (
    isObject(request.body)
      ? (request.body['metadata'] as { resourceVersion?: string } | undefined)
      : undefined
  )?.resourceVersion;
  if (wanted && wanted !== live.metadata.resourceVersion) throw stale(request);
  return update(request, ports, key, live, patched);
}

function patchedObject({ contentType, body, kind }: WriteRequest, live: KubeObject): KubeObject {
  if (contentType.startsWith('application/json-patch+json')) {
    if (!Array.isArray(body)) throw badRequest('a JSON patch is a list of operations');
    const copy = structuredClone(live);
    const [failure] = applyPatch(copy, body as Operation[]).filter((problem) => problem !== null);
    if (failure) throw new ApiError(422, 'Invalid', `the patch cannot be applied: ${failure.message}`);
    return copy;
  }
  if (!isObject(body)) throw badRequest('the patch is not an object');
  if (contentType.startsWith('application/strategic-merge-patch+json')) {
    if (kind.schema)
      throw new ApiError(
        415,
        'UnsupportedMediaType',
        'strategic merge patch is not supported for custom resources',
      );
    return strategicMerge(live, body) as KubeObject;
  }
  if (contentType.startsWith('application/merge-patch+json')) return mergePatch(live, body) as KubeObject;
  throw new ApiError(415, 'UnsupportedMediaType', `the patch type ${contentType} is not supported`);
}

function apply(request: WriteRequest, ports: WritePorts): KubeObject {
  const { kind, route } = request;
  if (!route.query.get('fieldManager')) throw badRequest('fieldManager is required for apply patch');
  const config = asObject(request.body, kind);
  const name = route.name ?? config.metadata.name;
  const key = keyOf(kind, route.namespace, name);
  const found = ports.store.get(storageKey(kind), key);
  if (!found && route.subresource) throw notFound(kind.plural, name);
  if (!found) checkNamespace(request, ports, config.metadata.namespace);
  checkName(kind, name);
  const base: KubeObject = found ?? {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: freshMetadata(kind, { name }, route, ports),
  };
  const own = onlyPart({ ...config, metadata: { ...config.metadata, name } }, route.subresource, kind);
  const merged = applyObject(base, own, {
    ...tracking(request, ports),
    force: route.query.get('force') === 'true',
  });
  const ready = finish(kind, merged, found);
  if (!found) return store(request, ports, key, undefined, inPhase(kind, ready));
  checkImmutable(kind, found, ready);
  if (config.metadata.resourceVersion && config.metadata.resourceVersion !== found.metadata.resourceVersion)
    throw stale(request);
  return store(request, ports, key, found, ready);
}

/** The part of a configuration that its path may write. */
function onlyPart(config: KubeObject, subresource: string | undefined, kind: HostedKind): KubeObject {
  const { status, ...rest } = config;
  if (subresource === 'status')
    return {
      apiVersion: config.apiVersion,
      kind: config.kind,
      metadata: { name: config.metadata.name },
      status,
    };
  return kind.hasStatus && kind.schema ? (rest as KubeObject) : config;
}

/** Brings a changed object into the store: identity and the other half (spec or status) stay as they are. */
function update(
  request: WriteRequest,
  ports: WritePorts,
  key: string,
  live: KubeObject,
  wanted: KubeObject,
): KubeObject {
  const { kind, route } = request;
  const isStatus = route.subresource === 'status';
  const spec = isStatus
    ? { ...live, status: kind.kind === 'Pod' ? withClass(live, wanted['status']) : wanted['status'] }
    : { ...wanted, ...(kind.hasStatus && { status: live['status'] }) };
  if (spec.status === undefined) delete spec.status;
  const {
    uid,
    creationTimestamp,
    name,
    namespace,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
  } = live.metadata;
  const base = isStatus ? live.metadata : wanted.metadata;
  const identity = {
    uid,
    creationTimestamp,
    name,
    ...(namespace && { namespace }),
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  if (wanted.metadata?.uid && wanted.metadata.uid !== uid)
    throw conflict(
      kind.plural,
      name,
      `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${uid}`,
    );
  const metadata = Object.fromEntries(
    Object.entries({ ...base, ...identity }).filter(([, value]) => value !== undefined),
  );
  const whole = { ...(spec as KubeObject), metadata: metadata as unknown as KubeObject['metadata'] };
  const ready = finish(kind, whole, live);
  checkImmutable(kind, live, ready);
  return store(request, ports, key, live, trackUpdate(live, ready, tracking(request, ports)));
}

function store(
  request: WriteRequest,
  ports: WritePorts,
  key: string,
  live: KubeObject | undefined,
  object: KubeObject,
): KubeObject {
  const { kind, route } = request;
  if (route.query.getAll('dryRun').includes('All')) return object;
  const storage = storageKey(kind);
  const next =
    live && changesSpec(live, object)
      ? { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 1) + 1 } }
      : object;
  if (live && deepEqual(withoutTimes(live), withoutTimes(next))) return live;
  const isGone =
    next.metadata.deletionTimestamp && !next.metadata.finalizers?.length && !waitsForOthers(next);
  return isGone ? ports.store.remove(storage, key, next) : ports.store.put(storage, key, next);
}

/** Pruned, defaulted and valid, or refused. */
function finish(kind: HostedKind, object: KubeObject, live?: KubeObject): KubeObject {
  if (!kind.schema) return kind.kind === 'Secret' ? secretData(object) : object;
  const conformed = conform(object, kind.schema, true) as KubeObject;
  const causes = validate(conformed, kind.schema, '', true, live);
  if (causes.length > 0) throw invalid(`${kind.kind}.${kind.group}`, object.metadata.name, causes);
  return conformed;
}

/** What the server itself says of a new object: a namespace is in use, a pod waits and has its class. */
function inPhase(kind: HostedKind, object: KubeObject): KubeObject {
  if (kind.kind === 'Pod')
    return {
      ...object,
      status: { phase: 'Pending', qosClass: qosClass(object), ...(object['status'] as object) },
    };
  if (kind.kind !== 'Namespace') return object;
  return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
}

function secretData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = { type: 'Opaque', ...object } as KubeObject;
  if (!isObject(stringData)) return rest as KubeObject;
  const encoded = Object.entries(stringData).map(([name, text]) => [
    name,
    Buffer.from(String(text)).toString('base64'),
  ]);
  return {
    ...rest,
    data: { ...(rest['data'] as object | undefined), ...Object.fromEntries(encoded) },
  } as KubeObject;
}

function existing({ kind, route }: WriteRequest, { store }: WritePorts): { live: KubeObject; key: string } {
  if (route.name === undefined) throw methodNotAllowed();
  const key = keyOf(kind, route.namespace, route.name ?? '');
  const live = store.get(storageKey(kind), key);
  if (!live) throw notFound(kind.group ? `${kind.plural}.${kind.group}` : kind.plural, route.name ?? '');
  return { live, key };
}

function freshMetadata(
  kind: HostedKind,
  metadata: KubeObject['metadata'],
  route: Route,
  { clock, random }: WritePorts,
): KubeObject['metadata'] {
  const {
    resourceVersion: _version,
    managedFields: _fields,
    deletionTimestamp: _deletion,
    ...rest
  } = metadata;
  const namespace = kind.namespaced ? (route.namespace ?? metadata.namespace ?? 'default') : undefined;
  return {
    ...rest,
    ...(namespace && { namespace }),
    uid: uid(random),
    generation: 1,
    creationTimestamp: timestamp(clock),
  };
}

function checkName(kind: HostedKind, name: string): void {
  if (name.length <= 253 && (NAME.test(name) || kind.group === 'rbac.authorization.k8s.io')) return;
  const message = `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`;
  throw invalid(kind.group ? `${kind.kind}.${kind.group}` : kind.kind, name, [
    { reason: 'FieldValueInvalid', field: 'metadata.name', message },
  ]);
}

function checkNamespace(
  { kind, route }: WriteRequest,
  { store }: WritePorts,
  inBody: string | undefined,
): void {
  if (!kind.namespaced) return;
  const namespace = route.namespace ?? inBody ?? 'default';
  if (inBody && route.namespace && inBody !== route.namespace)
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  const found = store.get('/namespaces', namespace);
  if (!found) throw notFound('namespaces', namespace);
  if (found.metadata.deletionTimestamp)
    throw new ApiError(
      403,
      'Forbidden',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
}

function changesSpec(live: KubeObject, next: KubeObject): boolean {
  const desired = ({ metadata: _metadata, status: _status, ...rest }: KubeObject) => rest;
  return !deepEqual(desired(live), desired(next));
}

function withoutTimes(object: KubeObject): KubeObject {
  const managedFields = ((object.metadata.managedFields ?? []) as { time?: string }[]).map(
    ({ time: _time, ...entry }) => entry,
  );
  return { ...object, metadata: { ...object.metadata, managedFields, resourceVersion: '' } };
}

function tracking(
  { kind, route, manager }: WriteRequest,
  { clock }: WritePorts,
): { schema: HostedKind['schema']; isCustom: boolean; writer: Writer } {
  const writer = { manager, subresource: route.subresource ?? '', time: timestamp(clock) };
  return { schema: kind.schema, isCustom: kind.schema !== undefined, writer };
}

function stale({ kind, route }: WriteRequest): ApiError {
  return conflict(
    kind.plural,
    route.name ?? '',
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** A pod on a node is gone only when its kubelet has said so, by deleting it without grace; a namespace when it is empty. */
function waitsForOthers(object: KubeObject): boolean {
  if (object.kind === 'Namespace') return true;
  return object.kind === 'Pod' && isBound(object) && object.metadata.deletionGracePeriodSeconds !== 0;
}

export const isBound = (pod: KubeObject) =>
  Boolean((pod['spec'] as { nodeName?: string } | undefined)?.nodeName);

export function keyOf(kind: HostedKind, namespace: string | undefined, name: string): string {
  return kind.namespaced ? `${namespace ?? 'default'}/${name}` : name;
}

export const timestamp = (clock: Clock) => rfc3339(clock.now());
export const rfc3339 = (atMs: number) => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');

function generateName({ metadata }: KubeObject, random: Random): string {
  if (!metadata.generateName)
    throw new ApiError(422, 'Invalid', 'metadata.name: Required value: name or generateName is required');
  return `${metadata.generateName}${Array.from({ length: 5 }, () => 'bcdfghjklmnpqrstvwxz2456789'[Math.floor(random() * 27)]).join('')}`;
}

function uid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
