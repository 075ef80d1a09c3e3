import type { CertificateFiles, ServerCertificates } from '../certificates.ts';
import type { IdentityProviderAccess } from './plane.ts';
import type { Part } from './program.ts';

/** Where everything of one control plane is. All but `ports` are paths. */
export interface Setting {
  readonly directory: string;
  /** Of etcd. */
  readonly data: string;
  readonly ports: Readonly<Record<'client' | 'peer' | 'apiserver' | 'manager' | 'scheduler', number>>;
  readonly certificates: ServerCertificates;
  readonly tokenKeys: { readonly key: string; readonly pub: string };
  /** Tokens of users. */
  readonly users: string;
  readonly managerConfig: string;
  readonly schedulerConfig: string;
  readonly auditLog: string;
  readonly auditPolicy: string;
  readonly identityProvider?: IdentityProviderAccess | undefined;
  /** How kubelets are reached, where there are any. */
  readonly kubelets?: { readonly egress: string; readonly client: CertificateFiles } | undefined;
}

/** Arguments of a part. docs/decisions/0011 says why those that are not obvious. */
export function flagsOf(part: Part, setting: Setting): string[] {
  return FLAGS[part](setting);
}

const FLAGS: Record<Part, (setting: Setting) => string[]> = {
  etcd: ({ data, ports }) => {
    const [client, peer] = [`http://127.0.0.1:${ports.client}`, `http://127.0.0.1:${ports.peer}`];
    return [
      '--name=default',
      `--data-dir=${data}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
      '--quota-backend-bytes=8589934592',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ];
  },
  'kube-apiserver': ({ directory, ports, certificates, tokenKeys, ...files }) => [
    `--etcd-servers=http://127.0.0.1:${ports.client}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${ports.apiserver}`,
    '--endpoint-reconciler-type=none',
    ...servingFlags(certificates.server),
    `--client-ca-file=${certificates.ca}`,
    `--token-auth-file=${files.users}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${tokenKeys.pub}`,
    `--service-account-signing-key-file=${tokenKeys.key}`,
    '--authorization-mode=Node,RBAC',
    // As OpenShift has it: who sets an owner must have rights on it.
    '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--allow-privileged=true',
    `--cert-dir=${directory}`,
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
    // In MiB: one file, so that whoever reads it misses nothing.
    '--audit-log-maxsize=1000000',
    ...(files.kubelets ? kubeletFlags(files.kubelets) : []),
    ...(files.identityProvider ? providerFlags(files.identityProvider, certificates.ca) : []),
  ],
  'kube-controller-manager': ({ ports, certificates, tokenKeys, managerConfig }) => [
    ...asUser(managerConfig),
    `--secure-port=${ports.manager}`,
    '--controllers=*',
    '--allocate-node-cidrs=false',
    `--service-account-private-key-file=${tokenKeys.key}`,
    `--root-ca-file=${certificates.ca}`,
    `--cluster-signing-cert-file=${certificates.ca}`,
    `--cluster-signing-key-file=${certificates.caKey}`,
    '--use-service-account-credentials=true',
    ...servingFlags(certificates.server),
    '--kube-api-qps=1000',
    '--kube-api-burst=2000',
  ],
  'kube-scheduler': ({ ports, certificates, schedulerConfig }) => [
    ...asUser(schedulerConfig),
    `--secure-port=${ports.scheduler}`,
    ...servingFlags(certificates.server),
    '--kube-api-qps=1000',
    '--kube-api-burst=2000',
  ],
};

const servingFlags = ({ cert, key }: CertificateFiles) => [
  `--tls-cert-file=${cert}`,
  `--tls-private-key-file=${key}`,
];

const kubeletFlags = ({ egress, client }: NonNullable<Setting['kubelets']>) => [
  `--egress-selector-config-file=${egress}`,
  '--kubelet-preferred-address-types=Hostname',
  `--kubelet-client-certificate=${client.cert}`,
  `--kubelet-client-key=${client.key}`,
];

const providerFlags = ({ url, clientId }: IdentityProviderAccess, ca: string) => [
  `--oidc-issuer-url=${url}`,
  `--oidc-client-id=${clientId}`,
  `--oidc-ca-file=${ca}`,
  '--oidc-username-claim=sub',
  '--oidc-username-prefix=-',
  '--oidc-groups-claim=groups',
];

const asUser = (kubeconfig: string) => [
  `--kubeconfig=${kubeconfig}`,
  `--authentication-kubeconfig=${kubeconfig}`,
  `--authorization-kubeconfig=${kubeconfig}`,
  '--bind-address=127.0.0.1',
  '--leader-elect=false',
];
