import {
  ANNOTATIONS,
  type Finding,
  found,
  LABELS,
  type ModuleImage,
  type ModuleImageStatus,
  parseImageReference,
  unsignedReference,
} from '@kmm-fleet/api';
import { AppError, type FailureCode, isAppError } from '@kmm-fleet/runtime';
import { type Builder, buildLog } from '../builders/builder.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { signImage } from '../signing/sign-image.ts';
import { type ImageOutcome, imageStatus } from './image-status.ts';
import { type InputSource, type Inputs, inputsHash, readInputs } from './inputs.ts';
import { type ImageFacts, type ImageStep, planImage, type RemoteFacts } from './plan-image.ts';

export interface ImagePorts {
  readonly registry: Registry;
  readonly builder: Builder;
  /** Inputs as the caches have them. */
  inputs(namespace: string): InputSource;
  /** Writes a status and returns the object as it is then. */
  writeStatus(image: ModuleImage, status: ModuleImageStatus): Promise<void>;
  /** Bounds what builds at once. */
  limitBuilds<T>(task: () => Promise<T>): Promise<T>;
  /** Told when something was made or failed; for events, metrics and the log. */
  report(image: ModuleImage, outcome: ImageOutcome): void;
  nowMs(): number;
  random(): number;
}

/** What one pass knows: it grows while questions are answered. */
interface Pass {
  readonly image: ModuleImage;
  readonly inputs: Inputs;
  readonly source: InputSource;
  status: ModuleImageStatus;
  hash: string | undefined;
  remote: RemoteFacts | undefined;
}

/**
 * One pass over one image: read the inputs, plan, do the next step, write the status; again until there is nothing to
 * do or something to wait for. Interrupted anywhere, the next pass finds its way from the registry's labels.
 *
 * @returns when to look again, in milliseconds
 */
export async function reconcileImage(
  image: ModuleImage,
  ports: ImagePorts,
  signal: AbortSignal,
): Promise<{ requeueAfterMs: number } | undefined> {
  const source = ports.inputs(image.spec.module.namespace);
  const status = image.status ?? {};
  const inputs = readInputs(image.spec, source, new Date(ports.nowMs()));
  if (!inputs.ok) return refuse(image, ports, status, inputs.findings, 'Failed');
  const conflict = image.metadata.annotations?.[ANNOTATIONS.conflict];
  if (conflict) return refuse(image, ports, status, [conflictFinding(image, conflict)], 'Conflict');
  const pass: Pass = {
    image,
    inputs: inputs.value,
    source,
    status,
    hash: knownHash(status, inputs.value, source),
    remote: undefined,
  };
  try {
    return await work(pass, ports, signal);
  } catch (error) {
    if (signal.aborted || !isAppError(error)) throw error;
    if (isApiFailure(error.code)) throw error;
    return fail(pass, ports, error);
  }
}

async function work(pass: Pass, ports: ImagePorts, signal: AbortSignal) {
  for (;;) {
    const step = planImage(factsOf(pass, ports.nowMs()));
    const done = await takeStep(step, pass, ports, signal);
    if (done) return done.requeueAfterMs > 0 ? done : undefined;
  }
}

/** Does one step. A result ends the pass; none means that there is a new plan to make. */
async function takeStep(
  step: ImageStep,
  pass: Pass,
  ports: ImagePorts,
  signal: AbortSignal,
): Promise<{ requeueAfterMs: number } | undefined> {
  switch (step.step) {
    case 'resolve-bases':
      await resolveBases(pass, ports, signal);
      return undefined;
    case 'ask':
      pass.remote = await askRegistry(pass, ports, signal);
      return undefined;
    case 'build':
      await ports.limitBuilds(() => build(pass, ports, signal));
      return { requeueAfterMs: 0 };
    case 'sign':
      await sign(pass, ports, signal);
      return { requeueAfterMs: 0 };
    case 'ready':
      await finish(pass, ports, {
        kind: 'ready',
        digest: step.digest,
        inputsHash: pass.hash ?? '',
        reason: step.reason,
      });
      return { requeueAfterMs: 0 };
    case 'keep':
      await finish(pass, ports, {
        kind: 'ready',
        digest: pass.status.digest ?? '',
        inputsHash: pass.hash ?? '',
        reason: pass.status.reason ?? 'ImageCurrent',
        ...(pass.status.log && { log: pass.status.log }),
      });
      return { requeueAfterMs: 0 };
    case 'wait':
      return { requeueAfterMs: step.waitMs };
    case 'missing':
      throw new AppError('IMAGE_NOT_FOUND', `Image ${pass.image.spec.image} does not exist.`);
  }
}

