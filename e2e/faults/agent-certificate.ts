import { AGENT_NAMESPACE, patiently, until } from '@kmm-fleet/lab';
import { CORE, type KubeClient, listAll, type ResourceType } from '@kmm-fleet/runtime';

/** Where OCM's registration agent keeps what it and the work agent show to the hub. */
const SECRET = { namespace: AGENT_NAMESPACE, name: 'hub-kubeconfig-secret' };
const CERTIFICATE = 'tls.crt';
const REQUESTS: ResourceType = {
  group: 'certificates.k8s.io',
  version: 'v1',
  plural: 'certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  namespaced: false,
};
const ofCluster = (name: string) => ({ labelSelector: `open-cluster-management.io/cluster-name=${name}` });

/** The certificate of a cluster's agents is lost: the registration agent asks the hub for another one, which it approves. */
export async function renewCertificate(cluster: string, hub: KubeClient, spoke: KubeClient): Promise<void> {
  // An agent asks for no more when the hub has ten of its requests, which Kubernetes keeps for an hour.
  const requests = await patiently(() => listAll(hub, REQUESTS, ofCluster(cluster)));
  for (const { metadata } of requests) await patiently(() => hub.delete(REQUESTS, metadata, {}));
  const lost = await patiently(() => certificateOf(spoke));
  await patiently(() => spoke.delete(CORE.secret, SECRET, {}));
  await until(`the agents of ${cluster} have another certificate`, async () => {
    const now = await certificateOf(spoke);
    return now !== undefined && now !== lost;
  });
}

async function certificateOf(spoke: KubeClient): Promise<string | undefined> {
  const secret = await spoke.get(CORE.secret, SECRET);
  return (secret?.['data'] as Record<string, string> | undefined)?.[CERTIFICATE];
}
