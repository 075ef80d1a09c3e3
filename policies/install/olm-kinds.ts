import { RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, type KubeObject } from '@kmm-fleet/runtime';

interface KindText {
  readonly displayName: string;
  readonly description: string;
  /** What the console of OpenShift begins with. */
  readonly example: Readonly<Record<string, unknown>>;
}

const IMAGE = 'registry.example.com/my-kmod:6.1.0';
const loader = (container: Readonly<Record<string, unknown>>) => ({
  moduleLoader: { container: { modprobe: { moduleName: 'my_kmod' }, ...container } },
});
const mappings = {
  kernelMappings: [{ regexp: '^.+$', containerImage: 'registry.example.com/my-kmod:${KERNEL_FULL_VERSION}' }],
};

const TEXTS: Readonly<Record<string, KindText>> = {
  Module: {
    displayName: 'Module',
    description: 'A kernel module and the nodes that it is for.',
    example: { selector: { 'node-role.kubernetes.io/worker': '' }, ...loader(mappings) },
  },
  ManagedClusterModule: {
    displayName: 'Managed Cluster Module',
    description: 'A kernel module and the clusters that it is for.',
    example: {
      spokeNamespace: 'openshift-kmm',
      selector: { 'wants-my-mcm': 'true' },
      moduleSpec: { selector: { 'node-wants-my-mcm': 'true' }, ...loader(mappings) },
    },
  },
  ModuleImage: {
    displayName: 'Module Image',
    description: 'An image that the operator builds and signs for one kernel. The operator makes it.',
    example: {
      image: IMAGE,
      kernelVersion: '6.1.0',
      module: { name: 'my-kmod', namespace: 'openshift-kmm' },
    },
  },
};

const { moduleImage } = RESOURCES;
/** Those that no user makes. */
export const INTERNAL_KINDS = [`${moduleImage.plural}.${moduleImage.group}`];

const resourcesOf = (plurals: readonly string[]) =>
  Object.values(RESOURCES).filter(({ plural }) => plurals.includes(plural));

/** What a catalog tells of the kinds that an operator brings. */
export const ownedKinds = (plurals: readonly string[]) =>
  resourcesOf(plurals).map(({ group, version, plural, kind }) => {
    const { displayName, description } = TEXTS[kind] ?? {};
    return { name: `${plural}.${group}`, kind, version, displayName, description };
  });

export const exampleObjects = (plurals: readonly string[]): KubeObject[] =>
  resourcesOf(plurals).map((resource) => ({
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name: 'my-kmod' },
    spec: TEXTS[resource.kind]?.example,
  }));
