import { USERS_FILE } from './plane-access.ts';

/** Where a cluster of kind finds what it shares with the machine. */
export interface KindSetting {
  /** Of the plane, on the machine: users, audit policy, audit log. */
  readonly directory: string;
  readonly ca: string;
  readonly caKey: string;
  /** Of the API server, on the machine's loopback address. */
  readonly port: number;
}

/** The plane's directory, in the node's container and in the API server's. */
const SHARED = '/kmm';
const PKI = '/etc/kubernetes/pki';
const API_SERVER = {
  'token-auth-file': `${SHARED}/${USERS_FILE}`,
  'audit-policy-file': `${SHARED}/audit-policy.json`,
  'audit-log-path': `${SHARED}/audit.log`,
  // In MiB: one file, so that whoever reads it misses nothing.
  'audit-log-maxsize': '1000000',
  'enable-admission-plugins': 'NodeRestriction,OwnerReferencesPermissionEnforcement',
};

/** A cluster's configuration: one node, whose API server has our users, our audit log and our certificate authority. */
export function planKindConfig({ directory, ca, caKey, port }: KindSetting): object {
  const extraMounts = [
    { hostPath: directory, containerPath: SHARED },
    // kubeadm makes an authority unless there is one.
    { hostPath: ca, containerPath: `${PKI}/ca.crt`, readOnly: true },
    { hostPath: caKey, containerPath: `${PKI}/ca.key`, readOnly: true },
  ];
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    // No pod runs on the node, so nobody needs a network of pods.
    networking: {
      apiServerAddress: '127.0.0.1',
      apiServerPort: port,
      disableDefaultCNI: true,
      kubeProxyMode: 'none',
    },
    nodes: [{ role: 'control-plane', extraMounts, kubeadmConfigPatches: patches() }],
  };
}

/** kind takes the one whose version is that of the kubeadm in its node: v1beta4 from Kubernetes 1.36 on. */
function patches(): string[] {
  const list = Object.entries(API_SERVER).map(([name, value]) => ({ name, value }));
  return [patch('v1beta3', API_SERVER), patch('v1beta4', list)];
}

function patch(version: string, extraArgs: object): string {
  const extraVolumes = [{ name: 'kmm', hostPath: SHARED, mountPath: SHARED, pathType: 'Directory' }];
  return JSON.stringify({
    kind: 'ClusterConfiguration',
    apiVersion: `kubeadm.k8s.io/${version}`,
    apiServer: { extraArgs, extraVolumes },
  });
}

export type Command = readonly [program: string, ...args: string[]];

/** @param config path of the configuration @param kubeconfig path that kind writes its own to */
export function planKindStart(cluster: string, config: string, kubeconfig: string): readonly Command[] {
  const kubectl = (...args: string[]): Command => ['kubectl', `--kubeconfig=${kubeconfig}`, ...args];
  return [
    // One that an earlier run could not remove.
    planKindStop(cluster),
    ['kind', 'create', 'cluster', `--name=${cluster}`, `--config=${config}`, `--kubeconfig=${kubeconfig}`],
    // What kind itself runs would be scheduled to simulated nodes. Control planes are static pods: they outlive their Node.
    kubectl('delete', 'deployments,daemonsets', '--all', '--all-namespaces'),
    kubectl('delete', 'nodes', '--all'),
  ];
}

export function planKindStop(cluster: string): Command {
  return ['kind', 'delete', 'cluster', `--name=${cluster}`];
}
