import { type Access, type AuditedRequest, auditRights, userOf } from '@kmm-fleet/policies';
import type { HttpRequest, Transport } from '@kmm-fleet/runtime';

const PATH = /^\/(?:api|apis\/([^/]+))\/v\w+\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/;
const VERBS = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** A transport that tells what a real API server would write into its audit log, of requests for objects. */
export function audited(transport: Transport, access: Access, log: AuditedRequest[]): Transport {
  return {
    close: () => transport.close(),
    async request(request, signal) {
      const response = await transport.request(request, signal);
      log.push(...auditEntry(request, access, response.status));
      return response;
    },
  };
}

/** The entry of one request; none of one that is for no object. */
export function auditEntry(request: HttpRequest, access: Access, code: number): AuditedRequest[] {
  const { method, path } = request;
  const url = new URL(path, 'https://server.test');
  const match = PATH.exec(url.pathname);
  if (!match) return [];
  const [, apiGroup = '', namespace, resource = '', named, subresource] = match;
  const selected = /^metadata\.name=([^,]+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
  const name = named ?? selected;
  const reading = named ? 'get' : url.searchParams.has('watch') ? 'watch' : 'list';
  const objectRef = {
    apiGroup,
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(subresource && { subresource }),
  };
  const verb = method === 'GET' ? reading : VERBS[method];
  const user = { username: userOf(access) };
  return [{ verb, objectRef, user, responseStatus: { code }, requestReceivedTimestamp: '' }];
}

/** Requests that no right covers: a server that enforces them would refuse these. */
export function beyond(access: Access, log: readonly AuditedRequest[]): AuditedRequest[] {
  const all = auditRights([access], []).unused.length;
  return log.filter((entry) => auditRights([access], [entry]).unused.length === all);
}
