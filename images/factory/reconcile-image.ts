import { ANNOTATIONS, found, type ModuleImage } from '@kmm-fleet/api';
import { AppError, type FailureCode, isAppError } from '@kmm-fleet/runtime';
import { buildLog, buildLogCommand } from '../builders/builder.ts';
import type { SigningPair } from '../signing/module-signature.ts';
import { askRegistry, lookForDigest, resolveBases } from './ask-registry.ts';
import { externalRecipe } from './external-recipe.ts';
import { certificateSecret } from './image-metrics.ts';
import {
  byDigest,
  conclude,
  hashes,
  type ImagePorts,
  imageMissing,
  keep,
  openPass,
  type Pass,
  tryHash,
} from './image-pass.ts';
import { readInputs } from './inputs.ts';
import { build, sign } from './make-image.ts';
import { type ImageFacts, type ImageStep, planImage } from './plan-image.ts';

/** Time goes by for certificates that are not valid yet, and no event says so. */
const REFUSED_RECHECK_MS = 1_800_000;
/** A pass comes by once a day without checks too: certificates age. */
const DAY_MS = 86_400_000;

/** What a step leads to: `undefined` asks for another plan; `'done'` ends the pass; a number waits, in milliseconds. */
type Next = number | 'done' | undefined;

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
  const told = { image, status: image.status ?? {} };
  const source = ports.inputs(image.spec.module.namespace);
  const recipe = ports.builder ? image.spec : externalRecipe(image.spec);
  const inputs = readInputs(recipe, source, new Date(ports.nowMs()));
  const pair = inputs.ok ? inputs.value.sign?.pair : undefined;
  ports.metrics?.certificate(image.metadata.name, pair && factsOfCertificate(image, pair));
  const conflict = image.metadata.annotations?.[ANNOTATIONS.conflict];
  if (!inputs.ok) {
    await conclude(told, ports, { kind: 'refused', state: 'Failed', findings: inputs.findings });
    return undefined;
  }
  if (conflict) {
    const findings = [conflictFinding(image, conflict)];
    await conclude(told, ports, { kind: 'refused', state: 'Conflict', findings });
    return undefined;
  }
  const pass = openPass(image, inputs.value, source, ports.nowMs());
  try {
    if (!pass.status.state) await want(pass, ports);
    return await work(pass, ports, signal);
  } catch (error) {
    if (signal.aborted || !isAppError(error) || isApiFailure(error.code)) throw error;
    return fail(pass, ports, error);
  }
}

const want = (pass: Pass, ports: ImagePorts) =>
  conclude(pass, ports, { kind: 'progress', state: 'Wanted', message: 'The registry is asked for it.' });

const waitForTurn = (pass: Pass, ports: ImagePorts) => {
  const answer = { tryHash: tryHash(pass), remote: pass.remote ?? {}, atMs: ports.nowMs() };
  ports.answers.set(pass.image.metadata.name, answer);
  const message = `Waits for its turn: no more than ${ports.limits.buildsMax} images are built at once, and one under each tag.`;
  return conclude(pass, ports, { kind: 'progress', state: 'Wanted', message });
};

const factsOfCertificate = (image: ModuleImage, { certificate }: SigningPair) => ({
  secret: certificateSecret(image),
  notAfterMs: certificate.validToDate.getTime(),
});

async function work(pass: Pass, ports: ImagePorts, signal: AbortSignal) {
  for (;;) {
    const next = await takeStep(planImage(factsOf(pass, ports)), pass, ports, signal);
    if (next === 'done') return nextCheck(pass, ports);
    if (next !== undefined) return { requeueAfterMs: next };
  }
}

/** What is ready is looked at again; what waits for its turn is called. */
function nextCheck({ image, status }: Pass, { checks }: ImagePorts) {
  if (status.state !== 'Ready') return undefined;
  return { requeueAfterMs: Math.min(checks.dueIn(image.metadata.name), DAY_MS) };
}

