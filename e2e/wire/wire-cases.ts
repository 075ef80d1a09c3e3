import type { ModuleSpec } from '@kmm-fleet/api';

const modprobe = { moduleName: 'kmod', dirName: '/opt' };
const kernelMappings = [{ regexp: '^.+$', containerImage: 'registry.test/kmod:v1' }];
const plugin = { image: 'registry.test/kmod:v1', command: ['sleep', 'infinity'] };
const selector = { worker: 'yes' };

/** Modules for one cluster which between them need every field that goes from a hub to a spoke and back. */
export const WIRE_CASES: Readonly<Record<string, ModuleSpec>> = {
  plain: { selector, moduleLoader: { container: { modprobe, kernelMappings } } },
  versioned: { selector, moduleLoader: { container: { modprobe, version: '1', kernelMappings } } },
  everything: {
    selector,
    imageRepoSecret: { name: 'pull' },
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    devicePlugin: { container: { ...plugin, env: [{ name: 'SITE', value: '1' }] } },
    moduleLoader: {
      serviceAccountName: 'loader',
      container: {
        modprobe: {
          ...modprobe,
          parameters: ['site=1'],
          args: { load: ['-v'], unload: ['-rv'] },
          firmwarePath: '/firmware',
          modulesLoadingOrder: ['kmod', 'other'],
        },
        imagePullPolicy: 'IfNotPresent',
        registryTLS: { insecure: false, insecureSkipTLSVerify: true },
        kernelMappings: kernelMappings.map((mapping) => ({ ...mapping, inTreeModuleToRemove: 'dummy' })),
      },
    },
  },
  'plugin-alone': { selector, devicePlugin: { container: plugin } },
  'fails-on-nodes': {
    selector,
    moduleLoader: { container: { modprobe: { ...modprobe, moduleName: 'absent' }, kernelMappings } },
  },
};
