import { RESOURCES } from '@kmm-fleet/api';
import type { Edition } from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';
import { isManaged } from '../install/check/install-status.ts';

/**
 * Who looks after a Deployment and would put it back, and what to do there instead; also when it is that of another
 * edition. A Policy leaves no sign on what it applies.
 */
export function managedBy(edition: Edition, deployment: KubeObject): string | undefined {
  const { namespace = '', name, labels = {}, annotations = {}, ownerReferences = [] } = deployment.metadata;
  const what = `Deployment ${namespace}/${name}`;
  const owner = (kind: string) => ownerReferences.find((reference) => reference.kind === kind)?.name;
  const version = owner('ClusterServiceVersion');
  if (version)
    return `Operator Lifecycle Manager keeps ${what}. Delete its Subscription first: kubectl delete subscriptions.operators.coreos.com ${edition.olmPackage} -n ${namespace} && kubectl delete clusterserviceversions.operators.coreos.com ${version} -n ${namespace}`;
  const work = owner(RESOURCES.appliedManifestWork.kind);
  if (work)
    return `A hub ships ${what} by ManifestWork, as OCM's add-ons do. Take the add-on from the cluster first: kubectl delete managedclusteraddons on the hub.`;
  if (labels['app.kubernetes.io/managed-by'] === 'Helm') {
    const release = annotations['meta.helm.sh/release-name'] ?? 'RELEASE';
    return `Helm keeps ${what}. Uninstall its release first: helm uninstall ${release} -n ${annotations['meta.helm.sh/release-namespace'] ?? namespace}`;
  }
  if (edition.name === 'hub') return undefined;
  const actual = isManaged(deployment) ? 'spoke' : 'cluster';
  return actual === edition.name ? undefined : `${what} is that of edition ${actual}: uninstall that.`;
}
