import type { KubeObject } from '@kmm-fleet/runtime';

/** One answer of an API server. */
export interface Answer {
  readonly status: number;
  readonly body: KubeObject & { readonly [field: string]: unknown };
}

/** What the suite needs of a server: requests as they are on the wire, and time that passes. */
export interface ApiServerUnderTest {
  send(method: string, path: string, body?: unknown, contentType?: string, accept?: string): Promise<Answer>;
  /** Events of a watch until `count` came or it ended. */
  watch(path: string, count: number): Promise<{ readonly type: string; readonly object: KubeObject }[]>;
  /** Waits until the answer of `probe` is true; a server with a clock of its own may move it. */
  eventually(probe: () => Promise<boolean>): Promise<void>;
  /** All but the newest version of each object is forgotten. */
  forget(): Promise<void>;
  /** What is answered to a crowd that asks at once, and to one who asks alone later. */
  overload(): Promise<Overload>;
  close(): Promise<void>;
}

export interface Overload {
  readonly crowd: readonly CrowdAnswer[];
  readonly alone: CrowdAnswer;
}

export interface CrowdAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** What each part of the suite works with. */
export interface Contract extends Omit<ApiServerUnderTest, 'close'> {
  create(path: string, object: object): Promise<Answer>;
  read(path: string, accept?: string): Promise<Answer>;
  gone(path: string): Promise<boolean>;
  apply(path: string, manager: string, object: object, more?: string): Promise<Answer>;
  /** A name that no other test uses. */
  unique(): string;
}

export const MERGE = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const GROUP = 'contract.kmm.example.com';
export const SPACE = 'api-server-contract';
export const CONFIG_MAPS = `/api/v1/namespaces/${SPACE}/configmaps`;
export const PODS = `/api/v1/namespaces/${SPACE}/pods`;
export const WIDGETS = `/apis/${GROUP}/v1/namespaces/${SPACE}/widgets`;

/** @param server the one under test, which is there when the first test runs */
export function createContract(server: () => ApiServerUnderTest): Contract {
  let serial = 0;
  const send: Contract['send'] = (...request) => server().send(...request);
  const read = (path: string, accept?: string) => send('GET', path, undefined, undefined, accept);
  return {
    send,
    read,
    watch: (...wanted) => server().watch(...wanted),
    eventually: (probe) => server().eventually(probe),
    forget: () => server().forget(),
    overload: () => server().overload(),
    create: (path, object) => send('POST', path, object),
    gone: async (path) => (await read(path)).status === 404,
    apply: (path, manager, object, more = '') =>
      send('PATCH', `${path}?fieldManager=${manager}${more}`, object, APPLY),
    unique: () => `object-${(serial += 1)}`,
  };
}

export function configMap(metadata: object, data: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

export function widget(metadata: object, spec: object = {}): object {
  return { apiVersion: `${GROUP}/v1`, kind: 'Widget', metadata, spec };
}

interface Cause {
  readonly reason: string;
  readonly field: string;
}

export function causes({ body }: Answer): readonly Cause[] {
  return (body['details'] as { readonly causes?: readonly Cause[] } | undefined)?.causes ?? [];
}

export function managersOf({ metadata }: KubeObject): string[] {
  return ((metadata.managedFields ?? []) as { manager: string }[]).map(({ manager }) => manager);
}

export function resourceNames({ body }: Answer): string[] {
  return (body['resources'] as { name: string }[]).map(({ name }) => name);
}

export function pod(name: string, resources: object = {}) {
  const containers = [{ name: 'main', image: 'example.com/image', resources }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers } };
}
