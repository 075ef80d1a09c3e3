import { LABELS, RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { authFile } from '../registry/credentials.ts';
import {
  base64,
  buildMetadata,
  IMAGE_ANNOTATION,
  inputsOf,
  inputsSecret,
  nodesOf,
  secretFiles,
} from './build-inputs.ts';
import type { BuildRequest } from './builder.ts';
import type { ClusterBuild, ClusterBuildSettings } from './cluster-build.ts';

/** Of upstream's OpenShift edition, beside the one that names the module. */
const KMM_LABELS = {
  kernel: 'kmm.node.kubernetes.io/target-kernel',
  type: 'kmm.openshift.io/build.type',
} as const;
/** OpenShift makes this account in every namespace; what runs as it is its build controller's to say. */
const ACCOUNT = 'builder';
const SECRETS = '/run/secrets';

/** OpenShift's Build of an image, with the fields and labels that upstream gives it. Pure. @param name equal for equal targets */
export function planOpenshiftBuild(
  name: string,
  request: BuildRequest,
  settings: ClusterBuildSettings,
): ClusterBuild {
  const metadata = buildMetadata(name, settings.namespace);
  const [pull, push] = [
    loginSecret({ ...metadata, name: `${name}-pull` }, request.baseAccess.dockerConfig),
    loginSecret({ ...metadata, name: `${name}-push` }, request.targetAccess.dockerConfig),
  ];
  const inputs = inputsSecret(metadata, inputsOf(secretFiles(request.secrets, '')));
  return {
    secrets: [...(request.secrets.length > 0 ? [inputs] : []), ...pull, ...push],
    object: {
      apiVersion: `${RESOURCES.build.group}/${RESOURCES.build.version}`,
      kind: RESOURCES.build.kind,
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, ...kmmLabels(request) },
        annotations: { [IMAGE_ANNOTATION]: request.target },
      },
      spec: {
        serviceAccount: ACCOUNT,
        source: { type: 'Dockerfile', dockerfile: request.dockerfile },
        strategy: {
          type: 'Docker',
          dockerStrategy: {
            // A tag that moved is pulled anew.
            forcePull: true,
            buildArgs: pairs(request.buildArgs),
            volumes: volumesOf(name, request),
            ...(pull[0] && { pullSecret: { name: pull[0].metadata.name } }),
          },
        },
        output: {
          to: { kind: 'DockerImage', name: request.target },
          imageLabels: pairs(request.labels),
          ...(push[0] && { pushSecret: { name: push[0].metadata.name } }),
        },
        resources: resourcesOf(settings),
        completionDeadlineSeconds: settings.minutesMax * 60,
        nodeSelector: nodesOf(request.nodeSelector),
        mountTrustedCA: true,
        triggeredBy: [{ message: 'An image of KMM is wanted.' }],
      },
    },
  };
}

/** A volume for each secret: the files of one are items of the Secret with the inputs. */
function volumesOf(secretName: string, { secrets }: BuildRequest) {
  const inputs = inputsOf(secretFiles(secrets, ''));
  return secrets.map(({ name }, index) => ({
    name: `secret-${index}`,
    source: {
      type: 'Secret',
      secret: {
        secretName,
        optional: false,
        items: inputs
          .filter(({ path }) => path.startsWith(`/${name}/`))
          .map(({ key, path }) => ({ key, path: path.slice(name.length + 2) })),
      },
    },
    mounts: [{ destinationPath: `${SECRETS}/${name}` }],
  }));
}

/** Builds take a login by the name of a Secret; none where there is none. */
function loginSecret(metadata: KubeObject['metadata'], dockerConfig: string | undefined): KubeObject[] {
  if (dockerConfig === undefined) return [];
  const data = { '.dockerconfigjson': base64(authFile(dockerConfig)) };
  return [{ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/dockerconfigjson', data }];
}

/** A Build says nothing of its disk but what any pod may: the kubelet evicts one that takes more. */
function resourcesOf({ resources, bytesMax }: ClusterBuildSettings) {
  const limits = { 'ephemeral-storage': String(bytesMax), ...resources.limits };
  return { ...(resources.requests && { requests: resources.requests }), limits };
}

function kmmLabels({ buildArgs }: BuildRequest): Record<string, string> {
  const { MOD_NAME: module, KERNEL_FULL_VERSION: kernel } = buildArgs;
  return {
    [KMM_LABELS.type]: 'build',
    ...(module && { [LABELS.moduleName]: labelValue(module) }),
    ...(kernel && { [KMM_LABELS.kernel]: labelValue(kernel) }),
  };
}

/** A kernel may have characters that labels do not. */
const labelValue = (text: string) =>
  text
    .replaceAll(/[^\w.-]/g, '_')
    .slice(0, 63)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/gi, '');

const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));
