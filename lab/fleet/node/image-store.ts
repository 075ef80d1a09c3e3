import { formatImageReference, parseImageReference } from '@kmm-fleet/api';
import { type PulledImage, pullImage, type Registry } from '@kmm-fleet/images';
import { type AppError, CORE, isAppError, type KubeClient } from '@kmm-fleet/runtime';
import type { Container, Pod } from './pod.ts';

/** Why a container has no image: reason and message of its waiting state. */
export interface PullProblem {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName';
  readonly message: string;
}

/** Images on a node's disk. They outlive pods and reboots. */
export interface ImageStore {
  /** The image of a container, pulled when its policy asks for it. */
  ensure(pod: Pod, container: Container, signal: AbortSignal): Promise<PulledImage | PullProblem>;
  /** References that are on the node, sorted. */
  list(): string[];
  clear(): void;
}

/** @param client reads pull secrets of the pod's namespace, as the kubelet does */
export function createImageStore(registry: Registry, client: KubeClient): ImageStore {
  const images = new Map<string, PulledImage>();

  const pull = async (
    reference: string,
    pod: Pod,
    signal: AbortSignal,
  ): Promise<PulledImage | PullProblem> => {
    try {
      const dockerConfig = await readPullSecrets(client, pod, signal);
      const image = await pullImage(registry, reference, { dockerConfig }, { signal });
      images.set(reference, image);
      return image;
    } catch (error) {
      if (!isAppError(error)) throw error;
      return { reason: 'ErrImagePull', message: pullMessage(reference, error) };
    }
  };

  return {
    async ensure(pod, container, signal) {
      const parsed = parseImageReference(container.image ?? '');
      if (!parsed.ok) return invalidName(container.image ?? '');
      const reference = formatImageReference(parsed.value);
      const policy = container.imagePullPolicy ?? defaultPolicy(parsed.value);
      const present = images.get(reference);
      if (policy !== 'Always' && present) return present;
      if (policy !== 'Never') return pull(reference, pod, signal);
      const message = `Container image "${container.image}" is not present with pull policy of Never`;
      return { reason: 'ErrImageNeverPull', message };
    },
    list: () => [...images.keys()].sort(),
    clear: () => images.clear(),
  };
}

export const isPullProblem = (result: PulledImage | PullProblem): result is PullProblem => 'reason' in result;

function defaultPolicy({
  tag,
  digest,
}: {
  readonly tag?: string;
  readonly digest?: string;
}): 'Always' | 'IfNotPresent' {
  return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
}

function invalidName(image: string): PullProblem {
  const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
  return { reason: 'InvalidImageName', message };
}

/** containerd's sentence around what the registry did. */
function pullMessage(reference: string, error: AppError): string {
  const around = `failed to pull and unpack image "${reference}": failed to resolve reference "${reference}"`;
  if (error.code === 'IMAGE_NOT_FOUND')
    return `rpc error: code = NotFound desc = ${around}: ${reference}: not found`;
  return `rpc error: code = Unknown desc = ${around}: ${error.message}`;
}

/** All pull secrets of a pod as one docker config; missing and unreadable ones are passed over, as kubelets do. */
async function readPullSecrets(
  client: KubeClient,
  pod: Pod,
  signal: AbortSignal,
): Promise<string | undefined> {
  const auths: Record<string, unknown> = {};
  const { namespace } = pod.metadata;
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (!name || !namespace) continue;
    const secret = await client.get(CORE.secret, { namespace, name }, signal);
    const data = secret?.['data'] as Record<string, string> | undefined;
    for (const [registry, entry] of Object.entries(readAuths(data?.['.dockerconfigjson'])))
      auths[registry] ??= entry;
  }
  return Object.keys(auths).length > 0 ? JSON.stringify({ auths }) : undefined;
}

function readAuths(encoded: string | undefined): Record<string, unknown> {
  try {
    const parsed = JSON.parse(Buffer.from(encoded ?? '', 'base64').toString('utf8')) as {
      auths?: Record<string, unknown>;
    };
    return parsed.auths ?? {};
  } catch {
    return {};
  }
}
