import { text as readText } from 'node:stream/consumers';
import type { Transport } from '@kmm-fleet/runtime';

/** What somebody may want to do, as the API server is asked about it. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** `get leases.coordination.k8s.io kmm in openshift-kmm` */
export function accessInWords({ verb, group, resource, subresource, namespace, name }: Attributes): string {
  const kind = `${resource}${group && `.${group}`}${subresource ? `/${subresource}` : ''}`;
  return `${verb} ${kind}${name ? ` ${name}` : ''}${namespace ? ` in ${namespace}` : ''}`;
}

/**
 * Whether the API server lets somebody do it; undefined when it does not say.
 *
 * @param as whose rights are asked for; one's own when left out
 */
export async function askAccess(
  transport: Transport,
  resourceAttributes: Attributes,
  as?: { readonly user: string; readonly groups: readonly string[] },
): Promise<boolean | undefined> {
  const kind = as ? 'SubjectAccessReview' : 'SelfSubjectAccessReview';
  const { status, body } = await transport.request({
    method: 'POST',
    path: `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'authorization.k8s.io/v1',
      kind,
      spec: { ...as, resourceAttributes },
    }),
  });
  const text = await readText(body);
  if (status !== 201) return undefined;
  return (JSON.parse(text) as { readonly status: { readonly allowed: boolean } }).status.allowed;
}
