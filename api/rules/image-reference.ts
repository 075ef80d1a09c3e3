import { bad, type Checked, found, good } from '../finding.ts';
import { fnv64 } from './names-of-objects.ts';

/** An image reference in parts. `registry` and `repository` are never empty. */
export interface ImageReference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

const REGISTRY =
  /^(?:localhost|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]{1,5})?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const REPOSITORY_CHARS_MAX = 255;
const TAG_CHARS_MAX = 128;
const DOCKER_HUB = 'docker.io';

/**
 * Reads a reference after the distribution grammar. A first part with a dot, a colon or the name `localhost` is the
 * registry; without one it is docker.io, whose single-word repositories live under `library/`.
 */
export function parseImageReference(text: string): Checked<ImageReference> {
  const [beforeDigest = '', digest, ...more] = text.split('@');
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  const { registry, repository } = splitName(name);
  const problem =
    (more.length > 0 && 'has more than one @') ||
    (!REGISTRY.test(registry) && `names no valid registry ("${registry}")`) ||
    (repository.length > REPOSITORY_CHARS_MAX && 'is too long') ||
    (!repository.split('/').every((part) => COMPONENT.test(part)) &&
      `names no valid repository ("${repository}")`) ||
    (tag !== undefined && !TAG.test(tag) && `has an invalid tag ("${tag}")`) ||
    (digest !== undefined && !DIGEST.test(digest) && `has an invalid digest ("${digest}")`);
  if (problem) {
    const message = `Image "${text.slice(0, 300)}" ${problem}.`;
    return bad(
      found(
        'ImageReferenceInvalid',
        '',
        message,
        'Write registry/repository:tag or registry/repository@sha256:….',
      ),
    );
  }
  return good({ registry, repository, ...(tag && { tag }), ...(digest && { digest }) });
}

/** The reference as one text; parse and format are inverse to each other but for docker.io's short forms. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/** `registry/repository@sha256:…`: what a cluster is given. The tag is dropped: the digest alone says what it is. */
export function withDigest(reference: ImageReference, digest: string): string {
  return formatImageReference({ registry: reference.registry, repository: reference.repository, digest });
}

/**
 * Where the unsigned result of a build waits for its signature: the tag gets `_<namespace>_<module>_kmm_unsigned`,
 * as in KMM 1.1; a reference without tag (or by digest) gets that text alone as its tag. What is too long for a tag
 * ends in a hash of the whole, so that two kernels never share an unsigned image.
 */
export function unsignedReference(final: ImageReference, namespace: string, module: string): string {
  const suffix = `${namespace}_${module}_kmm_unsigned`;
  const whole = final.tag && !final.digest ? `${final.tag}_${suffix}` : suffix;
  const short = `${whole.slice(0, TAG_CHARS_MAX - 17)}-${fnv64(whole)}`;
  const tag = whole.length > TAG_CHARS_MAX ? short : whole;
  return formatImageReference({ registry: final.registry, repository: final.repository, tag });
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = isRegistry ? first : DOCKER_HUB;
  const repository = isRegistry ? name.slice(slash + 1) : name;
  const isOfficial = registry === DOCKER_HUB && !repository.includes('/');
  return { registry, repository: isOfficial ? `library/${repository}` : repository };
}
