import { FEEDBACK_NAMES, type ManagedClusterModule, OPERATOR, pinnedModule, RESOURCES } from '@kmm-fleet/api';
import { editions, groundObjects } from '@kmm-fleet/policies';
import { CORE } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { MODULES_ANNOTATION } from './story/world.ts';
import {
  type Era,
  fieldsOf,
  leavesOf,
  pathsIn,
  requiredBy,
  type Schema,
  sampleOf,
  specSchema,
} from './upstream/eras.ts';
import { upstreamWork } from './upstream/upstream-objects.ts';
import { KERNEL, upstreamWorld } from './upstream/upstream-world.ts';

const NAMESPACE = OPERATOR.namespace;
const modprobe = { moduleName: 'kmod', dirName: '/opt' };
const DRA = ['availableNumber', 'desiredNumber', 'nodesMatchingSelectorNumber'].map((name) => `dra.${name}`);

describe('a work of an upstream hub loads its module on our spoke, and its feedback comes back', () => {
  it.each<[string, (digest: string) => object, readonly string[]]>([
    [
      '1.1, by digest',
      (digest) => ({
        modprobe,
        kernelMappings: [
          { literal: KERNEL, containerImage: `registry.test/kmod@${digest}`, inTreeModuleToRemove: '' },
        ],
      }),
      FEEDBACK_NAMES,
    ],
    [
      '1.1, by the tag that it ships when it cannot resolve one',
      () => ({ modprobe, kernelMappings: [{ literal: KERNEL, containerImage: 'registry.test/kmod:v1' }] }),
      FEEDBACK_NAMES,
    ],
    [
      '2.x, with a list of modules to remove and a policy',
      (digest) => ({
        modprobe,
        imagePullPolicy: 'IfNotPresent',
        registryTLS: {},
        kernelMappings: [
          {
            literal: KERNEL,
            containerImage: `registry.test/kmod@${digest}`,
            inTreeModulesToRemove: ['dummy'],
          },
        ],
      }),
      FEEDBACK_NAMES,
    ],
    [
      'main, which asks for counts of DRA too',
      (digest) => ({
        modprobe,
        kernelMappings: [{ literal: KERNEL, containerImage: `registry.test/kmod@${digest}` }],
      }),
      [...FEEDBACK_NAMES, ...DRA],
    ],
  ])('%s', async (_era, container, feedback) => {
    const world = await upstreamWorld();
    world.startSpoke();
    await world.hub.create(RESOURCES.manifestWork, upstreamWork(container(world.digest), feedback));

    await world.until('the module', async () => {
      const node = await world.user.get(CORE.node, { name: 'n1' });
      return node?.metadata.annotations?.[MODULES_ANNOTATION] === 'kmod';
    });
    await world.until('the feedback', async () => {
      const work = await world.hub.get(RESOURCES.manifestWork, { namespace: 'one', name: 'my-mcm' });
      const text = JSON.stringify(work?.['status'] ?? {});
      return text.includes(
        '{"name":"moduleLoader.availableNumber","fieldValue":{"type":"Integer","integer":1}}',
      );
    });
    await world.stop();
  });
});

describe('what our works hold', () => {
  const definitions = groundObjects(editions.spoke).filter(({ metadata }) =>
    metadata.name.startsWith('modules.'),
  );
  const [schema] = definitions.map(({ spec }) => specSchema(spec)) as [Schema];
  const staysAtHub = (leaf: string) => /\.(build|sign)\./.test(leaf);

  it('is all known to the newest upstream', () => {
    const ours = leavesOf(schema).filter((leaf) => !staysAtHub(leaf));

    expect(ours.sort()).toEqual(fieldsOf('main').sort());
  });

  it.each<[Era, string[]]>([
    ['1.0', []],
    ['1.1', ['dummy']],
    ['2.1', ['dummy', 'more']],
    ['2.3', ['dummy', 'more']],
    ['2.4', ['dummy', 'more']],
    ['2.6', ['dummy', 'more']],
    ['main', ['dummy', 'more']],
  ])('of a user’s fields of upstream %s is what its spoke knows, and all that it requires', (era, inTree) => {
    const known = fieldsOf(era);
    const moduleSpec = sampleOf(schema, (leaf) => known.includes(leaf) || staysAtHub(leaf));
    const mcm = {
      metadata: { name: 'my-mcm' },
      spec: { spokeNamespace: NAMESPACE, selector: {}, moduleSpec },
    } as unknown as ManagedClusterModule;
    const image = `registry.test/kmod@sha256:${'a'.repeat(64)}`;

    const { spec } = pinnedModule(mcm, [{ kernel: KERNEL, image, inTreeModulesToRemove: inTree }]);
    const held = pathsIn(spec);

    const isKnown = (path: string) =>
      known.some((field) => `${field}.`.startsWith(`${path}.`) || path.startsWith(`${field}.`));
    expect(held.filter((path) => !isKnown(path))).toEqual([]);
    expect(requiredBy(era).filter((path) => !held.includes(path))).toEqual([]);
    const [mapping] = spec.moduleLoader?.container.kernelMappings ?? [];
    expect(mapping).toMatchObject({ literal: KERNEL, containerImage: image });
    // What the hub has decided by then is not said again; all else that the user has set is there.
    const left = known.filter((field) => !held.includes(field));
    expect(
      left.filter((field) => !/container\.(containerImage|inTree\w+|kernelMappings\.\S+)$/.test(field)),
    ).toEqual([]);
  });
});
