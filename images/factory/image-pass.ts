import {
  type Condition,
  type ModuleImage,
  type ModuleImageSpec,
  type ModuleImageStatus,
  parseImageReference,
  type TlsOptions,
  unsignedReference,
  withDigest,
} from '@kmm-fleet/api';
import { AppError, type Clock, deepEqual } from '@kmm-fleet/runtime';
import type { Builder } from '../builders/builder.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { certificateConditions } from './certificate-condition.ts';
import type { ImageChecks } from './image-checks.ts';
import { certificateSecret, type ImageMetrics } from './image-metrics.ts';
import { type ImageOutcome, imageStatus, isNews } from './image-status.ts';
import { type BaseImage, hashesOf, type InputSource, type Inputs, tryHashOf } from './inputs.ts';
import type { ImageLimits } from './limits.ts';
import type { Presence, RemoteFacts } from './plan-image.ts';

export interface ImagePorts {
  readonly registry: Registry;
  /** Undefined: somebody else builds. */
  readonly builder: Builder | undefined;
  /** Inputs as the caches have them. */
  inputs(namespace: string): InputSource;
  writeStatus(image: ModuleImage, status: ModuleImageStatus): Promise<void>;
  /** A place to build in; without one the image is called when its turn has come. */
  takeBuildTurn(image: ModuleImage): boolean;
  /** Aborted, and undefined, once other inputs than these are to be built under this name, or nothing any more. */
  whileCurrent<T>(
    image: ModuleImage,
    staticHash: string,
    task: (current: AbortSignal) => Promise<T>,
  ): Promise<T | undefined>;
  readonly checks: Pick<ImageChecks, 'dueIn' | 'done'>;
  /** What the registry said of images that then waited for their turn, by name: they need not ask again. */
  readonly answers: Map<string, Answer>;
  readonly limits: ImageLimits;
  /** Durations of steps, and the certificates in use. */
  readonly metrics?: ImageMetrics;
  /** Told when something was made or failed; for events, metrics and the log. */
  report(image: ModuleImage, outcome: ImageOutcome): void;
  /** Told of a condition that was not there before. */
  warn(image: ModuleImage, condition: Condition): void;
  nowMs(): number;
  readonly after: Clock['after'];
  random(): number;
}

/** What a registry said, and to which inputs. */
export interface Answer {
  readonly tryHash: string;
  readonly remote: RemoteFacts;
  readonly atMs: number;
}

/** An image and the last status that is known to be written. */
export interface Told {
  readonly image: ModuleImage;
  status: ModuleImageStatus;
  /** Found out in this pass; stands in the status with whatever is written next. Undefined takes a field away. */
  notes?: Notes;
}

type Notes = {
  readonly [field in 'bases' | 'staticHash' | 'conditions']?: ModuleImageStatus[field] | undefined;
};

/** What one pass knows: it grows while questions are answered. */
export interface Pass extends Told {
  readonly inputs: Inputs;
  readonly source: InputSource;
  /** Undefined while they are not resolved. */
  bases: readonly BaseImage[] | undefined;
  /** They were looked up in this pass, or there are none. */
  basesAreFresh: boolean;
  remote: RemoteFacts | undefined;
  presence: Presence | undefined;
}

/** Bases that were resolved for these very inputs are kept: they are looked up once per change of the other inputs. */
export function openPass(image: ModuleImage, inputs: Inputs, source: InputSource, nowMs: number): Pass {
  const status = image.status ?? {};
  const certificate = inputs.sign?.pair.certificate;
  const conditions = certificateConditions(certificate, certificateSecret(image), status.conditions, nowMs);
  const common = { image, inputs, source, status, remote: undefined, presence: undefined };
  if (inputs.bases.length === 0) {
    const notes = { conditions, bases: undefined, staticHash: undefined };
    return { ...common, notes, bases: [], basesAreFresh: true };
  }
  const known = status.staticHash === inputs.staticHash ? status.bases : undefined;
  return { ...common, notes: { conditions }, bases: known && [...known], basesAreFresh: false };
}

/** Hashes of the inputs with their bases; undefined while those are not resolved. */
export function hashes({ inputs, bases, source }: Pass): ReturnType<typeof hashesOf> | undefined {
  return bases && hashesOf(inputs, bases, source);
}

export const tryHash = (pass: Pass): string => tryHashOf(pass.inputs, hashes(pass)?.all, pass.source);

/** Writes what a pass came to, and tells people when there is something to tell. */
export async function conclude(told: Told, ports: ImagePorts, outcome: ImageOutcome): Promise<void> {
  const { image, status } = told;
  const noted = withNotes(told);
  const next = imageStatus(noted, outcome, image.metadata.generation, ports.nowMs(), ports.random());
  await write(told, ports, next);
  if (isNews(status, next)) ports.report(image, outcome);
}

/** Nothing to do; the status says that this generation was looked at. */
export function keep(told: Told, ports: ImagePorts): Promise<void> {
  return write(told, ports, { ...withNotes(told), observedGeneration: told.image.metadata.generation });
}

async function write(told: Told, ports: ImagePorts, status: ModuleImageStatus): Promise<void> {
  if (deepEqual(status, told.status)) return;
  await ports.writeStatus(told.image, status);
  const before = told.status.conditions ?? [];
  for (const condition of status.conditions ?? [])
    if (!before.some(({ reason }) => reason === condition.reason)) ports.warn(told.image, condition);
  told.status = status;
}

function withNotes({ status, notes }: Told): ModuleImageStatus {
  const entries = Object.entries({ ...status, ...notes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

/** The reference under which the result of a build waits for its signature. */
export function unsignedImage({ image }: Pass): string {
  const parsed = parseImageReference(image.spec.image);
  if (!parsed.ok) throw new AppError('IMAGE_INVALID', parsed.findings[0]?.message ?? image.spec.image);
  return unsignedReference(parsed.value, image.spec.module.namespace, image.spec.module.name);
}

export function byDigest(reference: string, digest: string): string {
  const parsed = parseImageReference(reference);
  if (!parsed.ok) throw new AppError('IMAGE_INVALID', parsed.findings[0]?.message ?? reference);
  return withDigest(parsed.value, digest);
}

/** Who is to push an image that is not there depends on who builds. @param what the image in its role */
export function imageMissing({ inputs, image }: Pass, what: string): AppError {
  if (!image.spec.build || inputs.build) return new AppError('IMAGE_NOT_FOUND', `${what} does not exist.`);
  return new AppError('IMAGE_AWAITED', `${what} does not exist yet; somebody else builds it.`);
}

/** How the registry of the final image is spoken to. */
export const targetAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...image.spec.registryTLS,
});

/** How the registries of bases, or of the image to sign, are spoken to. */
export const baseAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...(inputs.build ? image.spec.build?.baseImageRegistryTLS : unsignedTls(image.spec)),
});

/** registryTLS is about the registry of the final image: another one is not asked in plain text because of it. */
function unsignedTls({ sign, image, registryTLS }: ModuleImageSpec): TlsOptions | undefined {
  const own = sign?.unsignedImageRegistryTLS;
  return own ?? (registryOf(sign?.unsignedImage ?? '') === registryOf(image) ? registryTLS : undefined);
}

function registryOf(reference: string): string | undefined {
  const parsed = parseImageReference(reference);
  return parsed.ok ? parsed.value.registry : undefined;
}
