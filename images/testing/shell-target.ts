import type { PushTarget } from '../builders/builder.contract.ts';
import { pushImage } from './push-image.ts';
import type { RealRegistryWorld } from './real-registry.ts';
import { shellFiles } from './shell-files.ts';

/** A real registry with an image in it that has a shell, for builders that run what a Dockerfile says. */
export async function shellTarget(real: RealRegistryWorld): Promise<PushTarget> {
  const { registry, address, access, wrongAccess } = real;
  const image = `${address}/base/shell:1`;
  await pushImage(registry, image, access, await shellFiles());
  return { registry, address, access, wrongAccess, from: `FROM ${image}` };
}
