import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Random } from '../random.ts';
import type { Transport, WatchEvent, WatchOptions } from './client.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { resourcePath, selectors, withQuery } from './paths.ts';
import { readBody, readLines } from './read-body.ts';
import { type KubeStatus, statusError } from './status-error.ts';

interface WatchPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  readonly idleMs: number;
}

const EVENT_CHARS_MAX = 8 * 1024 * 1024;
/** The server is asked to end a watch after 5 to 10 minutes, so that watches spread over its replicas again. */
const WATCH_SECONDS = { least: 300, spread: 300 };

/** Opens one watch and yields its events; see KubeClient.watch for how it ends. */
export async function* watchResource(
  ports: WatchPorts,
  type: ResourceType,
  options: WatchOptions,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const idle = createIdleTimer(ports.clock, ports.idleMs);
  const both = signal ? AbortSignal.any([signal, idle.signal]) : idle.signal;
  const path = withQuery(resourcePath(type, { namespace: options.namespace ?? '' }), {
    ...selectors(options),
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: options.resourceVersion,
    timeoutSeconds: Math.round(WATCH_SECONDS.least + ports.random() * WATCH_SECONDS.spread),
  });
  const headers = { accept: 'application/json', 'user-agent': ports.userAgent };
  try {
    const response = await ports.transport.request({ method: 'GET', path, headers }, both);
    if (response.status >= 300) {
      const body = await readBody(response.body, EVENT_CHARS_MAX);
      throw statusError(`watch ${type.kind}`, response.status, body, response.headers['retry-after']);
    }
    for await (const line of readLines(response.body, EVENT_CHARS_MAX)) {
      idle.touch();
      yield parseEvent(line, type);
    }
  } catch (error) {
    if (idle.signal.aborted && !signal?.aborted) {
      throw new AppError('WATCH_IDLE', `watch ${type.kind}: nothing came for ${ports.idleMs} ms.`);
    }
    throw error;
  } finally {
    idle.stop();
  }
}

function parseEvent(line: string, type: ResourceType): WatchEvent {
  const event = parseLine(line, type);
  if (event?.type === 'ERROR') {
    const status = event.object as KubeStatus | undefined;
    throw statusError(`watch ${type.kind}`, status?.code ?? 500, JSON.stringify(status ?? {}));
  }
  const object = event?.object as KubeObject | undefined;
  if (typeof object?.metadata === 'object' && object.metadata !== null) {
    if (event?.type === 'BOOKMARK')
      return { type: 'BOOKMARK', resourceVersion: object.metadata.resourceVersion ?? '' };
    if (event?.type === 'ADDED' || event?.type === 'MODIFIED' || event?.type === 'DELETED')
      return { type: event.type, object };
  }
  throw new AppError('API_ERROR', `watch ${type.kind}: an event is neither a change nor a bookmark.`);
}

function parseLine(line: string, type: ResourceType): { type?: string; object?: unknown } | null {
  try {
    return JSON.parse(line) as { type?: string; object?: unknown } | null;
  } catch (error) {
    throw new AppError('API_ERROR', `watch ${type.kind}: an event is not JSON.`, { cause: error });
  }
}

/** Aborts its signal when it was not touched for `idleMs`. One timer at a time, however many events come. */
function createIdleTimer(clock: Clock, idleMs: number) {
  const controller = new AbortController();
  let lastMs = clock.elapsed();
  let stop = () => {};
  const check = () => {
    const restMs = lastMs + idleMs - clock.elapsed();
    if (restMs <= 0) controller.abort(new Error('idle'));
    else stop = clock.after(restMs, check);
  };
  stop = clock.after(idleMs, check);
  return {
    signal: controller.signal,
    touch: () => {
      lastMs = clock.elapsed();
    },
    stop: () => stop(),
  };
}
