import { counted, LABELS } from '@kmm-fleet/api';
import { AppError, timestamp } from '@kmm-fleet/runtime';
import type { BuildTimer } from '../builders/builder.ts';
import { signImage } from '../signing/sign-image.ts';
import { tryNumber } from './attempt.ts';
import { pinDockerfile } from './dockerfile.ts';
import {
  baseAccess,
  byDigest,
  conclude,
  hashes,
  type ImagePorts,
  imageMissing,
  type Pass,
  targetAccess,
  tryHash,
  unsignedImage,
} from './image-pass.ts';
import type { ImageOutcome } from './image-status.ts';
import { withTimeLimit } from './time-limit.ts';

const SIGNERS_SHOWN = 3;

/** Builds from bases by digest, then signs when that is asked for. */
export async function build(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<void> {
  const { inputs, image } = pass;
  const { build: inputsHash, all } = knownHashes(pass);
  const { builder } = ports;
  if (!inputs.build || !builder) throw imageMissing(pass, `Image ${image.spec.image}`);
  const target = inputs.sign ? unsignedImage(pass) : image.spec.image;
  const { dockerfile, facts, args, secrets } = inputs.build;
  const task = (limited: AbortSignal, timer: BuildTimer) =>
    builder.build(
      {
        dockerfile: pinDockerfile(dockerfile, facts, pass.bases ?? []),
        buildArgs: args,
        secrets,
        target,
        labels: inputs.sign ? { [LABELS.buildInputsHash]: inputsHash } : { [LABELS.inputsHash]: all },
        baseAccess: baseAccess(pass),
        targetAccess: targetAccess(pass),
        nodeSelector: image.spec.build?.selector,
      },
      limited,
      timer,
    );
  const limited = (current: AbortSignal) =>
    withTimeLimit(ports.after, ports.limits.buildMsMax, AbortSignal.any([signal, current]), task);
  const made = await ports.whileCurrent(image, inputs.staticHash, async (current) => {
    await conclude(pass, ports, buildStarted(pass, ports.nowMs(), builder.logCommand?.(target)));
    current.throwIfAborted();
    return timed(ports, 'build', () => limited(current));
  });
  // The pass that the change has asked for begins with what is wanted now.
  if (!made) return;
  const { digest, log } = made;
  if (inputs.sign) {
    await progress(pass, ports, 'Built', 'Built and pushed unsigned; it is signed next.', log);
    await sign(pass, digest, ports, signal, log);
  } else await conclude(pass, ports, { kind: 'ready', digest, inputsHash: all, reason: 'Built', log });
}

function buildStarted(pass: Pass, nowMs: number, logCommand: string | undefined): ImageOutcome {
  const { image, kernelVersion } = pass.image.spec;
  const count = tryNumber(pass.status.attempt, tryHash(pass));
  const time = timestamp(nowMs).slice(11, 19);
  const message = `Building for kernel ${kernelVersion}. Try ${count}, begun ${time} UTC.`;
  const log = logCommand ? ` Its log: ${logCommand}` : '';
  const event = `Building ${image} for kernel ${kernelVersion}, try ${count}.${log}`;
  return { kind: 'progress', state: 'Building', message, event };
}

/** Signs what has this digest: a tag may have moved since it was looked at. */
export async function sign(
  pass: Pass,
  unsignedDigest: string,
  ports: ImagePorts,
  signal: AbortSignal,
  log?: string,
): Promise<void> {
  const { inputs, image } = pass;
  if (!inputs.sign) throw new AppError('SIGN_FAILED', `Image ${image.spec.image} has no sign section.`);
  await progress(pass, ports, 'Signing', 'Signing the kernel modules.', log);
  const { all: inputsHash } = knownHashes(pass);
  const { pair, files } = inputs.sign;
  const task = () =>
    signImage(
      ports.registry,
      {
        source: byDigest(inputs.build ? unsignedImage(pass) : (inputs.bases[0] ?? ''), unsignedDigest),
        sourceAccess: inputs.build ? targetAccess(pass) : baseAccess(pass),
        target: image.spec.image,
        targetAccess: targetAccess(pass),
        files,
        pair,
        labels: { [LABELS.inputsHash]: inputsHash },
      },
      signal,
    );
  const { digest, signed, replaced } = await timed(ports, 'sign', task);
  const message = signedText(signed, replaced);
  await conclude(pass, ports, {
    ...{ kind: 'ready', digest, inputsHash, reason: 'Signed', message },
    ...(log && { log }),
  });
}

/** A vendor's signature that nodes may trust already is not replaced in silence. */
function signedText({ length }: readonly string[], replaced: readonly string[]): string {
  const signed = `${counted(length, 'module is', 'modules are')} signed.`;
  if (replaced.length === 0) return signed;
  const names = replaced.slice(0, SIGNERS_SHOWN).map((name) => `"${name}"`);
  return `${signed} Signatures of somebody else were replaced: ${names.join(', ')}. To keep them, leave those files out of filesToSign.`;
}

function progress(pass: Pass, ports: ImagePorts, state: 'Built' | 'Signing', message: string, log?: string) {
  return conclude(pass, ports, { kind: 'progress', state, message, log });
}

const timed = <T>({ metrics }: ImagePorts, step: 'build' | 'sign', task: () => Promise<T>): Promise<T> =>
  metrics ? metrics.timed(step, task) : task();

function knownHashes(pass: Pass): NonNullable<ReturnType<typeof hashes>> {
  const known = hashes(pass);
  if (!known) throw new TypeError('an image is made only when its bases are resolved');
  return known;
}
