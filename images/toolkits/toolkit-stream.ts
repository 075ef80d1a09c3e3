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
import type { ToolkitStream, Toolkits, ToolkitTag } from './plan-toolkit.ts';
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
  current(): Toolkits['stream'];
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
  const { client, clock, systems } = ports;
  const cache = createCache<StreamView>({
    ...ports,
    ...STREAM,
    type: RESOURCES.imageStream,
    transform: streamView,
  });
  const read = Promise.withResolvers<void>();
  let state: 'absent' | 'forbidden' | 'served' = 'absent';

  const tell = () => {
    if (state === 'served') ports.changed();
  };
  cache.onChange(tell);
  systems.onChange(tell);

  /** What discovery would say, and whether it may be read, in one question. */
  const look = async (signal: AbortSignal): Promise<typeof state> => {
    try {
      for await (const _ of client.list(RESOURCES.imageStream, STREAM, signal)) break;
    } catch (error) {
      const code = isAppError(error) ? error.code : undefined;
      if (signal.aborted || code === 'NOT_FOUND') return 'absent';
      if (code === 'API_FORBIDDEN') return 'forbidden';
      // Any other trouble is the cache's to retry.
    }
    return 'served';
  };

  return {
    current() {
      if (state === 'served') return { tags: tagsIn(cache.all()), systems: systems.all() };
      return state === 'forbidden' ? state : undefined;
    },
    whenRead: () => read.promise,
    blind: () => blindKinds([cache]),
    async run(signal) {
      state = await look(signal);
      if (state !== 'served') return read.resolve();
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
