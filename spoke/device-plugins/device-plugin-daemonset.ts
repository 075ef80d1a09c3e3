import {
  devicePluginVersionLabel,
  FINALIZERS,
  hashedName,
  LABELS,
  type Module,
  OPERATOR,
  ROLES,
  readyLabel,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type ExistingDaemonSet, ownedBy } from '../loaders/loader-daemonset.ts';

const PLUGINS_DIRECTORY = '/var/lib/kubelet/device-plugins';

/** The DaemonSet of a module's device plugin: it runs where the module is loaded. undefined when there is none. */
export function devicePluginDaemonSet(
  module: Module,
  uid: string,
  operatorNamespace: string,
  existing: ExistingDaemonSet | undefined,
): KubeObject | undefined {
  const { devicePlugin } = module.spec;
  if (!devicePlugin) return undefined;
  const { name, namespace = '' } = module.metadata;
  const labels = devicePluginLabels(module);
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name:
        existing?.name ??
        hashedName(`${name}-device-plugin`, `${namespace}/${name}/device-plugin/${versionOf(module) ?? ''}`),
      namespace,
      labels,
      ownerReferences: [ownedBy(module, uid)],
    },
    spec: {
      selector: { matchLabels: existing?.matchLabels ?? labels },
      template: {
        metadata: { labels, finalizers: [FINALIZERS.nodeLabeler] },
        spec: podSpec(module, operatorNamespace),
      },
    },
  };
}

export function devicePluginLabels(module: Module): Record<string, string> {
  const { name, namespace = '' } = module.metadata;
  const version = versionOf(module);
  return {
    [LABELS.moduleName]: name,
    [LABELS.role]: ROLES.devicePlugin,
    ...(version && { [devicePluginVersionLabel(namespace, name)]: version }),
  };
}

const versionOf = (module: Module) => module.spec.moduleLoader?.container.version;

function podSpec({ metadata, spec }: Module, operatorNamespace: string) {
  const { name, namespace = '' } = metadata;
  const plugin = spec.devicePlugin;
  const version = spec.moduleLoader?.container.version;
  const own = namespace === operatorNamespace ? OPERATOR.devicePluginServiceAccount : undefined;
  const serviceAccountName = plugin?.serviceAccountName || own;
  const mount = { name: 'kubelet-device-plugins', mountPath: PLUGINS_DIRECTORY };
  const volume = { name: 'kubelet-device-plugins', hostPath: { path: PLUGINS_DIRECTORY, type: 'Directory' } };
  return {
    priorityClassName: 'system-node-critical',
    nodeSelector: {
      // Without a loader there is nothing to wait for.
      ...(spec.moduleLoader ? { [readyLabel(namespace, name)]: '' } : spec.selector),
      ...(version && { [devicePluginVersionLabel(namespace, name)]: version }),
    },
    ...(serviceAccountName && { serviceAccountName }),
    ...(plugin?.automountServiceAccountToken !== undefined && {
      automountServiceAccountToken: plugin.automountServiceAccountToken,
    }),
    ...(spec.imageRepoSecret && { imagePullSecrets: [spec.imageRepoSecret] }),
    ...(spec.tolerations && { tolerations: spec.tolerations }),
    ...(plugin?.initContainer && {
      initContainers: [{ name: 'device-plugin-init', ...plugin.initContainer }],
    }),
    containers: [
      {
        name: 'device-plugin',
        ...plugin?.container,
        securityContext: { privileged: true },
        volumeMounts: [...(plugin?.container.volumeMounts ?? []), mount],
      },
    ],
    volumes: [...(plugin?.volumes ?? []), volume],
  };
}
