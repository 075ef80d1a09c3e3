/** Controller machinery that knows no Module: client, caches, queue, lease, events, metrics, health, config, log. */
export { backoffMs } from './backoff.ts';
export { blindKinds, type Cache, createCache, type WatchedCache } from './cache.ts';
export { aborted, type Clock, sleep, systemClock, timestamp } from './clock.ts';
export { AppError, connectionProblem, FAILURES, type FailureCode, isAppError, isRace } from './errors.ts';
export { createEvents, type EventRecorder } from './events.ts';
export { canonicalJson, deepEqual, equalButForNulls, isSubset, mergePatch } from './json.ts';
export type {
  HttpRequest,
  HttpResponse,
  KubeClient,
  ListOptions,
  Transport,
  WatchEvent,
} from './kube/client.ts';
export { createHttpTransport } from './kube/http-transport.ts';
export { createKubeClient } from './kube/kube-client.ts';
export { isInPod, type KubeConnection, loadKubeConnection } from './kube/kube-config.ts';
export { listAll } from './kube/list-all.ts';
export {
  apiVersionOf,
  CORE,
  type KubeObject,
  type ObjectMeta,
  type ObjectName,
  type OwnerReference,
  objectKey,
  parseObjectKey,
  type ResourceType,
  withoutManagedFields,
} from './kube/object.ts';
export { lastLines } from './last-lines.ts';
export { createLimiter, type Limiter } from './limiter.ts';
export { createLog, type Log, type LogFields, silentLog } from './log.ts';
export { createManualClock, type ManualClock } from './manual-clock.ts';
export { createMetrics, METRICS, type MetricName, type Metrics } from './metrics.ts';
export { http } from './node-http.ts';
export { type OperatorPorts, operatorSettings, runOperator } from './operator.ts';
export type { Operator } from './operator-life.ts';
export { runProcess } from './process.ts';
export { createQueue, type Queue } from './queue.ts';
export { createRandom, type Random, systemRandom } from './random.ts';
export { holderOf, renewedLease } from './renewed-lease.ts';
export type { Change } from './store.ts';
export { createTurns, type Turns } from './turns.ts';
