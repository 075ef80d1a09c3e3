import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Builder, pullImage, type Registry, type RegistryAccess } from '@kmm-fleet/images';
import { pushImage } from '@kmm-fleet/images/testing';

/** Where a test makes images beside the operator. */
export interface ImageBench {
  readonly registry: Registry;
  readonly builder: Builder;
  readonly access: RegistryAccess;
  /** Of the registry. */
  readonly address: string;
  /** References of the image to build modules with, and of that to run modprobe with. */
  readonly toolkit: string;
  readonly runtime: string;
}

/** The modules of e2e/loader as a vendor ships them: built for one kernel, unsigned. */
export interface TestModules {
  readonly image: string;
  /** Sources: what a Dockerfile copies from. */
  readonly source: string;
  file(module: string): Uint8Array;
}

export const DOCKERFILE = `ARG DTK_AUTO
ARG SOURCE_IMAGE
ARG RUNTIME_IMAGE
FROM \${SOURCE_IMAGE} AS source
FROM \${DTK_AUTO} AS builder
ARG KERNEL_VERSION
WORKDIR /usr/src/modules
COPY --from=source / ./
RUN KERNEL_SRC_DIR=/lib/modules/\${KERNEL_VERSION}/build make all
FROM \${RUNTIME_IMAGE}
ARG KERNEL_VERSION
COPY --from=builder /usr/src/modules/*.ko /opt/lib/modules/\${KERNEL_VERSION}/
COPY --from=source /firmware /firmware
RUN depmod -b /opt \${KERNEL_VERSION}
`;

const SOURCES = join(import.meta.dirname, '../loader/modules');

/** @returns the image with the sources of all test modules, and a firmware file */
export async function pushTestSources({ registry, access, address }: ImageBench): Promise<string> {
  const source = `${address}/kmm-e2e-source:1`;
  const files = readdirSync(SOURCES).map((name) => [`/${name}`, readFileSync(join(SOURCES, name))] as const);
  const firmware = { '/firmware/kmm-e2e.bin': 'firmware' };
  await pushImage(registry, source, access, { ...Object.fromEntries(files), ...firmware });
  return source;
}

export async function buildTestModules(bench: ImageBench, kernel: string): Promise<TestModules> {
  const { registry, access, address } = bench;
  const source = await pushTestSources(bench);
  const image = `${address}/kmm-e2e:${kernel}`;
  await build(bench, image, DOCKERFILE, {
    DTK_AUTO: bench.toolkit,
    RUNTIME_IMAGE: bench.runtime,
    SOURCE_IMAGE: source,
    KERNEL_VERSION: kernel,
  });
  const { fs } = await pullImage(registry, image, access, { keep: (path) => path.endsWith('.ko') });
  return {
    image,
    source,
    file(module) {
      const file = fs.readFile(`/opt/lib/modules/${kernel}/${module}.ko`);
      if (!file) throw new RangeError(`${image} has no ${module}`);
      return file;
    },
  };
}

/** An image to load modules from, with these files in it; depmod has run in each of `folders`. */
export async function buildLoaderImage(
  bench: ImageBench,
  image: string,
  kernel: string,
  files: Readonly<Record<string, Uint8Array>>,
  folders: readonly string[],
): Promise<void> {
  const layer = `${image}-files`;
  await pushImage(bench.registry, layer, bench.access, files);
  const depmod = folders.map((folder) => `depmod -b ${folder} ${kernel}`).join(' && ');
  await build(bench, image, `FROM ${bench.runtime}\nCOPY --from=${layer} / /\nRUN ${depmod}\n`, {});
}

export async function build(
  { builder, access }: ImageBench,
  target: string,
  dockerfile: string,
  buildArgs: Readonly<Record<string, string>>,
): Promise<void> {
  const request = { dockerfile, buildArgs, secrets: [], target, labels: {} };
  await builder.build({ ...request, baseAccess: access, targetAccess: access });
}