function factsOf({ inputs, status, hash, remote }: Pass, nowMs: number): ImageFacts {
  return {
    isMade: Boolean(inputs.build ?? inputs.sign),
    needsSignature: inputs.sign !== undefined,
    inputsHash: hash,
    status,
    nowMs,
    remote,
  };
}

/** The hash when the bases are known already: they are resolved once per change of the other inputs. */
function knownHash(status: ModuleImageStatus, inputs: Inputs, source: InputSource): string | undefined {
  const bases = inputs.build?.bases ?? [];
  if (bases.length === 0) return inputsHash(inputs.staticHash, [], source.hashKey);
  const known = status.staticHash === inputs.staticHash && status.bases;
  return known ? inputsHash(inputs.staticHash, known, source.hashKey) : undefined;
}

async function resolveBases(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<void> {
  const { inputs, image } = pass;
  const access = baseAccess(pass);
  const bases = await Promise.all(
    (inputs.build?.bases ?? []).map(async (reference) => ({
      reference,
      digest: await resolveBase(reference, access, ports, signal),
    })),
  );
  pass.hash = inputsHash(inputs.staticHash, bases, pass.source.hashKey);
  const status = imageStatus(
    { ...pass.status, bases, staticHash: inputs.staticHash },
    { kind: 'progress', state: 'Wanted', message: 'Inputs are read.' },
    image.metadata.generation,
    ports.nowMs(),
    ports.random(),
  );
  await write(pass, ports, status);
}

/** A failure names the base image: the Dockerfile is where its user will look. */
async function resolveBase(
  reference: string,
  access: RegistryAccess,
  { registry }: ImagePorts,
  signal: AbortSignal,
): Promise<string> {
  const pinned = parsedDigest(reference);
  if (pinned) return pinned;
  const what = `Base image ${reference} of the Dockerfile`;
  const digest = await registry.resolve(reference, access, signal).catch((error: unknown) => {
    throw isAppError(error) ? new AppError(error.code, `${what}: ${error.message}`, { cause: error }) : error;
  });
  if (!digest) throw new AppError('IMAGE_NOT_FOUND', `${what} does not exist.`);
  return digest;
}

async function askRegistry(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<RemoteFacts> {
  const { image, inputs } = pass;
  const access = targetAccess(pass);
  if (!inputs.build && !inputs.sign) {
    const digest =
      parsedDigest(image.spec.image) ?? (await ports.registry.resolve(image.spec.image, access, signal));
    return { digest, unsignedIsCurrent: false };
  }
  const final = await ports.registry.image(image.spec.image, access, signal);
  const label = final?.config.config?.Labels?.[LABELS.inputsHash];
  const unsigned = inputs.sign && (await unsignedIsCurrent(pass, ports, signal));
  return { digest: final?.digest, label, unsignedIsCurrent: unsigned ?? false };
}

async function unsignedIsCurrent(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<boolean> {
  if (!pass.inputs.build) return true;
  const image = await ports.registry.image(unsignedImage(pass), targetAccess(pass), signal);
  return image?.config.config?.Labels?.[LABELS.buildInputsHash] === buildHashOf(pass);
}

async function build(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<void> {
  const { inputs, image } = pass;
  if (!inputs.build) throw new AppError('IMAGE_NOT_FOUND', `Image ${image.spec.image} does not exist.`);
  await progress(pass, ports, 'Building', `Building for kernel ${image.spec.kernelVersion}.`);
  const labels: Record<string, string> = inputs.sign
    ? { [LABELS.buildInputsHash]: buildHashOf(pass) }
    : { [LABELS.inputsHash]: pass.hash ?? '' };
  const { digest, log } = await ports.builder.build(
    {
      dockerfile: inputs.build.dockerfile,
      buildArgs: inputs.build.args,
      secrets: inputs.build.secrets,
      target: inputs.sign ? unsignedImage(pass) : image.spec.image,
      labels,
      baseAccess: baseAccess(pass),
      targetAccess: targetAccess(pass),
    },
    signal,
  );
  if (inputs.sign) await sign(pass, ports, signal, log);
  else
    await finish(pass, ports, { kind: 'ready', digest, inputsHash: pass.hash ?? '', reason: 'Built', log });
}

async function sign(pass: Pass, ports: ImagePorts, signal: AbortSignal, log?: string): Promise<void> {
  const { inputs, image } = pass;
  if (!inputs.sign) return;
  await progress(pass, ports, 'Signing', 'Signing the kernel modules.');
  const { digest } = await signImage(
    ports.registry,
    {
      source: inputs.build ? unsignedImage(pass) : (image.spec.sign?.unsignedImage ?? ''),
      sourceAccess: {
        ...targetAccess(pass),
        ...(!inputs.build && image.spec.sign?.unsignedImageRegistryTLS),
      },
      target: image.spec.image,
      targetAccess: targetAccess(pass),
      files: inputs.sign.files,
      pair: inputs.sign.pair,
      labels: { [LABELS.inputsHash]: pass.hash ?? '' },
    },
    signal,
  );
  await finish(pass, ports, {
    kind: 'ready',
    digest,
    inputsHash: pass.hash ?? '',
    reason: 'Signed',
    ...(log && { log }),
  });
}

async function progress(
  pass: Pass,
  ports: ImagePorts,
  state: 'Building' | 'Signing',
  message: string,
): Promise<void> {
  await finish(pass, ports, { kind: 'progress', state, message });
}

async function finish(pass: Pass, ports: ImagePorts, outcome: ImageOutcome): Promise<void> {
  const generation = pass.image.metadata.generation;
  const next = imageStatus(pass.status, outcome, generation, ports.nowMs(), ports.random());
  if (next === pass.status) return;
  await write(pass, ports, next);
  ports.report(pass.image, outcome);
}

async function write(pass: Pass, ports: ImagePorts, status: ModuleImageStatus): Promise<void> {
  if (status === pass.status) return;
  await ports.writeStatus(pass.image, status);
  pass.status = status;
}

async function fail(pass: Pass, ports: ImagePorts, error: AppError) {
  const outcome: ImageOutcome = {
    kind: 'failed',
    code: error.code,
    message: error.message,
    log: buildLog(error),
    inputsHash: pass.hash ?? pass.inputs.staticHash,
  };
  await finish(pass, ports, outcome);
  const nextTime = pass.status.attempt?.nextTime;
  return nextTime ? { requeueAfterMs: Math.max(1_000, Date.parse(nextTime) - ports.nowMs()) } : undefined;
}

async function refuse(
  image: ModuleImage,
  ports: ImagePorts,
  status: ModuleImageStatus,
  findings: readonly Finding[],
  state: 'Failed' | 'Conflict',
): Promise<undefined> {
  const outcome: ImageOutcome = { kind: 'refused', state, findings };
  const next = imageStatus(status, outcome, image.metadata.generation, ports.nowMs(), ports.random());
  if (next === status) return undefined;
  await ports.writeStatus(image, next);
  ports.report(image, outcome);
  return undefined;
}

function conflictFinding({ spec }: ModuleImage, modules: string) {
  const message = `Modules ${modules} want different contents under ${spec.image}.`;
  return found(
    'RecipeConflict',
    'spec.image',
    message,
    'Give each its own image name, or the same build and sign sections.',
  );
}

/** Of the build alone with its bases: a new key must not build again. */
function buildHashOf({ inputs, status, source }: Pass): string {
  return inputsHash(inputs.buildHash, status.bases ?? [], source.hashKey);
}

function unsignedImage({ image }: Pass): string {
  const parsed = parseImageReference(image.spec.image);
  if (!parsed.ok) throw new AppError('IMAGE_INVALID', parsed.findings[0]?.message ?? image.spec.image);
  return unsignedReference(parsed.value, image.spec.module.namespace, image.spec.module.name);
}

function parsedDigest(reference: string): string | undefined {
  const parsed = parseImageReference(reference);
  return parsed.ok ? parsed.value.digest : undefined;
}

const targetAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...image.spec.registryTLS,
});

const baseAccess = ({ inputs, image }: Pass): RegistryAccess => ({
  dockerConfig: inputs.dockerConfig,
  ...image.spec.build?.baseImageRegistryTLS,
});

/** Trouble with our own API server is the queue's to retry; only the image's own trouble goes into its status. */
function isApiFailure(code: FailureCode): boolean {
  return code.startsWith('API_') || ['CONFLICT', 'NOT_FOUND', 'ALREADY_EXISTS'].includes(code);
}
