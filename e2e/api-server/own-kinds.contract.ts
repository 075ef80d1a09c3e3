import { RESOURCES } from '@kmm-fleet/api';
import { editions, groundObjects } from '@kmm-fleet/policies';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Contract, causes, SPACE } from './contract.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MODULES = `/apis/${RESOURCES.module.group}/v1beta1/namespaces/${SPACE}/modules`;
const MCMS = `/apis/${RESOURCES.managedClusterModule.group}/v1beta1/managedclustermodules`;
const IMAGE = 'example.com/kmod:1';
const MAPPING = { regexp: '^.+$', containerImage: IMAGE };
const CONTAINER = { modprobe: { moduleName: 'kmod' }, kernelMappings: [MAPPING] };

/** Structure, defaults and rules of the kinds that are installed with us, as they are generated. */
export function describeOwnKinds({ create, read, eventually, unique }: Contract): void {
  describe('our own kinds', () => {
    beforeAll(async () => {
      const objects = [editions.hub, editions.spoke].flatMap(groundObjects);
      for (const object of objects.filter(({ kind }) => kind === 'CustomResourceDefinition'))
        expect((await create(CRDS, object)).status).toBeOneOf([201, 409]);
      for (const path of [MODULES, MCMS]) await eventually(async () => (await read(path)).status === 200);
    });

    it.each<[string, object]>([
      ['a regexp', CONTAINER],
      ['a literal', { ...CONTAINER, kernelMappings: [{ literal: '6.1.0-1-amd64', containerImage: IMAGE }] }],
      ['one image for all', { ...CONTAINER, containerImage: IMAGE, kernelMappings: [{ regexp: '^.+$' }] }],
      ['raw arguments', { ...CONTAINER, modprobe: { rawArgs: { load: ['a'], unload: ['b'] } } }],
    ])('take %s, and keep what they took', async (_, container) => {
      const made = await create(MODULES, module(unique(), { moduleLoader: { container } }));

      expect(made.status).toBe(201);
      expect(made.body['spec']).toMatchObject({ moduleLoader: { container } });
    });

    it.each<[string, string, object]>([
      ['no image', 'containerImage is needed here or in each kernel mapping', mapped({ regexp: '^.+$' })],
      [
        'two selections of kernels',
        'exactly one of literal and regexp',
        mapped({ ...MAPPING, literal: '6.1' }),
      ],
      ['no selection of kernels', 'exactly one of literal and regexp', mapped({ containerImage: IMAGE })],
      [
        'two lists of in-tree modules',
        'exclude each other',
        mapped({ ...MAPPING, inTreeModuleToRemove: 'a', inTreeModulesToRemove: ['b'] }),
      ],
      [
        'in-tree modules on two levels',
        'exclude each other on all levels',
        { ...mapped({ ...MAPPING, inTreeModulesToRemove: ['b'] }), inTreeModuleToRemove: 'a' },
      ],
      ['nothing to load', 'without moduleName both', loaded({})],
      ['a name and raw arguments', 'not allowed', loaded({ moduleName: 'a', rawArgs: { load: ['a'] } })],
      ['an order of one', 'at least two', loaded({ moduleName: 'a', modulesLoadingOrder: ['a'] })],
      ['an unknown pull policy', 'supported values', { ...CONTAINER, imagePullPolicy: 'Sometimes' }],
      ['no modprobe', 'Required value', { kernelMappings: [MAPPING] }],
      ['a list that is none', 'must be of type array', { ...CONTAINER, kernelMappings: MAPPING }],
    ])('refuse %s below the field, on hub and spoke alike', async (_, words, container) => {
      const spec = { moduleLoader: { container } };
      for (const made of [
        await create(MODULES, module(unique(), spec)),
        await create(MCMS, managed(unique(), spec)),
      ]) {
        expect(made).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
        expect(made.body['message']).toContain(words);
        expect(causes(made).some(({ field }) => field.includes('moduleLoader.container'))).toBe(true);
      }
    });

    it('have a status that is written through its own path only', async () => {
      const object = { ...module(unique(), { moduleLoader: { container: CONTAINER } }), status: { x: 1 } };

      expect((await create(MODULES, object)).body['status']).toBeUndefined();
    });
  });
}

const mapped = (mapping: object) => ({ ...CONTAINER, kernelMappings: [mapping] });
const loaded = (modprobe: object) => ({ ...CONTAINER, modprobe });

function module(name: string, spec: object): object {
  const { group } = RESOURCES.module;
  return {
    apiVersion: `${group}/v1beta1`,
    kind: 'Module',
    metadata: { name },
    spec: { selector: {}, ...spec },
  };
}

function managed(name: string, spec: object): object {
  return {
    apiVersion: `${RESOURCES.managedClusterModule.group}/v1beta1`,
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: { spokeNamespace: SPACE, selector: {}, moduleSpec: { selector: {}, ...spec } },
  };
}
