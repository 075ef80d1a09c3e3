import { GROUP, HUB_GROUP, VERSION } from './names.ts';

const own = (group: string, plural: string, kind: string, namespaced: boolean) => ({
  group,
  version: VERSION,
  plural,
  kind,
  namespaced,
});

/** Where our kinds and those of others that we know live in the API. */
export const RESOURCES = {
  module: own(GROUP, 'modules', 'Module', true),
  managedClusterModule: own(HUB_GROUP, 'managedclustermodules', 'ManagedClusterModule', false),
  moduleImage: own(HUB_GROUP, 'moduleimages', 'ModuleImage', false),
  managedCluster: {
    group: 'cluster.open-cluster-management.io',
    version: 'v1',
    plural: 'managedclusters',
    kind: 'ManagedCluster',
    namespaced: false,
  },
  clusterClaim: {
    group: 'cluster.open-cluster-management.io',
    version: 'v1alpha1',
    plural: 'clusterclaims',
    kind: 'ClusterClaim',
    namespaced: false,
  },
  manifestWork: {
    group: 'work.open-cluster-management.io',
    version: 'v1',
    plural: 'manifestworks',
    kind: 'ManifestWork',
    namespaced: true,
  },
  appliedManifestWork: {
    group: 'work.open-cluster-management.io',
    version: 'v1',
    plural: 'appliedmanifestworks',
    kind: 'AppliedManifestWork',
    namespaced: false,
  },
  /** Of cert-manager. */
  issuer: {
    group: 'cert-manager.io',
    version: 'v1',
    plural: 'issuers',
    kind: 'Issuer',
    namespaced: true,
  },
  certificate: {
    group: 'cert-manager.io',
    version: 'v1',
    plural: 'certificates',
    kind: 'Certificate',
    namespaced: true,
  },
  /** Of the Prometheus operator. */
  serviceMonitor: {
    group: 'monitoring.coreos.com',
    version: 'v1',
    plural: 'servicemonitors',
    kind: 'ServiceMonitor',
    namespaced: true,
  },
  prometheusRule: {
    group: 'monitoring.coreos.com',
    version: 'v1',
    plural: 'prometheusrules',
    kind: 'PrometheusRule',
    namespaced: true,
  },
  /** Of OpenShift. */
  build: {
    group: 'build.openshift.io',
    version: 'v1',
    plural: 'builds',
    kind: 'Build',
    namespaced: true,
  },
  imageStream: {
    group: 'image.openshift.io',
    version: 'v1',
    plural: 'imagestreams',
    kind: 'ImageStream',
    namespaced: true,
  },
} as const;
