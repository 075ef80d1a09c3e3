import { posix } from 'node:path';
import { createImageFs, type ImageFs } from '@kmm-fleet/images';
import { CORE, type KubeClient, type KubeObject } from '@kmm-fleet/runtime';
import type { Mount } from './files/container-fs.ts';
import { type Container, type Pod, podField, type Volume } from './pod.ts';

/** Where a volume of a pod lies. */
export interface VolumeTree {
  readonly tree: ImageFs;
  readonly root: string;
  readonly readOnly: boolean;
}

/** Volumes by name, or the message of the FailedMount event. */
export type Volumes = ReadonlyMap<string, VolumeTree>;

/** Sets up all volumes of a pod; a string says what is missing, in the kubelet's words. */
export async function setUpVolumes(
  pod: Pod,
  host: ImageFs,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Volumes | string> {
  const volumes = new Map<string, VolumeTree>();
  for (const volume of pod.spec.volumes ?? []) {
    const made = await setUp(pod, volume, host, client, signal);
    if (typeof made === 'string') return `MountVolume.SetUp failed for volume "${volume.name}" : ${made}`;
    volumes.set(volume.name, made);
  }
  return volumes;
}

/** The mounts of one container. */
export function mountsOf(container: Container, volumes: Volumes): Mount[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath, readOnly }) => {
    const volume = volumes.get(name);
    if (!volume) return [];
    const root = posix.join(volume.root, subPath ?? '');
    return [{ path: mountPath, tree: volume.tree, root, readOnly: volume.readOnly || (readOnly ?? false) }];
  });
}

async function setUp(
  pod: Pod,
  volume: Volume,
  host: ImageFs,
  client: KubeClient,
  signal: AbortSignal,
): Promise<VolumeTree | string> {
  if (volume.hostPath) return setUpHostPath(volume.hostPath, host);
  if (volume.downwardAPI) {
    const items = volume.downwardAPI.items ?? [];
    return filesVolume(
      items.map(({ path, fieldRef }) => [path, podField(pod, fieldRef?.fieldPath ?? '') ?? '']),
    );
  }
  if (volume.configMap || volume.secret) {
    const name = volume.configMap?.name ?? volume.secret?.secretName ?? '';
    const optional = volume.configMap?.optional ?? volume.secret?.optional ?? false;
    const type = volume.configMap ? CORE.configMap : CORE.secret;
    const object = await client.get(type, { namespace: pod.metadata.namespace ?? '', name }, signal);
    if (object) return filesVolume(dataOf(object));
    return optional ? filesVolume([]) : `${type.kind.toLowerCase()} "${name}" not found`;
  }
  // Tokens and the like: there, but empty.
  return { ...filesVolume([]), readOnly: !volume.emptyDir };
}

function setUpHostPath(
  { path, type = '' }: { readonly path: string; readonly type?: string },
  host: ImageFs,
) {
  const entry = host.lookup(path);
  const isDirectory = entry?.type === 'directory';
  if (type === 'Directory' && !isDirectory) return `hostPath type check failed: ${path} is not a directory`;
  if (type === 'File' && entry?.type !== 'file') return `hostPath type check failed: ${path} is not a file`;
  if (!entry && type === 'FileOrCreate')
    host.write(path, { type: 'file', mode: 0o644, bytes: new Uint8Array() });
  else if (!entry && (type === 'DirectoryOrCreate' || type === ''))
    host.write(path, { type: 'directory', mode: 0o755 });
  else if (!entry) return `hostPath type check failed: ${path} is not a ${type.toLowerCase()}`;
  return { tree: host, root: path, readOnly: false };
}

function filesVolume(files: readonly (readonly [string, string | Uint8Array])[]): VolumeTree {
  const tree = createImageFs();
  tree.write('/volume', { type: 'directory', mode: 0o755 });
  for (const [path, content] of files) {
    tree.write(posix.join('/volume', path), { type: 'file', mode: 0o644, bytes: Buffer.from(content) });
  }
  return { tree, root: '/volume', readOnly: true };
}

function dataOf(object: KubeObject): (readonly [string, Uint8Array])[] {
  const encoding = object.kind === 'Secret' ? 'base64' : 'utf8';
  const data = Object.entries((object['data'] as Record<string, string> | undefined) ?? {});
  return data.map(([name, text]) => [name, Buffer.from(text, encoding)] as const);
}
