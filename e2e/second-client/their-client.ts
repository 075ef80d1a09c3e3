import type { KubeClient, ResourceType, WatchEvent } from '@kmm-fleet/runtime';
import {
  ApiException,
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  Watch,
} from '@kubernetes/client-node';
import { resourcePath } from '../../runtime/kube/paths.ts';

/** What a client that we did not write can do as well. */
export type Client = Omit<KubeClient, 'podLog'>;

export interface TheirOptions {
  /** Ours is known by its user agent; theirs says it in each request. */
  readonly fieldManager: string;
  readonly pageItems: number;
}

/** `@kubernetes/client-node` behind the calls of ours; what it throws is its own. Our kinds only, not those of Kubernetes. */
export function theirClient(config: KubeConfig, { fieldManager, pageItems }: TheirOptions): Client {
  const api = config.makeApiClient(CustomObjectsApi);
  const at = ({ group, version, plural }: ResourceType) => ({ group, version, plural });
  const patch = (
    type: ResourceType,
    { namespace, name }: { readonly namespace?: string; readonly name: string },
    strategy: PatchStrategy,
    how: { readonly body: object; readonly fieldManager: string; readonly force?: boolean },
    subresource: 'status' | undefined,
  ) => {
    const options = setHeaderOptions('Content-Type', strategy);
    const one = { ...at(type), name, ...how };
    if (namespace === undefined)
      return subresource
        ? api.patchClusterCustomObjectStatus(one, options)
        : api.patchClusterCustomObject(one, options);
    return subresource
      ? api.patchNamespacedCustomObjectStatus({ ...one, namespace }, options)
      : api.patchNamespacedCustomObject({ ...one, namespace }, options);
  };

  return {
    async get(type, { namespace, name }) {
      const one = { ...at(type), name };
      return found(
        namespace === undefined
          ? api.getClusterCustomObject(one)
          : api.getNamespacedCustomObject({ ...one, namespace }),
        undefined,
      );
    },
    async *list(type, { namespace, labelSelector = '' } = {}) {
      let next: string | undefined;
      do {
        const some = {
          ...at(type),
          labelSelector,
          limit: pageItems,
          ...(next !== undefined && { _continue: next }),
        };
        const { items, metadata } = await (namespace === undefined
          ? api.listClusterCustomObject(some)
          : api.listNamespacedCustomObject({ ...some, namespace }));
        yield { items, resourceVersion: metadata.resourceVersion };
        next = metadata.continue || undefined;
      } while (next !== undefined);
    },
    async *watch(type, { namespace = '', labelSelector, resourceVersion }, signal) {
      const path = resourcePath(type, { namespace });
      const query = { labelSelector, resourceVersion };
      yield* new ReadableStream<WatchEvent>({
        async start(events) {
          const take = (phase: string, object: unknown) =>
            events.enqueue({ type: phase, object } as WatchEvent);
          const watching = await new Watch(config).watch(path, query, take, () => {});
          signal?.addEventListener('abort', () => watching.abort());
        },
      });
    },
    create(type, body) {
      const { namespace } = body.metadata;
      const one = { ...at(type), body, fieldManager };
      return namespace === undefined
        ? api.createClusterCustomObject(one)
        : api.createNamespacedCustomObject({ ...one, namespace });
    },
    apply: (type, body, { subresource, fieldManager, force = false }) =>
      patch(
        type,
        body.metadata,
        PatchStrategy.ServerSideApply,
        { body, fieldManager, ...(force && { force }) },
        subresource,
      ),
    mergePatch: (type, name, body, { subresource, fieldManager: manager = fieldManager }) =>
      patch(type, name, PatchStrategy.MergePatch, { body, fieldManager: manager }, subresource),
    replace(type, body) {
      const { namespace, name } = body.metadata;
      const one = { ...at(type), name, body, fieldManager };
      return namespace === undefined
        ? api.replaceClusterCustomObject(one)
        : api.replaceNamespacedCustomObject({ ...one, namespace });
    },
    async delete(type, { namespace, name }, { uid, resourceVersion } = {}) {
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      const one = { ...at(type), name, propagationPolicy: 'Background', body: { preconditions } };
      const done =
        namespace === undefined
          ? api.deleteClusterCustomObject(one)
          : api.deleteNamespacedCustomObject({ ...one, namespace });
      return found(
        done.then(() => true),
        false,
      );
    },
  };
}

/** What is not there is no error to ours. */
function found<T, None>(answer: Promise<T>, none: None): Promise<T | None> {
  return answer.catch((error: unknown) => {
    if (error instanceof ApiException && error.code === 404) return none;
    throw error;
  });
}
