import { BUILDAH_FOLDERS, BUILDAH_SECURITY, type Toleration } from '@kmm-fleet/api';
import { authFile } from '../registry/credentials.ts';
import {
  buildMetadata,
  IMAGE_ANNOTATION,
  type Input,
  inputsOf,
  inputsSecret,
  nodesOf,
  secretFiles,
} from './build-inputs.ts';
import { type BuildFiles, buildArguments, pushArguments } from './buildah-command.ts';
import type { BuildRequest } from './builder.ts';
import type { ClusterBuild, ClusterBuildSettings } from './cluster-build.ts';

/** How the pods of Jobs stand on their cluster. */
export interface JobSettings extends ClusterBuildSettings {
  /** Image with buildah in it. */
  readonly image: string;
  /** Secret with the login for that image. */
  readonly pullSecret?: string | undefined;
  /** Service account that may run pods with SYS_ADMIN; it has no other right. */
  readonly account: string;
  /** Extra certificate authorities of registries, PEM. */
  readonly ca?: string | undefined;
  readonly tolerations: readonly Toleration[];
}

/** Containers of a build's pod, in their order. */
export const BUILD_CONTAINERS = { build: 'build', push: 'push' } as const;

const INPUTS = '/kmm/inputs';
const CONTEXT = '/kmm/context';
const BUILDS = '/var/lib/kmm';
/** A Job that its hub has forgotten goes away after a day. */
const FINISHED_SECONDS_MAX = 86_400;

/** Where each input stands below its folder. */
const PATHS = {
  dockerfile: 'dockerfile',
  baseAuth: 'base-auth.json',
  targetAuth: 'target-auth.json',
  certs: 'certs',
  secrets: 'secrets',
} as const;

/** The Job that makes an image, and the Secret with all that it reads. Pure. @param name equal for equal targets */
export function planBuildJob(name: string, request: BuildRequest, settings: JobSettings): ClusterBuild {
  const metadata = buildMetadata(name, settings.namespace);
  const inputs = inputsOf([
    [PATHS.dockerfile, request.dockerfile],
    [PATHS.baseAuth, authFile(request.baseAccess.dockerConfig ?? '{}')],
    [PATHS.targetAuth, authFile(request.targetAccess.dockerConfig ?? '{}')],
    [`${PATHS.certs}/ca.crt`, settings.ca || undefined],
    ...secretFiles(request.secrets, PATHS.secrets),
  ]);
  return {
    secrets: [inputsSecret(metadata, inputs)],
    object: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { ...metadata, annotations: { [IMAGE_ANNOTATION]: request.target } },
      spec: {
        // Whether it is tried again is the hub's to say; a node that goes away is no try.
        backoffLimit: 0,
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        activeDeadlineSeconds: settings.minutesMax * 60,
        ttlSecondsAfterFinished: FINISHED_SECONDS_MAX,
        template: {
          metadata: { labels: metadata.labels },
          spec: podSpec(name, request, settings, inputs),
        },
      },
    },
  };
}

function podSpec(name: string, request: BuildRequest, settings: JobSettings, inputs: readonly Input[]) {
  const { image, pullSecret, account, resources, tolerations, bytesMax, ca } = settings;
  const files: BuildFiles = {
    dockerfile: `${INPUTS}/${PATHS.dockerfile}`,
    context: CONTEXT,
    baseAuth: `${INPUTS}/${PATHS.baseAuth}`,
    targetAuth: `${INPUTS}/${PATHS.targetAuth}`,
    certs: ca ? `${INPUTS}/${PATHS.certs}` : undefined,
    secret: (secret) => `${INPUTS}/${PATHS.secrets}/${secret}`,
    // Kubelet puts it into the status of the pod.
    digest: '/dev/termination-log',
  };
  const container = (step: string, args: readonly string[]) => ({
    name: step,
    image,
    command: ['buildah', '--root', `${BUILDS}/storage`, '--runroot', `${BUILDS}/run`, ...args],
    env: [{ name: 'TMPDIR', value: BUILDS }],
    resources: { ...resources },
    securityContext: BUILDAH_SECURITY,
    volumeMounts: [
      { name: 'inputs', mountPath: INPUTS, readOnly: true },
      { name: 'context', mountPath: CONTEXT },
      { name: 'builds', mountPath: BUILDS },
      ...BUILDAH_FOLDERS.map(({ name, path }) => ({ name, mountPath: path })),
    ],
  });
  return {
    restartPolicy: 'Never',
    serviceAccountName: account,
    ...(pullSecret && { imagePullSecrets: [{ name: pullSecret }] }),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: nodesOf(request.nodeSelector),
    ...(tolerations.length > 0 && { tolerations }),
    initContainers: [container(BUILD_CONTAINERS.build, buildArguments(request, files))],
    containers: [container(BUILD_CONTAINERS.push, pushArguments(request, files))],
    volumes: [
      {
        name: 'inputs',
        secret: {
          secretName: name,
          defaultMode: 0o400,
          items: inputs.map(({ key, path }) => ({ key, path })),
        },
      },
      { name: 'context', emptyDir: {} },
      { name: 'builds', emptyDir: { sizeLimit: String(bytesMax) } },
      ...BUILDAH_FOLDERS.map(({ name }) => ({ name, emptyDir: {} })),
    ],
  };
}
