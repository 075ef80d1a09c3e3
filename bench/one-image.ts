import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { testPair } from '@kmm-fleet/images/testing';
import { CORE } from '@kmm-fleet/runtime';
import { type HubOnly, hubWithClusters, module, untilWorks } from './fleet.ts';
import type { Figure } from './measure.ts';

const IMAGE = 'registry.test/built:${KERNEL_FULL_VERSION}';
const kernelsOf = (count: number) => Array.from({ length: count }, (_, index) => `6.1.0-${index + 1}-amd64`);

/** Builds, signings and look-ups of the final image, counted at the builder and at the registry, beside kernels. */
export async function oneImagePerKernel(clusters: number, kernels: number): Promise<Figure> {
  const world = await hubWithClusters(clusters, kernelsOf(kernels));
  await giveInputs(world);
  const { requests } = world.registry;
  requests.length = 0;
  const container = {
    build: { dockerfileConfigMap: { name: 'dockerfile' } },
    sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
    kernelMappings: [{ regexp: '^.+$', containerImage: IMAGE }],
  };
  await world.user.create(RESOURCES.managedClusterModule, module(container));
  await untilWorks(world, clusters);
  await world.clock.advance(60_000);
  const final = /\/v2\/built\/manifests\/[\w.-]+-amd64$/;
  const count = (method: string) =>
    requests.filter((line) => line.startsWith(method) && final.test(line)).length;
  const [builds, signings, lookUps] = [world.built.length, count('PUT'), count('GET') + count('HEAD')];
  await world.stop();
  if (Math.min(builds, signings, lookUps) < kernels)
    throw new RangeError(`${builds} builds, ${signings} signings and ${lookUps} look-ups are too few.`);
  return {
    name: `${clusters} clusters on ${kernels} kernels`,
    value: `${builds} builds, ${signings} signings, ${lookUps} look-ups`,
    ratio: Math.max(builds, signings, lookUps) / kernels,
    ratioMax: 1,
  };
}

/** Requests to the registry for images that somebody else has built, beside kernels. */
export async function oneLookUpPerImage(clusters: number, kernels: number): Promise<Figure> {
  const world = await hubWithClusters(clusters, kernelsOf(kernels));
  world.registry.requests.length = 0;
  const literals = kernelsOf(kernels).map((literal) => ({ literal, containerImage: 'registry.test/kmod:1' }));
  await world.user.create(RESOURCES.managedClusterModule, module({ kernelMappings: literals }));
  await untilWorks(world, clusters);
  await world.clock.advance(60_000);
  const requests = world.registry.requests.length;
  await world.stop();
  return {
    name: `requests to the registry for ${clusters} clusters on ${kernels} kernels`,
    value: String(requests),
    ratio: requests / kernels,
    ratioMax: 1,
  };
}

async function giveInputs({ user }: HubOnly): Promise<void> {
  const { keyPem, certPem } = testPair('rsa');
  const metadata = (name: string) => ({ name, namespace: OPERATOR.hubNamespace });
  const dockerfile = '# module {"name":"kmod"}\nFROM scratch\n';
  await user.create(CORE.configMap, {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('dockerfile') },
    data: { dockerfile },
  });
  for (const [name, bytes] of [
    ['key', keyPem],
    ['cert', certPem],
  ] as const)
    await user.create(CORE.secret, {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: metadata(name) },
      data: { [name]: bytes.toString('base64') },
    });
}
