import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ManagedClusterModule } from '../kinds/managed-cluster-module.ts';
import { checkModule } from './check.ts';
import { type Pin, pinnedModule } from './pinned-module.ts';

const digest = `sha256:${'0a'.repeat(32)}`;
const image = `quay.io/org/kmod@${digest}`;
const pin = (kernel: string, ...inTreeModulesToRemove: string[]): Pin => ({
  kernel,
  image,
  inTreeModulesToRemove,
});
const signing = { keySecret: { name: 'k' }, certSecret: { name: 'c' } };
const building = { dockerfileConfigMap: { name: 'd' } };
const mcm: ManagedClusterModule = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'my-mcm', uid: '1', labels: { a: 'b' } },
  spec: {
    spokeNamespace: 'openshift-kmm',
    selector: {},
    moduleSpec: {
      selector: { node: 'yes' },
      imageRepoSecret: { name: 'pull' },
      devicePlugin: { container: { image: 'plugin:1' } },
      moduleLoader: {
        container: {
          containerImage: 'quay.io/$MOD_NAMESPACE/kmod:1',
          build: building,
          sign: signing,
          inTreeModuleToRemove: 'old',
          modprobe: { moduleName: 'kmod', dirName: '/opt', parameters: ['a=1'] },
          kernelMappings: [
            { regexp: '^.+$', build: building, sign: signing, registryTLS: { insecure: true } },
          ],
        },
      },
    },
  },
};

it('keeps one literal by digest for each kernel, and the rest of the spec', () => {
  expect(pinnedModule(mcm, [pin('6.2.0', 'a', 'b'), pin('6.1.0', 'old')])).toEqual({
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name: 'my-mcm', namespace: 'openshift-kmm' },
    spec: {
      ...mcm.spec.moduleSpec,
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'kmod', dirName: '/opt', parameters: ['a=1'] },
          kernelMappings: [
            { literal: '6.1.0', containerImage: image, inTreeModuleToRemove: 'old' },
            { literal: '6.2.0', containerImage: image, inTreeModulesToRemove: ['a', 'b'] },
          ],
        },
      },
    },
  });
});

it('serves releases that differ in a plus by one literal', () => {
  const module = pinnedModule(mcm, [pin('6.1.0+', 'plus'), pin('6.1.0')]);
  expect(module.spec.moduleLoader?.container.kernelMappings).toEqual([
    { literal: '6.1.0', containerImage: image },
  ]);
});

it('needs no pins where there is no loader', () => {
  const { moduleLoader: _, ...moduleSpec } = mcm.spec.moduleSpec;
  const module = pinnedModule({ ...mcm, spec: { ...mcm.spec, moduleSpec } }, []);
  expect(module.spec).toEqual(moduleSpec);
});

const kernels = fc.uniqueArray(fc.stringMatching(/^[0-9]\.[0-9]{1,2}\.[0-9]{1,2}[+]?$/), {
  minLength: 1,
  maxLength: 8,
});
const pins = kernels.map((names) => names.map((name) => pin(name, 'old')));

it('holds nothing to build, sign, match or substitute, and is a valid Module', () => {
  fc.assert(
    fc.property(pins, (pins) => {
      const module = pinnedModule(mcm, pins);
      expect(JSON.stringify(module)).not.toMatch(/"(build|sign|regexp)"|\$/);
      expect(checkModule(module)).toMatchObject({ ok: true, warnings: [] });
    }),
  );
});

it('is the same when trimmed again, in whatever order the pins come, and shares nothing with its input', () => {
  fc.assert(
    fc.property(pins, (pins) => {
      const before = JSON.stringify(mcm);
      const once = pinnedModule(mcm, pins);
      const again = pinnedModule({ ...mcm, spec: { ...mcm.spec, moduleSpec: once.spec } }, pins.toReversed());
      expect(JSON.stringify(again)).toBe(JSON.stringify(once));
      once.spec.selector['changed'] = 'yes';
      expect(JSON.stringify(mcm)).toBe(before);
    }),
  );
});
