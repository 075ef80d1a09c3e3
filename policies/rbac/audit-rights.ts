import type { Access, PolicyRule } from './access.ts';
import { userOf } from './access-objects.ts';

/** One request as kube-apiserver's audit log tells it (audit.k8s.io/v1 Event, the part that rights are about). */
export interface AuditedRequest {
  readonly verb: string;
  readonly user: {
    readonly username: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly userAgent?: string;
  readonly stage?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  /** What was written, where the policy wants bodies. */
  readonly requestObject?: unknown;
  readonly responseStatus?: { readonly code?: number };
  /** RFC 3339. */
  readonly requestReceivedTimestamp: string;
}

/** What a log says about granted rights. Both lists are empty where rights are the least that do. */
export interface RightsInUse {
  /** `verb group/resource`, each granted and never asked for. */
  readonly unused: readonly string[];
  /** The same of requests that were answered 401 or 403. */
  readonly denied: readonly string[];
}

/** Holds what was granted against what was asked for, by anybody with these rights. */
export function auditRights(grants: readonly Access[], requests: Iterable<AuditedRequest>): RightsInUse {
  const unused = new Set<string>();
  const denied = new Set<string>();
  const byUser = new Map(grants.map((access) => [userOf(access), rightsOf(access)]));
  for (const rights of byUser.values()) for (const { text } of rights) unused.add(text);
  for (const request of requests) {
    const rights = byUser.get(request.user.username);
    if (!rights) continue;
    const { code = 0 } = request.responseStatus ?? {};
    if (code === 401 || code === 403) denied.add(textOf(request.verb, request.objectRef));
    // An apply that makes an object is a patch, and needs the right to create.
    const verbs = request.verb === 'patch' && code === 201 ? ['patch', 'create'] : [request.verb];
    for (const right of rights) if (covers(right, verbs, request)) unused.delete(right.text);
  }
  return { unused: [...unused].sort(), denied: [...denied].sort() };
}

interface Right {
  readonly text: string;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly names?: readonly string[] | undefined;
}

function rightsOf({ cluster, own }: Access): Right[] {
  return [...cluster, ...own].flatMap(({ apiGroups, resources, verbs, resourceNames }: PolicyRule) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          text: `${verb} ${[group, resource].filter(Boolean).join('/')}`,
          group,
          resource,
          verb,
          names: resourceNames,
        })),
      ),
    ),
  );
}

function covers(
  { group, resource, verb, names }: Right,
  verbs: readonly string[],
  { objectRef = {} }: AuditedRequest,
): boolean {
  const { apiGroup = '', subresource, name = '' } = objectRef;
  const of = subresource ? `${objectRef.resource}/${subresource}` : objectRef.resource;
  return verbs.includes(verb) && group === apiGroup && resource === of && (!names || names.includes(name));
}

function textOf(
  verb: string,
  { apiGroup = '', resource = '', subresource }: AuditedRequest['objectRef'] = {},
) {
  return `${verb} ${[apiGroup, resource, subresource].filter(Boolean).join('/')}`;
}
