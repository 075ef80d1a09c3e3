import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KernelMapping } from '../kinds/loader.ts';
import type { ModuleSpec } from '../kinds/module.ts';
import { resolveRecipe } from './resolve-recipe.ts';

const identity = { name: 'my-kmod', namespace: 'openshift-kmm-hub' };
const release = '6.0.15-300.fc37.x86_64';
const spec = (...kernelMappings: KernelMapping[]): ModuleSpec => ({
  selector: {},
  moduleLoader: { container: { modprobe: { moduleName: 'my_kmod', dirName: '/opt' }, kernelMappings } },
});

it('substitutes images with all names, and what is signed with those of the kernel only', () => {
  const mapping = {
    regexp: '^.+$',
    containerImage: 'quay.io/$MOD_NAMESPACE/$MOD_NAME:$KERNEL_XYZ-${KERNEL_X}',
    sign: {
      keySecret: { name: 'k' },
      certSecret: { name: 'c' },
      unsignedImage: 'quay.io/org/$MOD_NAME-kmod:$KERNEL_FULL_VERSION',
      filesToSign: ['/opt/lib/modules/${KERNEL_FULL_VERSION}/*.ko'],
    },
  };
  expect(resolveRecipe(identity, spec(mapping), `${release}+`)).toMatchObject({
    ok: true,
    value: {
      kernel: release,
      image: 'quay.io/openshift-kmm-hub/my-kmod:6.0.15-6',
      sign: {
        unsignedImage: `quay.io/org/-kmod:${release}`,
        filesToSign: [`/opt/lib/modules/${release}/*.ko`],
      },
      inTreeModulesToRemove: [],
    },
  });
});

it.each([
  { name: 'no mapping', spec: spec({ literal: 'other' }), kernel: release, reason: 'KernelNotMapped' },
  { name: 'no loader', spec: { selector: {} }, kernel: release, reason: 'KernelNotMapped' },
  {
    name: 'two components',
    spec: spec({ regexp: '.', containerImage: 'a:b' }),
    kernel: '6.1',
    reason: 'KernelInvalid',
  },
  {
    name: 'a placeholder',
    spec: spec({ regexp: '.', containerImage: 'quay.io/<my_kmod>:1' }),
    kernel: release,
    reason: 'ImageReferenceInvalid',
  },
  { name: 'no image', spec: spec({ regexp: '.' }), kernel: release, reason: 'ImageReferenceInvalid' },
])('finds $reason for $name', ({ spec, kernel, reason }) => {
  expect(resolveRecipe(identity, spec, kernel)).toMatchObject({
    ok: false,
    findings: [{ reason, message: expect.stringMatching(/./), nextStep: expect.stringMatching(/./) }],
  });
});

it('says which mapping has the image that cannot be read', () => {
  const checked = resolveRecipe(
    identity,
    spec({ literal: 'x' }, { regexp: '.', containerImage: 'A/B' }),
    release,
  );
  expect(checked).toMatchObject({
    findings: [{ path: 'spec.moduleLoader.container.kernelMappings[1].containerImage' }],
  });
});

it('gives byte-equal recipes for equal input and changes nothing of it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[1-9]\.[0-9]{1,2}\.[0-9]{1,2}[a-z0-9._-]{0,20}$/), (kernel) => {
      const module = spec({ regexp: '^.+$', containerImage: 'quay.io/org/kmod:$KERNEL_VERSION' });
      const before = JSON.stringify(module);
      const [one, two] = [resolveRecipe(identity, module, kernel), resolveRecipe(identity, module, kernel)];
      expect(one.ok).toBe(true);
      expect(JSON.stringify(one)).toBe(JSON.stringify(two));
      expect(JSON.stringify(module)).toBe(before);
    }),
  );
});
