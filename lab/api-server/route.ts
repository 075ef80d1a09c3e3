import type { HttpRequest } from '@kmm-fleet/runtime';
import { badRequest } from './api-error.ts';

/** A request for objects, in parts. */
export interface Route {
  readonly method: HttpRequest['method'];
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

const OBJECTS =
  /^\/(?:api|apis\/([^/]+))\/(v\d[^/]*)(?:\/namespaces\/([^/]+)(?=\/[^/]+))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/;
const SUBRESOURCES = new Set(['status', 'finalize']);

/** What is asked for in vain, in the words of kube-apiserver but where a lab has other things to show. */
export const whyNotServed = ({ plural, subresource }: Route): string =>
  plural === 'pods' && subresource === 'log'
    ? 'nodes of a lab are models and keep no output; what a hook said is in: kubectl describe pod'
    : 'the server could not find the requested resource';

/** Whether a subresource is one that the server has. Nodes of the lab keep no output and run no shells for people. */
export const isServed = ({ subresource }: Route) =>
  subresource === undefined || SUBRESOURCES.has(subresource);

/** Reads the path of an object request; undefined when it is something else (discovery, health …). */
export function parseRoute({ method, path }: Pick<HttpRequest, 'method' | 'path'>): Route | undefined {
  const url = new URL(path, 'http://api');
  const match = OBJECTS.exec(url.pathname);
  if (!match) return undefined;
  const [group = '', version = '', namespace, plural = '', name, subresource] = match
    .slice(1)
    .map((part) => part && decoded(part));
  // `/api/v1/namespaces/x/status` is a namespace's status, not a kind called "status".
  if (namespace !== undefined && SUBRESOURCES.has(plural) && name === undefined) {
    return {
      method,
      group,
      version,
      namespace: undefined,
      plural: 'namespaces',
      name: namespace,
      subresource: plural,
      query: url.searchParams,
    };
  }
  return { method, group, version, namespace, plural, name, subresource, query: url.searchParams };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`invalid URL escape "${part}"`);
  }
}
