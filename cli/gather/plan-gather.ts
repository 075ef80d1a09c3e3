import { GROUP, LABELS, RESOURCES, WEBHOOKS } from '@kmm-fleet/api';
import { CORE, type ListOptions, type ResourceType } from '@kmm-fleet/runtime';

export type View = 'cluster' | 'hub';

/** One list to ask for. */
export interface Target extends ListOptions {
  readonly type: ResourceType;
  /** Events are many and small: a file for each would hide them. */
  readonly inOneFile?: boolean;
  /** A cluster without this kind is as it should be. */
  readonly isOptional?: boolean;
}

const kind = (group: string, version: string, plural: string, name: string, namespaced = true) => ({
  group,
  version,
  plural,
  kind: name,
  namespaced,
});

const nodeModulesConfig = kind(GROUP, 'v1beta1', 'nodemodulesconfigs', 'NodeModulesConfig', false);
const OLM = 'operators.coreos.com';
const csv = kind(OLM, 'v1alpha1', 'clusterserviceversions', 'ClusterServiceVersion');
const subscription = kind(OLM, 'v1alpha1', 'subscriptions', 'Subscription');
const clusterVersion = kind('config.openshift.io', 'v1', 'clusterversions', 'ClusterVersion', false);

/** What is asked for before anything is written: who owns modules, and which values are secret. */
export const OWNERS: Readonly<Record<View, Target>> = {
  cluster: { type: RESOURCES.module },
  hub: { type: RESOURCES.managedClusterModule },
};

/**
 * Everything to collect, in order. Only namespaces of the operator and of Modules are looked into, and in the latter
 * only what belongs to Modules: what else lives there is nobody's business. Pure.
 *
 * @param modules namespaces of Modules, sorted; empty on a hub
 */
export function planGather(view: View, operator: string, modules: readonly string[]): Target[] {
  const foreign = modules.filter((namespace) => namespace !== operator);
  return [
    ...clusterScoped(view),
    ...definitions(view),
    // What DTK_AUTO stands for on OpenShift.
    named(RESOURCES.imageStream, 'driver-toolkit', 'openshift'),
    ...ofOperator(operator),
    ...foreign.flatMap(ofModules),
    // Events about what has no namespace are in this one.
    ...['ManagedClusterModule', 'ModuleImage', 'ManagedCluster', 'Node'].map((about) => ({
      type: CORE.event,
      namespace: 'default',
      fieldSelector: `involvedObject.kind=${about}`,
      inOneFile: true,
    })),
  ];
}

function clusterScoped(view: View): Target[] {
  const common: Target[] = [
    { type: clusterVersion, isOptional: true },
    { type: CORE.node },
    { type: RESOURCES.moduleImage, isOptional: view === 'cluster' },
  ];
  if (view === 'hub')
    return [
      ...common,
      { type: RESOURCES.managedCluster },
      // Other products ship works too.
      { type: RESOURCES.manifestWork, labelSelector: LABELS.managedClusterModule },
    ];
  return [
    ...common,
    { type: nodeModulesConfig, isOptional: true },
    { type: RESOURCES.clusterClaim, isOptional: true },
    { type: RESOURCES.appliedManifestWork, isOptional: true },
  ];
}

/** How this cluster defines kinds, and who is asked before one is written. */
function definitions(view: View): Target[] {
  const { module, managedClusterModule, managedCluster, manifestWork, moduleImage, clusterClaim } = RESOURCES;
  const kinds = {
    hub: [managedClusterModule, moduleImage, managedCluster, manifestWork],
    cluster: [module, moduleImage, clusterClaim],
  };
  return [
    ...kinds[view].map(({ plural, group }) => named(CORE.customResourceDefinition, `${plural}.${group}`)),
    named(CORE.validatingWebhookConfiguration, WEBHOOKS[view].name),
  ];
}

const named = (type: ResourceType, name: string, namespace?: string): Target => ({
  type,
  fieldSelector: `metadata.name=${name}`,
  isOptional: true,
  ...(namespace && { namespace }),
});

function ofOperator(namespace: string): Target[] {
  const types = [
    CORE.deployment,
    CORE.daemonSet,
    CORE.controllerRevision,
    CORE.configMap,
    CORE.serviceAccount,
    CORE.service,
    CORE.role,
    CORE.roleBinding,
    CORE.lease,
    CORE.job,
    RESOURCES.build,
    csv,
    subscription,
  ];
  return [
    ...types.map((type) => ({ type, namespace, isOptional: true })),
    { type: CORE.pod, namespace },
    { type: CORE.event, namespace, inOneFile: true },
  ];
}

function ofModules(namespace: string): Target[] {
  const labelSelector = LABELS.moduleName;
  return [
    { type: CORE.daemonSet, namespace, labelSelector },
    { type: CORE.pod, namespace, labelSelector },
    ...[CORE.job, RESOURCES.build].map((type) => ({ type, namespace, labelSelector, isOptional: true })),
    ...[CORE.serviceAccount, CORE.role, CORE.roleBinding].map((type) => ({ type, namespace })),
    { type: CORE.event, namespace, inOneFile: true },
  ];
}

/** `pods in openshift-kmm`: a target for people. */
export function targetName({ type, namespace, fieldSelector }: Target): string {
  const { plural, group } = type;
  const about = fieldSelector ? ` about ${fieldSelector.split('=')[1]}` : '';
  return `${plural}${group ? `.${group}` : ''}${about}${namespace ? ` in ${namespace}` : ''}`;
}
