import { BUILDERS, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject, type ObjectName, objectKey, type ResourceType } from '@kmm-fleet/runtime';
import { monitoringObjects } from '../monitoring/monitoring-objects.ts';
import { accessObjects } from '../rbac/access-objects.ts';
import { withOptions } from './edition-options.ts';
import type { Edition } from './editions.ts';
import { operatorObjects } from './operator-objects.ts';
import { privilegedObjects } from './privileged-objects.ts';
import { typeOf } from './type-of.ts';

/** What an object is there for, so when it may go: with the operator, after the last module, after the last object. */
export type Purpose = 'operator' | 'modules' | 'kind' | 'namespace';

/** An object that an operator may have on its cluster. */
export interface InstalledObject {
  readonly type: ResourceType;
  readonly name: ObjectName;
  readonly purpose: Purpose;
}

/** `Deployment/openshift-kmm/kmm-operator-controller-manager` */
export const installedKey = ({ type, name }: Pick<InstalledObject, 'type' | 'name'>) =>
  `${type.kind}/${objectKey(name)}`;

/**
 * All that `kmm install` prints of an edition with any of its options, in the order to apply it, then what the operator
 * itself makes beside its work. What is installed by one list is removed by the same.
 *
 * @param namespace where the operator is, if that is not the namespace of the documentation
 */
export function installedObjects(edition: Edition, namespace = edition.namespace): InstalledObject[] {
  const purposeOf = purposesIn(edition);
  const printed = variantsOf(edition)
    .flatMap((variant) => operatorObjects(variant, { operator: '', mustGather: '' }))
    .concat(monitoringObjects(edition))
    .map((object) => ({ ...placeOf(object), purpose: purposeOf(object) }));
  const all = [...printed, ...operatorMade(edition)].map(({ name, ...rest }) => {
    const moved = name.namespace === edition.namespace ? { ...name, namespace } : name;
    return { ...rest, name: rest.purpose === 'namespace' ? { name: namespace } : moved };
  });
  return [...new Map(all.map((object) => [installedKey(object), object])).values()];
}

/** Options add objects, each of its own name; cert-manager asks for the most. */
function variantsOf(edition: Edition): Edition[] {
  const guardsNamespaces = edition.moduleKind.namespaced;
  return BUILDERS.map((builder) =>
    withOptions(edition, { builder, guardsNamespaces, certificates: 'cert-manager' }),
  );
}

/** Loaders and device plugins run on without their operator: their accounts, and who may take Modules away, stay. */
function purposesIn(edition: Edition): (object: KubeObject) => Purpose {
  const [, ...others] = edition.accesses;
  const ofModules = [
    ...others.flatMap(accessObjects),
    ...(edition.accounts.length > 0 ? privilegedObjects(edition) : []),
  ].map(keyOf);
  return (object) => {
    if (object.kind === CORE.customResourceDefinition.kind) return 'kind';
    if (object.kind === CORE.namespace.kind) return 'namespace';
    const isAccount =
      object.kind === CORE.serviceAccount.kind && edition.accounts.includes(object.metadata.name);
    return isAccount || ofModules.includes(keyOf(object)) ? 'modules' : 'operator';
  };
}

/** Without the key of the hashes every image would be made again; claims tell a hub what runs. */
function operatorMade({ namespace, lease, webhook, claims }: Edition): InstalledObject[] {
  const own = (type: ResourceType, name: string, purpose: Purpose) => ({
    type,
    name: { namespace, name },
    purpose,
  });
  return [
    own(CORE.lease, lease, 'operator'),
    own(CORE.secret, webhook.name, 'operator'),
    own(CORE.secret, OPERATOR.inputsKey, 'modules'),
    ...claims.map((name) => ({
      type: RESOURCES.clusterClaim,
      name: { name },
      purpose: 'modules' as const,
    })),
  ];
}

const keyOf = (object: KubeObject) => installedKey(placeOf(object));

function placeOf(object: KubeObject): Pick<InstalledObject, 'type' | 'name'> {
  const { namespace, name } = object.metadata;
  return { type: typeOf(object), name: { ...(namespace && { namespace }), name } };
}
