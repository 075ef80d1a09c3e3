import { type ManagedClusterModule, type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Figure } from '../measure.ts';
import { type BenchFleet, claimKernel, joinCluster } from './fleet.ts';
import { figure, type Run, until } from './measuring.ts';

/** Where upstream's hub is wrong or stuck. */
const UPSTREAM = 'wrong or stuck';
const PATIENCE_MS = 30_000;
const KERNELS = ['6.1.0-2-amd64', '6.1.0-3-amd64'];

/** What is odd, how it is made, and the words that tell that it is right, which are absent until then. */
interface Oddity {
  readonly name: string;
  make(fleet: BenchFleet): Promise<unknown>;
  seen(fleet: BenchFleet): Promise<string | undefined>;
}

/** Clusters and modules that are not as the others, in a fleet that runs: each is right, or has its reason in a status. */
export async function oddFleet({ fleet }: Run): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const oddity of ODDITIES) {
    await oddity.make(fleet);
    const words = await wordsOf(oddity, fleet);
    figures.push(figure(oddity.name, words ?? 'not right', words ? 0 : 1, 0, UPSTREAM));
  }
  return figures;
}

const ODDITIES: readonly Oddity[] = [
  {
    name: 'two kernels in a cluster: each has its image by digest',
    make: ({ user }) => claimKernel(user, 'c1', KERNELS.join('\n')),
    seen: async ({ works }) => {
      const pinned = mappingsOf(works, 'c1').filter(({ containerImage }) =>
        containerImage.includes('@sha256:'),
      );
      const isRight = KERNELS.every((kernel) => pinned.some(({ literal }) => literal === kernel));
      return isRight && pinned.length === KERNELS.length ? 'both in its work' : undefined;
    },
  },
  {
    name: 'a claim that vanishes: the work stays, the status says why',
    make: ({ user }) => claimKernel(user, 'c2', undefined),
    seen: async (fleet) =>
      mappingsOf(fleet.works, 'c2').length > 0 ? reasonOf(fleet, 'kmod', 'c2', 'ClaimMissing') : undefined,
  },
  {
    name: 'a cluster whose namespace is not there yet: the status says so',
    make: ({ user }) => joinCluster(user, 'late'),
    seen: (fleet) => reasonOf(fleet, 'kmod', 'late', 'ClusterNamespaceMissing'),
  },
  {
    name: 'its namespace comes: it has its work',
    make: ({ user }) =>
      user.create(CORE.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'late' } }),
    seen: async ({ works }) => (mappingsOf(works, 'late').length > 0 ? 'the work is there' : undefined),
  },
  {
    name: 'no moduleLoader: clusters get the device plugin',
    make: async ({ user, module }) => {
      const labelled = { metadata: { labels: { odd: 'yes' } } };
      await user.mergePatch(RESOURCES.managedCluster, { name: 'c3' }, labelled, {});
      const moduleSpec = { selector: {}, devicePlugin: { container: { image: 'registry.test/plugin:1' } } };
      return user.create(RESOURCES.managedClusterModule, {
        ...module('1', 'plugin-only'),
        spec: { spokeNamespace: 'openshift-kmm', selector: { odd: 'yes' }, moduleSpec },
      } as unknown as KubeObject);
    },
    seen: async ({ works }) => {
      const spec = moduleOf(works, 'c3', 'plugin-only');
      return spec?.devicePlugin && !spec.moduleLoader ? 'as it stands in the work' : undefined;
    },
  },
  {
    name: 'an expression that is none: no work, the status says why',
    make: ({ user, module }) => {
      const object = module('1', 'badly');
      const text = JSON.stringify(object).replace('"^.+$"', '"(["');
      return user.create(RESOURCES.managedClusterModule, JSON.parse(text) as KubeObject);
    },
    seen: async (fleet) => {
      const reason = (await statusOf(fleet, 'badly'))?.conditions?.find(
        ({ type }) => type === 'Degraded',
      )?.reason;
      const isSent = fleet.works().some(({ metadata }) => metadata.name === 'badly');
      return reason === 'RegexpInvalid' && !isSent ? reason : undefined;
    },
  },
];

interface ShippedModule {
  readonly devicePlugin?: object;
  readonly moduleLoader?: {
    readonly container: {
      readonly kernelMappings: readonly { readonly literal: string; readonly containerImage: string }[];
    };
  };
}

function moduleOf(works: BenchFleet['works'], cluster: string, name: string): ShippedModule | undefined {
  const work = works().find(({ metadata }) => metadata.namespace === cluster && metadata.name === name);
  const manifests = (work as ManifestWork | undefined)?.spec.workload?.manifests as
    | readonly { readonly kind: string; readonly spec: ShippedModule }[]
    | undefined;
  return manifests?.find(({ kind }) => kind === 'Module')?.spec;
}

const mappingsOf = (works: BenchFleet['works'], cluster: string) =>
  moduleOf(works, cluster, 'kmod')?.moduleLoader?.container.kernelMappings ?? [];

async function statusOf({ user }: BenchFleet, name: string): Promise<ManagedClusterModule['status']> {
  const mcm = await user.get(RESOURCES.managedClusterModule, { name });
  return mcm?.['status'] as ManagedClusterModule['status'];
}

async function reasonOf(fleet: BenchFleet, name: string, cluster: string, reason: string) {
  const waiting = (await statusOf(fleet, name))?.waiting ?? [];
  return waiting.some((item) => item.cluster === cluster && item.reason === reason) ? reason : undefined;
}

/** The words that tell that it is right, or undefined when they have not come in time. */
async function wordsOf({ name, seen }: Oddity, fleet: BenchFleet): Promise<string | undefined> {
  let words: string | undefined;
  const look = async () => {
    words = await seen(fleet);
    return words !== undefined;
  };
  await until(name, look, { endMs: Date.now() + PATIENCE_MS }).catch(() => {});
  return words;
}
