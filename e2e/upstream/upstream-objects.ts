import { LABELS, loaderVersionLabel, type Modprobe, type Module, OPERATOR, ROLES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { KERNEL } from './upstream-world.ts';

const NAMESPACE = OPERATOR.namespace;

/** The work of an upstream hub: its label alone, a Module with null times and empty counts, no scrape type. */
export function upstreamWork(container: object, feedback: readonly string[]): KubeObject {
  const metadata = { creationTimestamp: null, name: 'my-mcm', namespace: NAMESPACE };
  const module = {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata,
    spec: { moduleLoader: { container }, selector: { worker: 'yes' } },
    status: { devicePlugin: {}, moduleLoader: {} },
  };
  const jsonPaths = feedback.map((name) => ({ name, path: `.status.${name}` }));
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name: 'my-mcm', namespace: 'one', labels: { [LABELS.managedClusterModule]: 'my-mcm' } },
    spec: {
      workload: { manifests: [module] },
      manifestConfigs: [
        {
          resourceIdentifier: {
            group: 'kmm.sigs.x-k8s.io',
            name: 'my-mcm',
            namespace: NAMESPACE,
            resource: 'modules',
          },
          feedbackRules: [{ type: 'JSONPaths', jsonPaths }],
        },
      ],
    },
  };
}

/** A loader as an upstream spoke of 1.x writes it, field by field; what differs between its editions is `edition`. */
export function upstreamLoader(module: Module, edition: '1.1' | '1.1 of OpenShift'): KubeObject {
  const { container } = module.spec.moduleLoader ?? {};
  const [mapping] = container?.kernelMappings ?? [];
  const modprobe: Modprobe = container?.modprobe ?? { dirName: '' };
  const { name } = module.metadata;
  const { uid = '' } = module.metadata as KubeObject['metadata'];
  const version = container?.version && { [loaderVersionLabel(NAMESPACE, name)]: container.version };
  const labels = {
    [LABELS.moduleName]: name,
    [LABELS.kernelVersion]: KERNEL,
    ...(edition === '1.1' && { [LABELS.role]: ROLES.loader }),
    ...version,
  };
  const order = modprobe.modulesLoadingOrder;
  const hook = (command: string) => ({ exec: { command: ['/bin/sh', '-c', command] } });
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace: NAMESPACE,
      labels,
      ownerReferences: [
        {
          apiVersion: module.apiVersion,
          kind: 'Module',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          finalizers: ['kmm.node.kubernetes.io/node-labeler'],
          ...(order && { annotations: { 'modules-order': softdep(order) } }),
        },
        spec: {
          ...(edition === '1.1' && { shareProcessNamespace: true }),
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'kmm-operator-module-loader',
          nodeSelector: { ...module.spec.selector, [LABELS.kernelVersion]: KERNEL, ...version },
          containers: [
            {
              name: 'module-loader',
              image: mapping?.containerImage,
              command: ['sleep', 'infinity'],
              lifecycle: {
                postStart: hook(load(mapping?.inTreeModuleToRemove, modprobe)),
                preStop: hook(unload(modprobe)),
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ['SYS_MODULE'] },
                runAsUser: 0,
                seLinuxOptions: { type: 'spc_t' },
              },
              volumeMounts: volumes(modprobe).map(({ mount }) => mount),
            },
          ],
          volumes: volumes(modprobe).map(({ volume }) => volume),
        },
      },
    },
  };
}

const softdep = (order: readonly string[]) =>
  order
    .slice(0, -1)
    .map((module, index) => `softdep ${module} pre: ${order[index + 1]}\n`)
    .join('');

function load(inTree: string | undefined, { firmwarePath, args, dirName, ...rest }: Modprobe): string {
  return [
    ...(inTree ? [`modprobe -r "${inTree}" &&`] : []),
    ...(firmwarePath ? [`cp -r ${firmwarePath}/* /var/lib/firmware &&`] : []),
    'modprobe',
    ...(args?.load ?? ['-v']),
    ...(dirName ? [`-d ${dirName}`] : []),
    rest.moduleName,
    ...(rest.parameters ?? []),
  ].join(' ');
}

function unload({ firmwarePath, args, dirName, moduleName }: Modprobe): string {
  const words = ['modprobe', ...(args?.unload ?? ['-rv']), ...(dirName ? ['-d', dirName] : []), moduleName];
  // How upstream removes firmware is its own affair: nothing of ours depends on its words.
  return `${words.join(' ')}${firmwarePath ? ` && cd ${firmwarePath} && find . | sort -r` : ''}`;
}

function volumes({ firmwarePath, modulesLoadingOrder }: Modprobe) {
  const path = `/lib/modules/${KERNEL}`;
  const firmware = '/var/lib/firmware';
  const fieldRef = { apiVersion: 'v1', fieldPath: "metadata.annotations['modules-order']" };
  const of = (name: string, volume: object, mount: object) => ({
    volume: { name, ...volume },
    mount: { name, ...mount },
  });
  return [
    of('node-lib-modules', { hostPath: { path, type: 'Directory' } }, { mountPath: path, readOnly: true }),
    ...(firmwarePath
      ? [
          of(
            'node-var-lib-firmware',
            { hostPath: { path: firmware, type: 'DirectoryOrCreate' } },
            { mountPath: firmware },
          ),
        ]
      : []),
    ...(modulesLoadingOrder
      ? [
          of(
            'modules-order',
            { downwardAPI: { items: [{ path: 'softdep.conf', fieldRef }] } },
            { mountPath: '/etc/modprobe.d', readOnly: true },
          ),
        ]
      : []),
  ];
}
