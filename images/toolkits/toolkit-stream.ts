import { coreOsVersion, type NodeSystem, RESOURCES, TOOLKIT_STREAM } from '@kmm-fleet/api';
import {
  blindKinds,
  type Clock,
  createCache,
  isAppError,
  type KubeClient,
  type KubeObject,
  type Log,
  type Metrics,
  type Random,
} from '@kmm-fleet/runtime';
import type { ToolkitStream, ToolkitTag } from './plan-toolkit.ts';
import type { Systems } from './systems.ts';

export interface ToolkitStreamPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  readonly systems: Systems;
  /** Called when another toolkit may be found than before. */
  readonly changed: () => void;
}

export interface WatchedToolkitStream {
  /** Undefined where there is nothing to read. */
  current(): ToolkitStream | undefined;
  run(signal: AbortSignal): Promise<void>;
  /** It was read once, or there is nothing to read, or it takes too long to wait for it. */
  whenRead(): Promise<void>;
  blind(): readonly string[];
}

const STREAM = {
  namespace: TOOLKIT_STREAM.namespace,
  fieldSelector: `metadata.name=${TOOLKIT_STREAM.name}`,
};
/** OpenShift serves streams from pods of its own; images that need no toolkit do not wait longer for them. */
const READ_MS_MAX = 30_000;

/**
 * Watches OpenShift's ImageStream of driver toolkits where the API server has that API and lets it be read. That is
 * asked once: a cluster does not become an OpenShift, and other rights come with another operator.
 */
export function createToolkitStream(ports: ToolkitStreamPorts): WatchedToolkitStream {
  const { client, clock, log, systems } = ports;
  const cache = createCache<StreamView>({
    ...ports,
    ...STREAM,
    type: RESOURCES.imageStream,
    transform: streamView,
  });
  const read = Promise.withResolvers<void>();
  let isServed = false;

  const tell = () => {
    if (isServed) ports.changed();
  };
  cache.onChange(tell);
  systems.onChange(tell);

  /** What discovery would say, and whether it may be read, in one question. */
  const looksServed = async (signal: AbortSignal): Promise<boolean> => {
    try {
      for await (const _ of client.list(RESOURCES.imageStream, STREAM, signal)) break;
      return true;
    } catch (error) {
      if (signal.aborted || !isAppError(error)) throw error;
      if (error.code === 'API_FORBIDDEN') log.info('toolkits.forbidden', { code: error.code });
      // Any other trouble is the cache's to retry.
      return error.code !== 'NOT_FOUND' && error.code !== 'API_FORBIDDEN';
    }
  };

  return {
    current: () => (isServed ? { tags: tagsIn(cache.all()), systems: systems.all() } : undefined),
    whenRead: () => read.promise,
    blind: () => blindKinds([cache]),
    async run(signal) {
      isServed = await looksServed(signal).catch(() => false);
      if (!isServed) return read.resolve();
      const cancel = clock.after(READ_MS_MAX, read.resolve);
      void Promise.all([cache.whenSynced(), systems.whenComplete()]).then(() => {
        cancel();
        read.resolve();
      });
      await cache.run(signal);
      cancel();
    },
  };
}

interface StreamView {
  readonly metadata: KubeObject['metadata'];
  readonly tags: readonly ToolkitTag[];
}

/** The tags of a stream that are called after a version and name an image; `latest` is for no kernel. */
export function streamView({ metadata, ...object }: KubeObject): StreamView {
  const { tags = [] } = (object['spec'] ?? {}) as { readonly tags?: readonly SpecTag[] };
  const named = tags.flatMap(({ name, from }) =>
    name && coreOsVersion(name) === name && from?.kind === 'DockerImage' && from.name
      ? [{ name, image: from.name }]
      : [],
  );
  return { metadata, tags: named };
}

interface SpecTag {
  readonly name?: string;
  readonly from?: { readonly kind?: string; readonly name?: string };
}

const tagsIn = (streams: Iterable<StreamView>): readonly ToolkitTag[] =>
  [...streams].flatMap(({ tags }) => tags);

/** The stream as it is now, for who asks once. */
export async function readToolkitStream(
  client: KubeClient,
  systems: readonly NodeSystem[],
): Promise<ToolkitStream | undefined> {
  const object = await client.get(RESOURCES.imageStream, TOOLKIT_STREAM);
  return object && { tags: streamView(object).tags, systems };
}
