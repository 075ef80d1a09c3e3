import {
  ANNOTATIONS,
  FINALIZERS,
  hashedName,
  LABELS,
  type LoaderRecipe,
  loaderVersionLabel,
  type Module,
  OPERATOR,
  ROLES,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import {
  FIRMWARE_DIRECTORY,
  FIRMWARE_PATH_COMMAND,
  postStartCommand,
  preStopCommand,
  softdepConfig,
} from '../hooks/loader-hooks.ts';
import { FIRMWARE_PATH_READER } from '../views.ts';

export interface LoaderInput {
  readonly module: Module;
  readonly uid: string;
  readonly recipe: LoaderRecipe;
  /** As the nodes report it: the directory below /lib/modules has this name. */
  readonly release: string;
  readonly operatorNamespace: string;
  /** The DaemonSet that serves this kernel already; it is taken over. */
  readonly existing: ExistingDaemonSet | undefined;
}

/** What cannot be changed of a DaemonSet: it is kept when one is taken over. */
export interface ExistingDaemonSet {
  readonly name: string;
  readonly matchLabels: Readonly<Record<string, string>>;
}

/** The DaemonSet that loads one module on the nodes of one kernel. Its shape is KMM 1.x's. */
export function loaderDaemonSet(input: LoaderInput): KubeObject {
  const { module, recipe } = input;
  const labels = loaderLabels(module, recipe.kernel);
  const { name, namespace = '' } = module.metadata;
  const version = module.spec.moduleLoader?.container.version;
  const identity = `${namespace}/${name}/${recipe.kernel}/${version ?? ''}`;
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: input.existing?.name ?? hashedName(name, identity),
      namespace,
      labels,
      ownerReferences: [ownedBy(module, input.uid)],
    },
    spec: {
      selector: { matchLabels: input.existing?.matchLabels ?? labels },
      template: {
        metadata: { labels, finalizers: [FINALIZERS.nodeLabeler], ...orderAnnotation(recipe) },
        spec: podSpec(input),
      },
    },
  };
}

/** Labels of a loader, also its selector: module, kernel, role, and the version of an ordered upgrade. */
export function loaderLabels(module: Module, kernel: string): Record<string, string> {
  const { name, namespace = '' } = module.metadata;
  const version = module.spec.moduleLoader?.container.version;
  return {
    [LABELS.moduleName]: name,
    [LABELS.kernelVersion]: kernel,
    [LABELS.role]: ROLES.loader,
    ...(version && { [loaderVersionLabel(namespace, name)]: version }),
  };
}

/** Owner reference of everything that belongs to a Module. */
export function ownedBy({ apiVersion, kind, metadata }: Module, uid: string) {
  return { apiVersion, kind, name: metadata.name, uid, controller: true, blockOwnerDeletion: true };
}

function podSpec({ module, recipe, release, operatorNamespace }: LoaderInput) {
  const { name, namespace = '' } = module.metadata;
  const { spec } = module;
  const container = spec.moduleLoader?.container;
  const own = namespace === operatorNamespace ? OPERATOR.loaderServiceAccount : undefined;
  const serviceAccountName = spec.moduleLoader?.serviceAccountName || own;
  const volumes = volumesOf(recipe, release);
  const { imagePullPolicy } = container ?? {};
  const image = { image: recipe.image, ...(imagePullPolicy && { imagePullPolicy }) };
  return {
    // PID 1 is then the pause container, so that `sleep` dies of SIGTERM at once instead of after 30 s.
    shareProcessNamespace: true,
    priorityClassName: 'system-node-critical',
    nodeSelector: {
      ...spec.selector,
      [LABELS.kernelVersion]: recipe.kernel,
      ...(container?.version && { [loaderVersionLabel(namespace, name)]: container.version }),
    },
    ...(serviceAccountName && { serviceAccountName }),
    ...(spec.imageRepoSecret && { imagePullSecrets: [spec.imageRepoSecret] }),
    ...(spec.tolerations && { tolerations: spec.tolerations }),
    ...(recipe.modprobe.firmwarePath && { initContainers: [firmwarePathReader(image)] }),
    containers: [
      {
        name: 'module-loader',
        ...image,
        command: ['sleep', 'infinity'],
        lifecycle: {
          postStart: { exec: { command: ['/bin/sh', '-c', postStartCommand(recipe)] } },
          preStop: { exec: { command: ['/bin/sh', '-c', preStopCommand(recipe)] } },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { add: ['SYS_MODULE'] },
          runAsUser: 0,
          seLinuxOptions: { type: 'spc_t' },
        },
        volumeMounts: volumes.map(({ mount }) => mount),
      },
    ],
    volumes: volumes.map(({ volume }) => volume),
  };
}

/** Tells in the pod's status where the node looks for firmware: an administrator must have set it. */
function firmwarePathReader(image: object) {
  return {
    name: FIRMWARE_PATH_READER,
    ...image,
    command: ['/bin/sh', '-c', FIRMWARE_PATH_COMMAND],
    securityContext: { allowPrivilegeEscalation: false },
  };
}

function volumesOf({ modprobe }: LoaderRecipe, release: string) {
  const modules = `/lib/modules/${release}`;
  return [
    {
      volume: { name: 'node-lib-modules', hostPath: { path: modules, type: 'Directory' } },
      mount: { name: 'node-lib-modules', mountPath: modules, readOnly: true } as Record<string, unknown>,
    },
    ...(modprobe.firmwarePath
      ? [
          {
            volume: {
              name: 'node-var-lib-firmware',
              hostPath: { path: FIRMWARE_DIRECTORY, type: 'DirectoryOrCreate' },
            },
            mount: { name: 'node-var-lib-firmware', mountPath: FIRMWARE_DIRECTORY },
          },
        ]
      : []),
    ...(modprobe.modulesLoadingOrder ? [orderVolume()] : []),
  ];
}

function orderVolume() {
  const fieldRef = { fieldPath: `metadata.annotations['${ANNOTATIONS.modulesOrder}']` };
  return {
    volume: { name: 'modules-order', downwardAPI: { items: [{ path: 'softdep.conf', fieldRef }] } },
    mount: { name: 'modules-order', mountPath: '/etc/modprobe.d', readOnly: true },
  };
}

function orderAnnotation({ modprobe }: LoaderRecipe) {
  const order = modprobe.modulesLoadingOrder;
  return order ? { annotations: { [ANNOTATIONS.modulesOrder]: softdepConfig(order) } } : {};
}
