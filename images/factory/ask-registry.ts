import { LABELS, parseImageReference } from '@kmm-fleet/api';
import { AppError, isAppError } from '@kmm-fleet/runtime';
import { verifyImage } from '../inspect/verify-image.ts';
import { kernelVerdict } from '../signing/verify-module.ts';
import {
  baseAccess,
  byDigest,
  hashes,
  type ImagePorts,
  imageMissing,
  type Pass,
  targetAccess,
  tryHash,
  unsignedImage,
} from './image-pass.ts';
import { type Presence, type RemoteFacts, takesOthers } from './plan-image.ts';

/** Turns may take hours, and somebody else may have pushed meanwhile. */
const ANSWER_MS_MAX = 600_000;

/** Looks up what the bases are now. It stands in the status with whatever is written next. */
export async function resolveBases(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<void> {
  const { inputs } = pass;
  const bases = await Promise.all(
    inputs.bases.map(async (reference) => ({
      reference,
      digest: await resolveBase(reference, pass, ports, signal),
    })),
  );
  pass.bases = bases;
  pass.basesAreFresh = true;
  pass.notes = { ...pass.notes, bases, staticHash: inputs.staticHash };
}

/** Whether the image that clusters run is still there, by its digest. */
export async function lookForDigest(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<Presence> {
  const { image, status } = pass;
  ports.checks.done(image.metadata.name);
  const reference = byDigest(image.spec.image, status.digest ?? '');
  try {
    const found = await ports.registry.resolve(reference, targetAccess(pass), signal);
    return found === undefined ? 'gone' : 'there';
  } catch (error) {
    if (signal.aborted || !isAppError(error)) throw error;
    return 'unknown';
  }
}

/** What the registry holds of this image; what it said a moment ago, when the image has waited for its turn since. */
export async function askRegistry(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<RemoteFacts> {
  const { name } = pass.image.metadata;
  const known = ports.answers.get(name);
  ports.answers.delete(name);
  const isFresh = known?.tryHash === tryHash(pass) && ports.nowMs() - known.atMs < ANSWER_MS_MAX;
  return isFresh ? known.remote : ask(pass, ports, signal);
}

async function ask(pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<RemoteFacts> {
  const { image, inputs } = pass;
  const access = targetAccess(pass);
  if (!inputs.build && !inputs.sign) {
    const digest =
      parsedDigest(image.spec.image) ?? (await ports.registry.resolve(image.spec.image, access, signal));
    return { digest };
  }
  const final = await ports.registry.image(image.spec.image, access, signal);
  const label = final?.config.config?.Labels?.[LABELS.inputsHash];
  const isTheirs = final && label === undefined && takesOthers(pass.status);
  const isSigned = isTheirs ? await isSignedAsAsked(final.digest, pass, ports, signal) : undefined;
  return {
    digest: final?.digest,
    label,
    isSigned,
    unsignedDigest: await unsignedDigest(pass, ports, signal),
  };
}

/** Whether somebody else signed all modules that are to be signed, with the key that is to sign them. */
async function isSignedAsAsked(
  digest: string,
  pass: Pass,
  { registry, nowMs }: ImagePorts,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { sign } = pass.inputs;
  if (!sign) return undefined;
  const reference = byDigest(pass.image.spec.image, digest);
  const modules = await verifyImage(registry, reference, targetAccess(pass), {
    trusted: [sign.pair.certificate],
    now: new Date(nowMs()),
    files: sign.files,
    signal,
  });
  return modules.length > 0 && modules.every(({ verdict }) => kernelVerdict(verdict) === 'signed');
}

async function unsignedDigest(
  pass: Pass,
  { registry }: ImagePorts,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!pass.inputs.sign) return undefined;
  if (!pass.inputs.build) return pass.bases?.[0]?.digest;
  const image = await registry.image(unsignedImage(pass), targetAccess(pass), signal);
  const label = image?.config.config?.Labels?.[LABELS.buildInputsHash];
  return label === hashes(pass)?.build ? image?.digest : undefined;
}

/** A failure says which role the image has: that is where its user will look. */
async function resolveBase(
  reference: string,
  pass: Pass,
  { registry }: ImagePorts,
  signal: AbortSignal,
): Promise<string> {
  const pinned = parsedDigest(reference);
  if (pinned) return pinned;
  const what = pass.inputs.build ? `Base image ${reference} of the Dockerfile` : `Image to sign ${reference}`;
  const digest = await registry.resolve(reference, baseAccess(pass), signal).catch((error: unknown) => {
    if (!isAppError(error)) throw error;
    const { code, message, retryAfterMs } = error;
    throw new AppError(code, `${what}: ${message}`, { cause: error, ...(retryAfterMs && { retryAfterMs }) });
  });
  if (!digest) throw imageMissing(pass, what);
  return digest;
}

function parsedDigest(reference: string): string | undefined {
  const parsed = parseImageReference(reference);
  return parsed.ok ? parsed.value.digest : undefined;
}
