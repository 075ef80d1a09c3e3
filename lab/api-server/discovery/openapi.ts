import { apiVersionOf } from '@kmm-fleet/runtime';
import type { HostedKind } from '../kinds.ts';

/** Groups and where their OpenAPI documents are. */
export function openApiIndex(kinds: readonly HostedKind[]): object {
  const names = [...new Set(kinds.map((kind) => groupPath(kind)))].sort();
  return {
    paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}` }])),
  };
}

/** The OpenAPI 3 document of one group and version: what kubectl reads for explain and for its choice of validation. */
export function openApiDocument(name: string, kinds: readonly HostedKind[]): object | undefined {
  const own = kinds.filter((kind) => groupPath(kind) === name);
  if (own.length === 0) return undefined;
  const paths = Object.fromEntries(own.flatMap((kind) => pathsOf(kind)));
  const schemas = Object.fromEntries(own.map((kind) => [schemaName(kind), schemaOf(kind)]));
  return {
    openapi: '3.0.0',
    info: { title: 'KMM Fleet lab', version: 'v1.31.0' },
    paths,
    components: { schemas },
  };
}

/**
 * An OpenAPI 2 document in protobuf, as old clients ask for it: swagger "2.0", a title and a version, no definitions.
 * kubectl then checks nothing itself and leaves it to the server.
 */
export function openApiV2(): Uint8Array {
  const text = (field: number, value: string) =>
    Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)]);
  const info = Buffer.concat([text(1, 'KMM Fleet lab'), text(2, 'v1.31.0')]);
  return Buffer.concat([text(1, '2.0'), Buffer.from([(2 << 3) | 2, info.length]), info]);
}

const groupPath = (kind: HostedKind) => (kind.group ? `apis/${apiVersionOf(kind)}` : `api/${kind.version}`);

const schemaName = ({ group, version, kind }: HostedKind) => `${group || 'core'}.${version}.${kind}`;

const gvk = ({ group, version, kind }: HostedKind) => ({ group, version, kind });

function schemaOf(kind: HostedKind): object {
  const base = kind.schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return { ...base, 'x-kubernetes-group-version-kind': [gvk(kind)] };
}

function pathsOf(kind: HostedKind): [string, object][] {
  const root = `/${groupPath(kind)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`;
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } };
  const query = (name: string) => ({ name, in: 'query', schema: { type: 'string' } });
  const operation = (action: string) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(kind),
    parameters: [query('dryRun'), query('fieldManager'), query('fieldValidation')],
    responses: { 200: { description: 'OK', content } },
  });
  return [
    [root, { get: operation('list'), post: operation('post') }],
    [
      `${root}/{name}`,
      {
        get: operation('get'),
        put: operation('put'),
        patch: operation('patch'),
        delete: operation('delete'),
      },
    ],
  ];
}
