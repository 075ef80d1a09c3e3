import type { KubeObject, ObjectName, ResourceType } from './object.ts';

/**
 * The calls that controllers make. Every method throws `AppError` (../errors.ts) and nothing else for what the
 * world does; each retries 429 and connection trouble inside its own bounds and honours `signal`.
 */
export interface KubeClient {
  /** The object, or undefined on 404. */
  get(type: ResourceType, name: ObjectName, signal?: AbortSignal): Promise<KubeObject | undefined>;
  /** All pages, one at a time (500 objects each), so that no caller ever holds a whole large list twice. */
  list(type: ResourceType, options?: ListOptions, signal?: AbortSignal): AsyncIterable<KubePage>;
  /**
   * Events from `resourceVersion` on. Ends normally when the server closes the stream; throws
   * `AppError('WATCH_EXPIRED')` on 410, `AppError('WATCH_IDLE')` when nothing (not even a bookmark) came in time.
   */
  watch(type: ResourceType, options: WatchOptions, signal?: AbortSignal): AsyncIterable<WatchEvent>;
  /** What a container has printed so far, its last lines only; the caller bounds what it keeps. */
  podLog(pod: ObjectName, container: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  create(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<KubeObject>;
  /** Server-side apply under `fieldManager`. `subresource: 'status'` writes the status only. */
  apply(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /** RFC 7386 merge patch. Put `metadata.resourceVersion` in it to make it conditional (409 → CONFLICT). */
  mergePatch(
    type: ResourceType,
    name: ObjectName,
    patch: object,
    options: PatchOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /** Full PUT with `metadata.resourceVersion` inside: the lease is its main user. */
  replace(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<KubeObject>;
  /** Resolves whether or not the object was there: true when a delete was accepted, false on 404. */
  delete(
    type: ResourceType,
    name: ObjectName,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<boolean>;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
}

export interface KubePage {
  readonly items: readonly KubeObject[];
  /** Where a watch can start. The same on every page of one list. */
  readonly resourceVersion: string;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface ApplyOptions {
  readonly fieldManager: string;
  readonly force?: boolean;
  readonly subresource?: 'status';
  /** `metadata`: the object that is returned has nothing else, so there is less to send and to read. */
  readonly answer?: 'metadata';
}

export interface PatchOptions {
  readonly fieldManager?: string;
  readonly subresource?: 'status';
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
}

/** One HTTP exchange with an API server, and the seam between real sockets and the in-process lab. */
export interface Transport {
  request(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query, as it goes on the request line: `/api/v1/nodes?limit=500`. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Arrives in pieces for watches. Must be read to the end, or left by `break`/`return`. */
  readonly body: AsyncIterable<Uint8Array>;
}
