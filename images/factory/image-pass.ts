import {
  type ModuleImage,
  type ModuleImageStatus,
  parseImageReference,
  unsignedReference,
} from '@kmm-fleet/api';
import { AppError, type Clock } from '@kmm-fleet/runtime';
import type { Builder } from '../builders/builder.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import type { ImageMetrics } from './image-metrics.ts';
import { type ImageOutcome, imageStatus, isNews } from './image-status.ts';
import { type BaseImage, hashesOf, type InputSource, type Inputs, tryHashOf } from './inputs.ts';
import type { ImageLimits } from './limits.ts';
import type { RemoteFacts } from './plan-image.ts';

export interface ImagePorts {
  readonly registry: Registry;
  readonly builder: Builder;
  /** Inputs as the caches have them. */
  inputs(namespace: string): InputSource;
  writeStatus(image: ModuleImage, status: ModuleImageStatus): Promise<void>;
  /** Bounds what builds at once. */
  limitBuilds<T>(task: () => Promise<T>): Promise<T>;
  readonly limits: ImageLimits;
  /** Durations of steps, and the certificates in use. */
  readonly metrics?: ImageMetrics;
  /** Told when something was made or failed; for events, metrics and the log. */
  report(image: ModuleImage, outcome: ImageOutcome): void;
  nowMs(): number;
  readonly after: Clock['after'];
  random(): number;
}

/** An image and the last status that is known to be written. */
export interface Told {
  readonly image: ModuleImage;
  status: ModuleImageStatus;
}

/** What one pass knows: it grows while questions are answered. */
export interface Pass extends Told {
  readonly inputs: Inputs;
  readonly source: InputSource;
  /** Undefined while they are not resolved. */
  bases: readonly BaseImage[] | undefined;
  /** They were looked up in this pass, or there are none. */
  basesAreFresh: boolean;
  remote: RemoteFacts | undefined;
}

/** Bases that were resolved for these very inputs are kept: they are looked up once per change of the other inputs. */
export function openPass(image: ModuleImage, inputs: Inputs, source: InputSource): Pass {
  const { bases, staticHash, ...status } = image.status ?? {};
  const common = { image, inputs, source, remote: undefined };
  if (inputs.bases.length === 0) return { ...common, status, bases: [], basesAreFresh: true };
  const known = staticHash === inputs.staticHash ? bases : undefined;
  return { ...common, status: image.status ?? {}, bases: known, basesAreFresh: false };
}

/** Hashes of the inputs with their bases; undefined while those are not resolved. */
export function hashes({ inputs, bases, source }: Pass): ReturnType<typeof hashesOf> | undefined {
  return bases && hashesOf(inputs, bases, source);
}

export const tryHash = (pass: Pass): string => tryHashOf(pass.inputs, hashes(pass)?.all, pass.source);

/** Writes what a pass came to, and tells people when there is something to tell. */
export async function conclude(told: Told, ports: ImagePorts, outcome: ImageOutcome): Promise<void> {
  const { image, status } = told;
  const next = imageStatus(status, outcome, image.metadata.generation, ports.nowMs(), ports.random());
  await write(told, ports, next);
  if (isNews(status, next)) ports.report(image, outcome);
}

export async function write(told: Told, ports: ImagePorts, status: ModuleImageStatus): Promise<void> {
  if (status === told.status) return;
  await ports.writeStatus(told.image, status);
  told.status = status;
}

/** The reference under which the result of a build waits for its signature. */
export function unsignedImage({ image }: Pass): string {
  const parsed = parseImageReference(image.spec.image);
  if (!parsed.ok) throw new AppError('IMAGE_INVALID', parsed.findings[0]?.message ?? image.spec.image);
  return unsignedReference(parsed.value, image.spec.module.namespace, image.spec.module.name);
}

/** How the registry of the final image is spoken to. */
export const targetAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...image.spec.registryTLS,
});

/** How the registries of bases are spoken to. */
export const baseAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...(inputs.build
    ? image.spec.build?.baseImageRegistryTLS
    : { ...image.spec.registryTLS, ...image.spec.sign?.unsignedImageRegistryTLS }),
});
