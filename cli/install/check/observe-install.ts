import { ownDefinitions } from '@kmm-fleet/api';
import { type Access, type Edition, type PolicyRule, userOf } from '@kmm-fleet/policies';
import { CORE, createLimiter } from '@kmm-fleet/runtime';
import { type Attributes, accessInWords, askAccess } from '../../hub/ask-access.ts';
import type { Connected } from '../../hub/connection.ts';
import type { Installed, Right } from './install-status.ts';

const ASKED_AT_ONCE = 16;

/** Looks for all that an edition needs. */
export async function observeInstall(
  connected: Connected,
  edition: Edition,
  namespace: string,
): Promise<Installed> {
  const { client } = connected;
  const definition = (name: string) => client.get(CORE.customResourceDefinition, { name });
  const accounts = [...edition.accesses.flatMap(accountsIn(edition.namespace)), ...edition.accounts];
  const [definitions, fleetKinds, namespaceObject, found, rights, deployment] = await Promise.all([
    Promise.all(
      ownDefinitions(...edition.kinds).map(async (wanted) => ({
        wanted,
        found: await definition(wanted.metadata.name),
      })),
    ),
    Promise.all(
      edition.fleetKinds
        .map(({ plural, group }) => `${plural}.${group}`)
        .map(async (name) => [name, await definition(name)] as const),
    ),
    client.get(CORE.namespace, { name: namespace }),
    Promise.all(
      accounts.map(
        async (name) => [name, await client.get(CORE.serviceAccount, { namespace, name })] as const,
      ),
    ),
    observeRights(connected, edition, namespace),
    client.get(CORE.deployment, { namespace, name: edition.deployment }),
  ]);
  return {
    namespaceName: namespace,
    namespace: namespaceObject,
    definitions,
    fleetKinds: new Map(fleetKinds),
    accounts: new Map(found),
    rights,
    deployment,
  };
}

const accountsIn =
  (namespace: string) =>
  ({ account }: Access) =>
    account.namespace === namespace ? [account.name] : [];

/** The API server says who may what, whichever roles grant it: ours, those of OLM, or those that OCM adds up. */
function observeRights({ transport }: Connected, edition: Edition, namespace: string): Promise<Right[]> {
  const limit = createLimiter(ASKED_AT_ONCE);
  const asked = edition.accesses.flatMap((access) => {
    const own = access.account.namespace === edition.namespace;
    const moved = own ? { ...access, account: { ...access.account, namespace } } : access;
    return questionsOf(moved, namespace).map((attributes) => ({ access: moved, attributes }));
  });
  return Promise.all(
    asked.map(({ access, attributes }) =>
      limit.run(async () => {
        const { account } = access;
        const groups = [
          'system:serviceaccounts',
          `system:serviceaccounts:${account.namespace}`,
          'system:authenticated',
        ];
        const isGranted = await askAccess(transport, attributes, { user: userOf(access), groups });
        return {
          account: `${account.namespace}/${account.name}`,
          what: accessInWords(attributes),
          isGranted,
        };
      }),
    ),
  );
}

function questionsOf({ cluster, own }: Access, namespace: string): Attributes[] {
  return [...cluster.flatMap((rule) => expand(rule)), ...own.flatMap((rule) => expand(rule, namespace))];
}

function expand(
  { verbs, apiGroups, resources, resourceNames = [''] }: PolicyRule,
  namespace?: string,
): Attributes[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((path) => {
      const [resource = '', subresource] = path.split('/');
      return verbs.flatMap((verb) =>
        resourceNames.map((name) => ({
          ...{ verb, group, resource },
          ...(subresource && { subresource }),
          ...(namespace && { namespace }),
          ...(name && { name }),
        })),
      );
    }),
  );
}
