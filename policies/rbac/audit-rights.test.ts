import { OPERATOR } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import {
  type Access,
  hubAccess,
  type PolicyRule,
  spokeAccess,
  standaloneAccess,
  workAgentAccess,
} from './access.ts';
import { accessObjects, userOf } from './access-objects.ts';
import { type AuditedRequest, auditRights } from './audit-rights.ts';

const access: Access = {
  name: 'worker',
  account: { namespace: 'ns', name: 'worker' },
  cluster: [{ apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['create', 'patch', 'watch'] }],
  own: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['key'] }],
};

const request = (verb: string, objectRef: AuditedRequest['objectRef'], code = 200): AuditedRequest => ({
  verb,
  ...(objectRef && { objectRef }),
  user: { username: userOf(access) },
  responseStatus: { code },
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
});
const sets = { apiGroup: 'apps', resource: 'daemonsets' };

describe('rights held against an audit log', () => {
  it.each<[string, AuditedRequest[], string[], string[]]>([
    [
      'nothing was asked for',
      [],
      ['create apps/daemonsets', 'get secrets', 'patch apps/daemonsets', 'watch apps/daemonsets'],
      [],
    ],
    [
      'an apply that makes an object uses both rights',
      [request('patch', sets, 201)],
      ['get secrets', 'watch apps/daemonsets'],
      [],
    ],
    [
      'an apply that changes one uses one',
      [request('patch', sets)],
      ['create apps/daemonsets', 'get secrets', 'watch apps/daemonsets'],
      [],
    ],
    [
      'a right by name is used by that name alone',
      [request('get', { resource: 'secrets', name: 'other' }, 403)],
      ['create apps/daemonsets', 'get secrets', 'patch apps/daemonsets', 'watch apps/daemonsets'],
      ['get secrets'],
    ],
    [
      'a subresource is a resource of its own',
      [request('patch', { ...sets, subresource: 'status' }, 403)],
      ['create apps/daemonsets', 'get secrets', 'patch apps/daemonsets', 'watch apps/daemonsets'],
      ['patch apps/daemonsets/status'],
    ],
  ])('%s', (_rule, requests, unused, denied) => {
    expect(auditRights([access], requests)).toEqual({ unused, denied });
  });

  it('leaves out what others asked for', () => {
    const other = { ...request('delete', sets, 403), user: { username: 'somebody' } };

    expect(auditRights([access], [other]).denied).toEqual([]);
  });
});

describe('the shipped rights', () => {
  it.each([
    ['hub', hubAccess],
    ['spoke', spokeAccess],
    ['stand-alone', standaloneAccess],
  ])('%s: no wildcard, no right on rights, no exec, no foreign token', (_who, { cluster, own }) => {
    const rules = [...cluster, ...own];

    expect(
      rules.flatMap(({ verbs, resources, apiGroups }) => [...verbs, ...resources, ...apiGroups]),
    ).not.toContain('*');
    expect(rules.flatMap(({ apiGroups }) => apiGroups)).not.toContain('rbac.authorization.k8s.io');
    expect(rules.flatMap(({ resources }) => resources)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/exec|token|impersonat|escalate/)]),
    );
  });

  it('keep Secrets of other namespaces from hub and managed spokes', () => {
    const readers = [hubAccess, spokeAccess].filter(({ cluster }) =>
      cluster.some(({ resources }) => resources.includes('secrets')),
    );

    expect(readers).toEqual([]);
    expect(spokeAccess.own.flatMap(({ resources }) => resources)).toEqual(['leases', 'leases']);
  });

  /** `verb account in where`, read from the objects that are applied: what bindings grant, not what is meant. */
  const secretRights = (access: Access) => {
    const objects = accessObjects(access) as unknown as {
      kind: string;
      metadata: { name: string; namespace?: string };
      rules?: PolicyRule[];
      roleRef: { kind: string; name: string };
      subjects: { name: string }[];
    }[];
    const roles = new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
    return objects
      .filter(({ kind }) => kind.endsWith('Binding'))
      .flatMap(({ kind, metadata, roleRef, subjects }) =>
        (roles.get(`${roleRef.kind} ${roleRef.name}`)?.rules ?? [])
          .filter(({ resources }) => resources.some((resource) => /^secrets(\/|$)/.test(resource)))
          .flatMap(({ verbs, resourceNames = ['any'] }) => {
            const where = kind === 'RoleBinding' ? metadata.namespace : 'every namespace';
            return subjects.map(
              ({ name }) => `${name}: ${verbs.join(', ')} ${resourceNames.join(', ')} in ${where}`,
            );
          }),
      );
  };

  it('let the hub alone read what signs, in its own namespace alone; a managed cluster reads no Secret', () => {
    const hub = OPERATOR.hubAccount;

    expect(secretRights(hubAccess)).toEqual([
      `${hub}: list, watch any in ${OPERATOR.hubNamespace}`,
      `${hub}: create any in ${OPERATOR.hubNamespace}`,
      `${hub}: get, update ${OPERATOR.inputsKey} in ${OPERATOR.hubNamespace}`,
    ]);
    expect([spokeAccess, workAgentAccess].flatMap(secretRights)).toEqual([]);
  });

  it('let one that stands alone read Secrets where Modules may be, and write only its own', () => {
    const rights = secretRights(standaloneAccess);

    expect(rights.filter((right) => right.endsWith('in every namespace'))).toEqual([
      `${OPERATOR.account}: list, watch any in every namespace`,
    ]);
    expect(rights).toContain(`${OPERATOR.account}: create any in ${OPERATOR.namespace}`);
  });

  it('are granted by objects that name each other', () => {
    const objects = accessObjects(hubAccess);

    expect(objects.map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
    ]);
    for (const { kind, roleRef, subjects } of objects.filter(({ roleRef }) => roleRef) as unknown as Record<
      string,
      unknown
    >[]) {
      expect({ kind, roleRef, subjects }).toEqual({
        kind,
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: String(kind).replace('Binding', ''),
          name: hubAccess.name,
        },
        subjects: [{ kind: 'ServiceAccount', ...hubAccess.account }],
      });
    }
  });
});
