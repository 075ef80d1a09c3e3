import { BUILDAH_FOLDERS, BUILDAH_SECURITY } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Edition, Memory } from './editions.ts';
import { CERTIFICATE_FOLDER, WEBHOOK_PORT } from './webhook-names.ts';

/** Images by reference, a digest where it matters that they stay what they are. */
export interface OperatorImages {
  readonly operator: string;
  /** What `oc adm must-gather --image` is told. */
  readonly mustGather: string;
  /** Secret in the operator's namespace with the login of their registry. */
  readonly pullSecret?: string | undefined;
}

/** Where an operator serves /healthz, /readyz and /metrics; its container calls it `metrics`. */
export const HEALTH_PORT = 8080;
/** Somebody without rights, whom no file of the image belongs to. */
const NOBODY = 65_532;
const BUILDS = '/var/lib/kmm';
/** With buildah beside it. A limit would be that of a compiler, and nobody knows what modules ask of one. */
const BUILDING: Memory = { request: '256Mi' };
const TMP = { name: 'tmp', path: '/tmp' };

/** Labels of the operator's pods. A cluster that joins a fleet, or leaves it, keeps its Deployment: they cannot change. */
export const podLabels = ({ component }: Pick<Edition, 'component'>) => ({
  'app.kubernetes.io/name': 'kmm',
  'app.kubernetes.io/component': component,
});

/** Chooses them from all pods of a namespace. */
export const podSelector = (edition: Edition): string =>
  Object.entries(podLabels(edition))
    .map(([key, value]) => `${key}=${value}`)
    .join();

/** The oldest Kubernetes that knows all of it; appArmorProfile and ValidatingAdmissionPolicy are the newest. */
export const kubernetesMin = ({ builds, guardsNamespaces }: Edition) =>
  builds === 'beside' || builds === 'in-jobs' || guardsNamespaces ? '1.30.0' : '1.25.0';

/** The Deployment of an operator. The lease sees to it that one pod works; a new one starts before the old one ends. */
export function operatorDeployment(edition: Edition, images: OperatorImages): KubeObject {
  const labels = podLabels(edition);
  return {
    apiVersion: apiVersionOf(CORE.deployment),
    kind: CORE.deployment.kind,
    metadata: { namespace: edition.namespace, name: edition.deployment, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(edition, images) },
    },
  };
}

function podSpec(edition: Edition, images: OperatorImages) {
  const { accesses, env, builds, certificates, memory } = edition;
  const isPrivileged = builds === 'beside';
  const folders = [
    ...(isPrivileged ? BUILDAH_FOLDERS : [TMP]),
    ...(builds === 'no' ? [] : [{ name: 'builds', path: BUILDS }]),
  ];
  // The operator has its own by the API; OLM mounts by itself.
  const isMounted = certificates === 'cert-manager' || certificates === 'service-ca';
  const secretName = isMounted ? edition.webhook.name : undefined;
  return {
    serviceAccountName: accesses[0]?.account.name,
    ...(images.pullSecret && { imagePullSecrets: [{ name: images.pullSecret }] }),
    securityContext: isPrivileged ? {} : { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'manager',
        image: images.operator,
        env: [
          { name: 'OPERATOR_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          { name: 'HEALTH_PORT', value: String(HEALTH_PORT) },
          { name: 'RELATED_IMAGES_MUST_GATHER', value: images.mustGather },
          ...Object.entries(env).map(([name, value]) => ({ name, value })),
          ...(builds === 'in-jobs' ? buildEnv(images) : []),
        ],
        ports: [
          { name: 'metrics', containerPort: HEALTH_PORT },
          ...(certificates ? [{ name: 'webhook', containerPort: WEBHOOK_PORT }] : []),
        ],
        livenessProbe: probe('/healthz'),
        startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 60 },
        readinessProbe: probe('/readyz'),
        resources: resourcesFor(isPrivileged ? BUILDING : memory),
        securityContext: isPrivileged ? BUILDAH_SECURITY : RESTRICTED,
        volumeMounts: [
          ...folders.map(({ name, path }) => ({ name, mountPath: path })),
          ...(secretName ? [{ name: 'webhook', mountPath: CERTIFICATE_FOLDER, readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      ...folders.map(({ name }) => ({ name, emptyDir: {} })),
      ...(secretName ? [{ name: 'webhook', secret: { secretName } }] : []),
    ],
  };
}

/** The image of an operator that builds has buildah in it. */
const buildEnv = ({ operator, pullSecret }: OperatorImages) => [
  { name: 'KMM_BUILD_IMAGE', value: operator },
  ...(pullSecret ? [{ name: 'KMM_BUILD_PULL_SECRET', value: pullSecret }] : []),
];

const resourcesFor = ({ request, limit }: Memory) => ({
  requests: { cpu: '10m', memory: request },
  ...(limit && { limits: { memory: limit } }),
});

const probe = (path: string) => ({ httpGet: { path, port: HEALTH_PORT }, timeoutSeconds: 5 });

const RESTRICTED = {
  runAsUser: NOBODY,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
