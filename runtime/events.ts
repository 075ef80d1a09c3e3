import { createHash } from 'node:crypto';
import { type Clock, timestamp } from './clock.ts';
import type { KubeClient } from './kube/client.ts';
import { CORE, type KubeObject } from './kube/object.ts';
import type { Log } from './log.ts';

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, as in conditions. */
  readonly reason: string;
  readonly message: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EventRecorder {
  /** Writes an Event in the background. The same text about the same object raises its count. Never throws. */
  record(regarding: KubeObject, event: EventText): void;
  /** Resolves when nothing is being written. */
  flush(): Promise<void>;
}

/** Distinct events remembered for counting; older ones start a new Event object. */
const REMEMBERED_MAX = 1_000;
const MESSAGE_CHARS_MAX = 1_024;

/** Events about cluster-scoped objects go to `default`, as everywhere in Kubernetes. */
export function createEvents(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly component: string;
  readonly log: Log;
}): EventRecorder {
  const { client, clock, component, log } = options;
  const counts = new Map<string, { count: number; first: string }>();
  const writing = new Set<Promise<unknown>>();
  /** Events whose last version is being written, with the version to write after it. */
  const next = new Map<string, KubeObject | undefined>();

  /** One version of an event at a time: two on their way could overtake each other, and a storm needs no history. */
  const write = async (identity: string, event: KubeObject) => {
    for (let version: KubeObject | undefined = event; version; version = next.get(identity)) {
      next.set(identity, undefined);
      try {
        await client.apply(CORE.event, version, { fieldManager: component, force: true });
      } catch (error) {
        log.debug('event.lost', { reason: String(version['reason']), err: error });
      }
    }
    next.delete(identity);
  };

  return {
    record(regarding, { type, reason, message, annotations }) {
      const namespace = regarding.metadata.namespace ?? 'default';
      const text = message.slice(0, MESSAGE_CHARS_MAX);
      const { name: objectName, uid = '' } = regarding.metadata;
      const identity = [regarding.kind, namespace, objectName, uid, type, reason, text].join('\0');
      const now = timestamp(clock.now());
      const { count, first } = counts.get(identity) ?? { count: 0, first: now };
      // Deleted and set again, it counts as the youngest.
      counts.delete(identity);
      for (const oldest of counts.keys()) {
        if (counts.size < REMEMBERED_MAX) break;
        counts.delete(oldest);
      }
      counts.set(identity, { count: count + 1, first });
      const event: KubeObject = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: {
          namespace,
          name: `${objectName.slice(0, 200).replace(/[-.]+$/, '')}.${digest(identity + first)}`,
          ...(annotations && { annotations: { ...annotations } }),
        },
        involvedObject: {
          apiVersion: regarding.apiVersion,
          kind: regarding.kind,
          name: objectName,
          uid,
          ...(regarding.metadata.namespace && { namespace }),
        },
        type,
        reason,
        message: text,
        source: { component },
        firstTimestamp: first,
        lastTimestamp: now,
        count: count + 1,
      };
      if (next.has(identity)) {
        next.set(identity, event);
        return;
      }
      const done = write(identity, event).finally(() => writing.delete(done));
      writing.add(done);
    },
    async flush() {
      await Promise.allSettled(writing);
    },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
