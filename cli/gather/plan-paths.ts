import type { KubeObject, ResourceType } from '@kmm-fleet/runtime';

/** Where upstream's gather has what `oc adm inspect` reads. */
const INSPECTED = 'inspect';

/** Where `oc adm inspect` puts an object, so that tools which read must-gathers find it. Pure. */
export function objectPath({ group, plural, namespaced }: ResourceType, { metadata }: KubeObject): string {
  const name = safe(metadata.name);
  const kind = `${safe(group || 'core')}/${safe(plural)}`;
  if (!namespaced) return `${INSPECTED}/cluster-scoped-resources/${kind}/${name}.yaml`;
  const namespace = `${INSPECTED}/namespaces/${safe(metadata.namespace ?? '')}`;
  if (plural === 'pods' && !group) return `${namespace}/pods/${name}/${name}.yaml`;
  return `${namespace}/${kind}/${name}.yaml`;
}

/** Where all objects of a kind in a namespace are in one file. */
export function listPath({ group, plural }: ResourceType, namespace: string, about = ''): string {
  const suffix = about ? `-${safe(about.toLowerCase())}` : '';
  return `${INSPECTED}/namespaces/${safe(namespace)}/${safe(group || 'core')}/${safe(plural)}${suffix}.yaml`;
}

export function logPath({ metadata }: KubeObject, container: string, previous: boolean): string {
  const pod = `${INSPECTED}/namespaces/${safe(metadata.namespace ?? '')}/pods/${safe(metadata.name)}`;
  const name = safe(container);
  return `${pod}/${name}/${name}/logs/${previous ? 'previous' : 'current'}.log`;
}

/** The log of the operator, where people who know upstream's gather look first. */
export const operatorLogPath = (deployment: string): string => `${safe(deployment)}.log`;

/** A name becomes a part of a path: none may leave the folder, whatever a server answers. */
export function safe(part: string): string {
  const plain = part.replaceAll(/[^\w.:@~+=-]/g, '_').slice(0, 253);
  return /^\.*$/.test(plain) ? `_${plain.replaceAll('.', '_')}` : plain;
}
