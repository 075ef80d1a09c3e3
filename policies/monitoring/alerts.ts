import { type Reason, reasonLink } from '@kmm-fleet/api';

/** Where an operator runs: they measure different things. */
export type Role = 'hub' | 'spoke';

/** One alert, as Prometheus takes it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'critical' | 'warning' | 'info' };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    /** The heading of docs/reasons.md that says what to do. */
    readonly runbook_url: string;
  };
}

/** Names of the Service and so of the job of an operator's metrics. */
export const METRICS_SERVICE: Readonly<Record<Role, string>> = {
  hub: 'kmm-operator-hub-controller-metrics',
  spoke: 'kmm-operator-controller-metrics',
};

/** The heading of the reason that a series is labelled with. */
const OF_SERIES = 'docs/reasons.md#{{ $labels.reason | toLower }}';

const rule = (
  alert: string,
  severity: AlertRule['labels']['severity'],
  wait: string,
  expr: string,
  runbook: Reason | typeof OF_SERIES,
  summary: string,
  description: string,
): AlertRule => ({
  alert,
  expr,
  for: wait,
  labels: { severity },
  annotations: { summary, description, runbook_url: runbook === OF_SERIES ? OF_SERIES : reasonLink(runbook) },
});

/**
 * Alerts on outcomes first, on machinery where it is the cause. Each waits long enough for what mends itself: a build,
 * a reboot, a roll-out, a registry that is away for a moment.
 */
export function alertRules(role: Role): readonly AlertRule[] {
  return [...(role === 'hub' ? ofHub() : ofSpoke()), ...ofBoth(METRICS_SERVICE[role])];
}

function ofHub(): AlertRule[] {
  return [
    rule(
      'KmmClustersNeedAPerson',
      'warning',
      '15m',
      'sum by (module, reason) (kmm_clusters_by_reason{severity="error"}) > 0',
      OF_SERIES,
      'Module {{ $labels.module }} is not served on {{ $value }} clusters: {{ $labels.reason }}',
      'The clusters keep what they run. kmm status {{ $labels.module }} names them.',
    ),
    rule(
      'KmmClustersWaitLong',
      'warning',
      '2h',
      'sum by (module, reason) (kmm_clusters_by_reason{severity="waiting"}) > 0',
      OF_SERIES,
      'Module {{ $labels.module }} waits on {{ $value }} clusters for two hours: {{ $labels.reason }}',
      'It should have ended by itself. Clusters that are away show as WaitingForAgent.',
    ),
    rule(
      'KmmClaimsDoNotFit',
      'warning',
      '30m',
      'sum by (reason) (kmm_cluster_claim_problems{reason="TooManyKernels"}) > 0',
      OF_SERIES,
      '{{ $value }} clusters claim kernels that cannot be planned for: {{ $labels.reason }}',
      'Nothing is built for them until their claims are readable.',
    ),
    ...ofImages(),
  ];
}

/** Where images are made: on the hub, and on a cluster without one. */
function ofImages(): AlertRule[] {
  return [
    rule(
      'KmmImagesFailed',
      'warning',
      '30m',
      'sum by (state) (kmm_module_images{state=~"Failed|Missing|Conflict"}) > 0',
      'BuildFailed',
      '{{ $value }} module images are {{ $labels.state }}',
      'kubectl get moduleimages tells which and why; the last lines of a build are in status.log.',
    ),
    rule(
      'KmmBuildsKeepFailing',
      'warning',
      '5m',
      'sum by (step) (increase(kmm_builds_total{outcome="failure"}[1h])) > 5',
      'BuildFailed',
      'Step {{ $labels.step }} of module images failed {{ $value | humanize }} times in an hour',
      'Builds on equal inputs back off to half an hour: so many failures come from several images.',
    ),
    rule(
      'KmmSigningCertificateExpires',
      'warning',
      '1h',
      'kmm_signing_certificate_not_after_seconds - time() < 30 * 86400 and kmm_signing_certificate_not_after_seconds - time() >= 3 * 86400',
      'CertificateExpired',
      'The certificate in Secret {{ $labels.secret }} expires in {{ $value | humanizeDuration }}',
      'Modules that are signed stay valid; nothing new is signed after that.',
    ),
    rule(
      'KmmSigningCertificateExpired',
      'critical',
      '5m',
      'kmm_signing_certificate_not_after_seconds - time() < 3 * 86400',
      'CertificateExpired',
      'The certificate in Secret {{ $labels.secret }} expires in less than three days, or has expired',
      'New kernels get no signed module: nodes with Secure Boot that are upgraded lose it.',
    ),
  ];
}

function ofSpoke(): AlertRule[] {
  return [
    rule(
      'KmmModuleDegraded',
      'warning',
      '15m',
      'kmm_module_degraded > 0',
      OF_SERIES,
      'Module {{ $labels.namespace }}/{{ $labels.module }} is degraded: {{ $labels.reason }}',
      'Its condition Degraded has the words of modprobe or of the kubelet.',
    ),
    rule(
      'KmmModuleNotOnAllNodes',
      'warning',
      '1h',
      'kmm_module_nodes{state="desired"} - ignoring (state) kmm_module_nodes{state="available"} > 0',
      'NodesLoading',
      'Module {{ $labels.namespace }}/{{ $labels.module }} is missing on {{ $value }} nodes for an hour',
      'Look at the loader pods of these nodes.',
    ),
    rule(
      'KmmKernelsUnclaimed',
      'warning',
      '30m',
      'kmm_kernels_unclaimed > 0',
      'TooManyKernels',
      '{{ $value }} kernels of this cluster do not fit into its claims',
      'The hub does not know of them, so nothing is built for their nodes.',
    ),
    ...ofImages(),
  ];
}

function ofBoth(job: string): AlertRule[] {
  return [
    rule(
      'KmmOperatorDown',
      'critical',
      '10m',
      `absent(up{job="${job}"} == 1)`,
      'OperatorNotReady',
      `No operator answers as ${job}`,
      'What is loaded stays loaded; nothing is built, shipped, loaded or reported.',
    ),
    rule(
      'KmmPassesFail',
      'warning',
      '30m',
      'sum by (queue, code) (rate(kmm_reconcile_errors_total[15m])) > 0.05',
      'ApiError',
      'Passes of queue {{ $labels.queue }} fail with {{ $labels.code }}',
      'The log of the operator tells each failure once, as reconcile.failed.',
    ),
    rule(
      'KmmQueueStuck',
      'warning',
      '15m',
      'min_over_time(kmm_queue_depth[10m]) > 50',
      'ApiThrottled',
      'Queue {{ $labels.queue }} has had more than 50 keys waiting for ten minutes',
      'The API server or a registry is slow, or one pass holds up the others.',
    ),
    rule(
      'KmmApiServerRefuses',
      'warning',
      '15m',
      'sum by (code) (rate(kmm_api_requests_total{code=~"401|403|429|5.."}[10m])) / scalar(sum(rate(kmm_api_requests_total[10m]))) > 0.1',
      'ApiForbidden',
      'One in ten requests of the operator is answered {{ $labels.code }}',
      '401 and 403 are rights, 429 and 5xx the API server.',
    ),
    rule(
      'KmmWatchesBreak',
      'warning',
      '15m',
      'sum by (kind, cause) (increase(kmm_watch_restarts_total[15m])) > 15',
      'WatchExpired',
      'The watch of {{ $labels.kind }} breaks again and again: {{ $labels.cause }}',
      'What changes is noticed late.',
    ),
  ];
}
