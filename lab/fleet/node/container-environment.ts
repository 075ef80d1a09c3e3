import type { PulledImage } from '@kmm-fleet/images';
import { CORE, type KubeClient } from '@kmm-fleet/runtime';
import { type Container, type EnvironmentVariable, type KeyReference, type Pod, podField } from './pod.ts';
import { DEFAULT_PATH } from './shell/execute.ts';

/** The environment of a container: the image's, then the pod's. A string names what is missing. */
export async function environmentOf(
  pod: Pod,
  container: Container,
  image: PulledImage,
  client: KubeClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | string> {
  const environment = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', pod.metadata.name],
  ]);
  for (const line of image.config.config?.Env ?? []) {
    const equals = line.indexOf('=');
    if (equals > 0) environment.set(line.slice(0, equals), line.slice(equals + 1));
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, variable, environment, client, signal);
    if (value === undefined) continue;
    if (typeof value !== 'string') return value.problem;
    environment.set(variable.name, value);
  }
  return environment;
}

async function valueOf(
  pod: Pod,
  { value, valueFrom }: EnvironmentVariable,
  known: ReadonlyMap<string, string>,
  client: KubeClient,
  signal: AbortSignal,
): Promise<string | { readonly problem: string } | undefined> {
  if (valueFrom?.fieldRef) return podField(pod, valueFrom.fieldRef.fieldPath) ?? '';
  if (valueFrom?.secretKeyRef) return dataValue(pod, 'secret', valueFrom.secretKeyRef, client, signal);
  if (valueFrom?.configMapKeyRef)
    return dataValue(pod, 'configMap', valueFrom.configMapKeyRef, client, signal);
  return expandReferences(value ?? '', known);
}

async function dataValue(
  pod: Pod,
  type: 'secret' | 'configMap',
  { name, key, optional }: KeyReference,
  client: KubeClient,
  signal: AbortSignal,
): Promise<string | { readonly problem: string } | undefined> {
  const object = await client.get(CORE[type], { namespace: pod.metadata.namespace ?? '', name }, signal);
  const kind = type.toLowerCase();
  const text = (object?.['data'] as Record<string, string> | undefined)?.[key];
  if (text !== undefined) return type === 'secret' ? Buffer.from(text, 'base64').toString('utf8') : text;
  if (optional) return undefined;
  const where = `${pod.metadata.namespace}/${name}`;
  return {
    problem: object
      ? `couldn't find key ${key} in ${type === 'secret' ? 'Secret' : 'ConfigMap'} ${where}`
      : `${kind} "${name}" not found`,
  };
}

/** Kubernetes' own `$(NAME)`: replaced where the name is known, `$$(NAME)` stands for itself. */
export function expandReferences(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(\$\([A-Za-z_][A-Za-z0-9_.-]*\))|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g,
    (whole, escaped: string | undefined, name: string | undefined) =>
      escaped ?? known.get(name ?? '') ?? whole,
  );
}
