/** Names on the wire. They are upstream's (KMM), so that documented commands and either half of the pair keep working. */

export const GROUP = 'kmm.sigs.x-k8s.io';
export const HUB_GROUP = 'hub.kmm.sigs.x-k8s.io';
export const VERSION = 'v1beta1';

const NODE = 'kmm.node.kubernetes.io';
const BETA_NODE = `beta.${NODE}`;

export const LABELS = {
  /** On DaemonSets and Pods: the Module they belong to. */
  moduleName: `${NODE}/module.name`,
  /** On nodes, loader DaemonSets and their Pods: the kernel release without a trailing '+'. */
  kernelVersion: `${NODE}/kernel-version.full`,
  /** On DaemonSets and Pods: `module-loader` or `device-plugin`. */
  role: `${NODE}/role`,
  /** On namespaces: there are Modules in it, so it is not to be deleted. */
  containsModules: 'kmm.node.k8s.io/contains-modules',
  /** On ManifestWorks: the ManagedClusterModule they were made from. */
  managedClusterModule: `${NODE}/managedclustermodule.name`,
  /** On built images: hash of everything that went into them. */
  inputsHash: `${NODE}/inputs-hash`,
  /** On unsigned images: hash of what went into the build alone. */
  buildInputsHash: `${NODE}/build-inputs-hash`,
} as const;

export const ANNOTATIONS = {
  /** On a ModuleImage: the modules that want different contents under one name. */
  conflict: `${HUB_GROUP}/conflict`,
  /** On loader pod templates: lines of softdep.conf. */
  modulesOrder: 'modules-order',
} as const;

export const FINALIZERS = {
  /** On Pods of loaders and device plugins: held until the node's label is gone. */
  nodeLabeler: `${NODE}/node-labeler`,
  /** On Modules: held until everything is unloaded. */
  module: `${NODE}/module-finalizer`,
} as const;

/** ClusterClaim that carries a cluster's kernel releases. */
export const KERNEL_CLAIM = `kernel-versions.${NODE}`;

/** ClusterClaim that carries which versions of RHEL CoreOS bring a cluster's kernels; other systems have none. */
export const SYSTEMS_CLAIM = `os-images.${NODE}`;

/** Roles of DaemonSets, values of the role label. */
export const ROLES = { loader: 'module-loader', devicePlugin: 'device-plugin' } as const;

/** Node label: the module is loaded here. */
export const readyLabel = (namespace: string, module: string) => `${NODE}/${namespace}.${module}.ready`;

/** The same without a namespace, as in KMM 1.0; still what 1.x device plugins select. */
export const deprecatedReadyLabel = (module: string) => `${NODE}/${module}.ready`;

/** Node label: the device plugin of the module is ready here. */
export const devicePluginReadyLabel = (namespace: string, module: string) =>
  `${NODE}/${namespace}.${module}.device-plugin-ready`;

export const deprecatedDevicePluginReadyLabel = (module: string) => `${NODE}/${module}.device-plugin-ready`;

/** Node labels that the operator alone writes: where a module is loaded, or its device plugin runs. */
export const READY_LABEL = /^kmm\.node\.kubernetes\.io\/.+\.(?:ready|device-plugin-ready)$/;

/** Node label set by an administrator: which version of the module this node may run (ordered upgrade). */
export const moduleVersionLabel = (namespace: string, module: string) =>
  `${NODE}/version-module.${namespace}.${module}`;

/** Node label set by the operator: the loader of this version may run here. */
export const loaderVersionLabel = (namespace: string, module: string) =>
  `${BETA_NODE}/version-module-loader.${namespace}.${module}`;

/** Node label set by the operator: the device plugin of this version may run here. */
export const devicePluginVersionLabel = (namespace: string, module: string) =>
  `${BETA_NODE}/version-device-plugin.${namespace}.${module}`;

/** Names of objects that the operator of one cluster and of the hub use. */
export const OPERATOR = {
  hubNamespace: 'openshift-kmm-hub',
  namespace: 'openshift-kmm',
  hubLease: 'kmm-hub.sigs.x-k8s.io',
  lease: 'kmm.sigs.x-k8s.io',
  /** Service accounts of the operators themselves. */
  hubAccount: 'kmm-operator-hub-controller',
  account: 'kmm-operator-controller',
  loaderServiceAccount: 'kmm-operator-module-loader',
  devicePluginServiceAccount: 'kmm-operator-device-plugin',
  /** Of the pods of builds, with KMM_BUILDER=job. */
  builderServiceAccount: 'kmm-operator-builder',
  /** ConfigMap: which toolkit image DTK_AUTO stands for. */
  toolkits: 'kmm-driver-toolkits',
  /** Secret: key of the HMAC in inputs hashes. */
  inputsKey: 'kmm-inputs-key',
} as const;

/** The ImageStream in which OpenShift keeps its driver toolkits. */
export const TOOLKIT_STREAM = { namespace: 'openshift', name: 'driver-toolkit' } as const;

/** Webhooks of the operators. Names and paths of the reviews are upstream's. */
export const WEBHOOKS = {
  hub: {
    name: 'kmm-operator-hub-webhook',
    webhook: 'vmanagedclustermodule.kb.io',
    path: '/validate-hub-kmm-sigs-x-k8s-io-v1beta1-managedclustermodule',
  },
  cluster: {
    name: 'kmm-operator-webhook',
    webhook: 'vmodule.kb.io',
    path: '/validate-kmm-sigs-x-k8s-io-v1beta1-module',
  },
} as const;

/** Data keys that KMM reads from Secrets and ConfigMaps. */
export const DATA_KEYS = {
  dockerfile: 'dockerfile',
  key: 'key',
  cert: 'cert',
  login: '.dockerconfigjson',
} as const;
