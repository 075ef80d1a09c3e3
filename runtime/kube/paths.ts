import type { ListOptions } from './client.ts';
import type { ObjectName, ResourceType } from './object.ts';

/** Request path of a kind, of one namespace of it, or of one object. */
export function resourcePath(
  type: ResourceType,
  name: Partial<ObjectName> = {},
  subresource?: string,
): string {
  const root = type.group ? `/apis/${type.group}/${type.version}` : `/api/${type.version}`;
  const namespace =
    type.namespaced && name.namespace ? `/namespaces/${encodeURIComponent(name.namespace)}` : '';
  const object = name.name === undefined ? '' : `/${encodeURIComponent(name.name)}`;
  return `${root}${namespace}/${type.plural}${object}${subresource ? `/${subresource}` : ''}`;
}

/** Appends query parameters; undefined ones are left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

export const selectors = ({ labelSelector, fieldSelector }: ListOptions) => ({
  labelSelector,
  fieldSelector,
});
