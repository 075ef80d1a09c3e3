import { apiVersionOf, type KubeObject } from '@kmm-fleet/runtime';
import { parse } from 'yaml';
import { badRequest, invalid } from './api-error.ts';
import type { HostedKind } from './kinds.ts';
import { readProtobuf } from './protobuf.ts';
import type { Route } from './route.ts';
import { isObject, unknownFields } from './schema/structural.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** Bodies come as JSON; for apply as YAML; and from kubectl 1.32 on, for some kinds, as protobuf. */
export function readBody(body: string | Uint8Array | undefined, contentType = ''): unknown {
  if (body !== undefined && body.length > 0 && contentType.startsWith(PROTOBUF))
    return readProtobuf(typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
  if (body === undefined) return undefined;
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  if (text === '') return undefined;
  try {
    return text.trimStart().startsWith('{') || text.trimStart().startsWith('[')
      ? JSON.parse(text)
      : parse(text);
  } catch (error) {
    throw badRequest(`the body cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A body as an object of its kind, or refused when it is something else. */
export function asObject(body: unknown, kind: HostedKind): KubeObject {
  if (!isObject(body)) throw badRequest('the body is not an object');
  const { apiVersion = apiVersionOf(kind), kind: name = kind.kind } = body;
  if (name !== kind.kind || apiVersion !== apiVersionOf(kind)) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}, ${String(name)}) does not match the expected API version (${apiVersionOf(kind)}, ${kind.kind})`,
    );
  }
  const { metadata = {} } = body;
  checkMetadata(metadata ?? {});
  return {
    ...body,
    apiVersion,
    kind: name,
    metadata: (metadata ?? {}) as KubeObject['metadata'],
  } as KubeObject;
}

function checkMetadata(metadata: unknown): void {
  if (!isObject(metadata)) throw badRequest('cannot unmarshal metadata: it is not an object');
  for (const field of ['name', 'namespace', 'generateName', 'resourceVersion', 'uid'])
    if (metadata[field] !== undefined && metadata[field] !== null && typeof metadata[field] !== 'string')
      throw badRequest(`cannot unmarshal metadata.${field}: it is not a string`);
  for (const field of ['labels', 'annotations'])
    for (const [name, value] of Object.entries(metadata[field] ?? {}))
      if (typeof value !== 'string')
        throw badRequest(`cannot unmarshal metadata.${field}["${name}"]: it is not a string`);
}

interface UnreadRequest {
  readonly kind: HostedKind;
  readonly route: Pick<Route, 'query'>;
  readonly body: unknown;
}

/** `fieldValidation=Strict`, which kubectl asks for: a field that would be dropped in silence is an error. */
export function checkUnknown({ kind, route, body }: UnreadRequest): void {
  const problem = strictProblem({ kind, route, body });
  if (problem) throw badRequest(problem);
}

/** The same for what a patch leads to; a real server calls the patch invalid then, not the request bad. */
export function checkUnknownAfter(request: UnreadRequest, patch: unknown): void {
  const problem = strictProblem(request);
  if (!problem) return;
  const message = `Invalid value: ${JSON.stringify(patch)}: ${problem}`;
  throw invalid('', '', [{ reason: 'FieldValueInvalid', field: 'patch', message }]);
}

function strictProblem({ kind, route, body }: UnreadRequest): string | undefined {
  if (!kind.schema || route.query.get('fieldValidation') !== 'Strict') return undefined;
  const unknown = unknownFields(body, kind.schema).map((field) => `unknown field "${field}"`);
  return unknown.length > 0 ? `strict decoding error: ${unknown.join(', ')}` : undefined;
}
