// Not prom-client as a whole, which loads a client of push gateways with node:http and zlib, and tracing: more than 1 MiB.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';

export type MetricLabels = Readonly<Record<string, string>>;

/**
 * What every process measures. Names are declared here, so that two callers never disagree on labels. No label names a
 * node, a cluster, a pod or an image: series are bounded by modules, reasons and queues.
 */
export const METRICS = {
  kmm_reconcile_duration_seconds: ['histogram', 'Duration of one pass of a queue.', ['queue']],
  kmm_queue_depth: ['gauge', 'Keys that wait for a worker of a queue.', ['queue']],
  kmm_reconcile_errors_total: ['counter', 'Failed passes by error code.', ['queue', 'code']],
  kmm_api_requests_total: ['counter', 'Requests to the API server.', ['method', 'kind', 'code']],
  kmm_watch_restarts_total: ['counter', 'Watches that were opened again, by cause.', ['kind', 'cause']],
  kmm_cluster_claim_problems: [
    'gauge',
    'ManagedClusters whose kernel claims cannot be planned for.',
    ['reason'],
  ],
  kmm_clusters_by_reason: [
    'gauge',
    'Clusters of a ManagedClusterModule by reason and its severity.',
    ['module', 'reason', 'severity'],
  ],
  kmm_nodes: ['gauge', 'Nodes of a ManagedClusterModule, as clusters report them.', ['module', 'state']],
  kmm_work_apply_duration_seconds: [
    'histogram',
    'From the write of a work until its cluster has applied it.',
    [],
  ],
  kmm_module_nodes: ['gauge', 'Nodes of a Module of this cluster.', ['namespace', 'module', 'state']],
  kmm_module_degraded: [
    'gauge',
    '1 while a Module of this cluster is degraded.',
    ['namespace', 'module', 'reason'],
  ],
  kmm_kernels_unclaimed: ['gauge', 'Kernels of this cluster that its claims do not hold.', []],
  kmm_image_step_duration_seconds: ['histogram', 'Builds and signings by outcome.', ['step', 'outcome']],
  kmm_signing_certificate_not_after_seconds: [
    'gauge',
    'When a certificate for signing expires, in seconds since the epoch.',
    ['secret'],
  ],
  kmm_clusters: ['gauge', 'Clusters of a ManagedClusterModule by state.', ['module', 'state']],
  kmm_module_images: ['gauge', 'ModuleImages by state.', ['state']],
  kmm_builds_total: ['counter', 'Builds and signings by outcome.', ['step', 'outcome']],
} as const satisfies Record<string, readonly ['histogram' | 'counter' | 'gauge', string, readonly string[]]>;

export type MetricName = keyof typeof METRICS;

export interface Metrics {
  count(name: MetricName, labels: MetricLabels, by?: number): void;
  observe(name: MetricName, labels: MetricLabels, value: number): void;
  set(name: MetricName, labels: MetricLabels, value: number): void;
  /** Moves a gauge up or down. */
  add(name: MetricName, labels: MetricLabels, by: number): void;
  /** Removes a series when the thing that it measures is gone. */
  remove(name: MetricName, labels: MetricLabels): void;
  /** Prometheus text format. */
  text(): Promise<string>;
}

const BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, [kind, help, labels]] of Object.entries(METRICS)) {
    const shape = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new Counter(shape));
    else if (kind === 'gauge') gauges.set(name, new Gauge(shape));
    else histograms.set(name, new Histogram({ ...shape, buckets: BUCKETS_SECONDS }));
  }
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc({ ...labels }, by),
    observe: (name, labels, value) => histograms.get(name)?.observe({ ...labels }, value),
    set: (name, labels, value) => gauges.get(name)?.set({ ...labels }, value),
    add: (name, labels, by) => gauges.get(name)?.inc({ ...labels }, by),
    remove: (name, labels) => gauges.get(name)?.remove({ ...labels }),
    text: () => registry.metrics(),
  };
}