async function takeStep(step: ImageStep, pass: Pass, ports: ImagePorts, signal: AbortSignal): Promise<Next> {
  switch (step.step) {
    case 'resolve-bases':
      await resolveBases(pass, ports, signal);
      return undefined;
    case 'ask':
      pass.remote = await askRegistry(pass, ports, signal);
      return undefined;
    case 'build':
      if (ports.takeBuildTurn(pass.image)) await build(pass, ports, signal);
      else await waitForTurn(pass, ports);
      return 'done';
    case 'check':
      pass.presence = await lookForDigest(pass, ports, signal);
      return undefined;
    case 'vanished': {
      const gone = byDigest(pass.image.spec.image, pass.status.digest ?? '');
      throw new AppError('IMAGE_VANISHED', `Image ${gone} is no longer in its registry.`);
    }
    case 'sign':
      await sign(pass, step.unsignedDigest, ports, signal);
      return 'done';
    case 'ready': {
      const { digest, reason } = step;
      await conclude(pass, ports, { kind: 'ready', digest, inputsHash: hashes(pass)?.all ?? '', reason });
      return 'done';
    }
    case 'keep':
      await keep(pass, ports);
      return 'done';
    case 'refuse':
      await conclude(pass, ports, { kind: 'refused', state: 'Failed', findings: refusals(pass) });
      return REFUSED_RECHECK_MS;
    case 'wait':
      return step.waitMs;
    case 'missing':
      throw imageMissing(pass, `Image ${pass.image.spec.image}`);
  }
}

function factsOf(pass: Pass, { nowMs, checks, limits }: ImagePorts): ImageFacts {
  const { inputs, status, remote, presence, image } = pass;
  return {
    isMade: Boolean(inputs.build ?? inputs.sign),
    needsSignature: inputs.sign !== undefined,
    signingIsRefused: inputs.sign?.refusal !== undefined,
    inputsHash: hashes(pass)?.all,
    tryHash: tryHash(pass),
    basesAreFresh: pass.basesAreFresh,
    status,
    nowMs: nowMs(),
    checkIsDue: checks.dueIn(image.metadata.name) === 0,
    presence,
    vanished: limits.vanished,
    remote,
  };
}

const refusals = ({ inputs }: Pass) => (inputs.sign?.refusal ? [inputs.sign.refusal] : []);

async function fail(pass: Pass, ports: ImagePorts, error: AppError) {
  const inputsHash = tryHash(pass);
  const { code, message, retryAfterMs } = error;
  await conclude(pass, ports, {
    kind: 'failed',
    code,
    message,
    nextStep: code === 'REGISTRY_UNAUTHORIZED' ? mendLogin(pass.image) : undefined,
    log: buildLog(error),
    logCommand: buildLogCommand(error),
    inputsHash,
    retryAfterMs,
  });
  const nextTime = pass.status.attempt?.nextTime;
  return nextTime ? { requeueAfterMs: Math.max(1_000, Date.parse(nextTime) - ports.nowMs()) } : undefined;
}

function mendLogin({ spec }: ModuleImage): string {
  const { imageRepoSecret, module } = spec;
  return imageRepoSecret
    ? `Check the credentials in Secret ${module.namespace}/${imageRepoSecret.name}, which imageRepoSecret names.`
    : 'Name a Secret with credentials of the registry in imageRepoSecret.';
}

function conflictFinding({ spec }: ModuleImage, modules: string) {
  const message = `Modules ${modules} want different contents under ${spec.image}; a build knows the name of its module.`;
  const next = 'Give each module an image name of its own, for instance with ${MOD_NAME} in it.';
  return found('RecipeConflict', 'spec.image', message, next);
}

/** Trouble with our own API server is the queue's to retry; only the image's own trouble goes into its status. */
function isApiFailure(code: FailureCode): boolean {
  return code.startsWith('API_') || ['CONFLICT', 'NOT_FOUND', 'ALREADY_EXISTS'].includes(code);
}
