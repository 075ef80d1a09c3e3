import type { KubeObject } from '@kmm-fleet/runtime';
import { editions } from '../install/editions.ts';
import { alertRules, METRICS_SERVICE, type Role } from './alerts.ts';

export interface MonitoringOptions {
  /** Labels of the operator's pods. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** HEALTH_PORT of the operator: it serves /metrics there. */
  readonly port: number;
  readonly namespace?: string;
  /** What links to runbooks begin with; the docs of this repository, wherever they are published. */
  readonly runbooks?: string;
}

const API_VERSION = 'monitoring.coreos.com/v1';
const INTERVAL = '30s';

/** Service, ServiceMonitor and PrometheusRule of one operator, for the Prometheus operator and for OpenShift. Pure. */
export function monitoringObjects(role: Role, options: MonitoringOptions): KubeObject[] {
  const namespace = options.namespace ?? editions[role].namespace;
  const name = METRICS_SERVICE[role];
  const labels = { 'app.kubernetes.io/name': 'kmm', 'app.kubernetes.io/component': `${role}-metrics` };
  const metadata = { namespace, name, labels };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: { ...options.podLabels },
        ports: [{ name: 'metrics', port: options.port, targetPort: options.port }],
      },
    },
    {
      apiVersion: API_VERSION,
      kind: 'ServiceMonitor',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        namespaceSelector: { matchNames: [namespace] },
        endpoints: [{ port: 'metrics', path: '/metrics', interval: INTERVAL }],
      },
    },
    { apiVersion: API_VERSION, kind: 'PrometheusRule', metadata, spec: ruleFile(role, options.runbooks) },
  ];
}

/** The `spec` of a PrometheusRule is a rule file of Prometheus: promtool reads it as it is. */
export function ruleFile(role: Role, runbooks = '') {
  const rules = alertRules(role).map(({ annotations, ...rest }) => ({
    ...rest,
    annotations: { ...annotations, runbook_url: `${runbooks}${annotations.runbook_url}` },
  }));
  return { groups: [{ name: `kmm-${role}`, rules }] };
}
