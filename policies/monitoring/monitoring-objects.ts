import { RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import { HEALTH_PORT, podLabels } from '../install/deployment.ts';
import type { Edition } from '../install/editions.ts';
import { alertRules, METRICS_SERVICE, type Role } from './alerts.ts';

const INTERVAL = '30s';

/**
 * Service, ServiceMonitor and PrometheusRule of an operator, for the Prometheus operator and for OpenShift. Pure.
 *
 * @param runbooks what links of alerts begin with: where the docs of this repository are published
 */
export function monitoringObjects(edition: Edition, runbooks = ''): KubeObject[] {
  const { namespace } = edition;
  const role = edition.name === 'hub' ? 'hub' : 'spoke';
  const labels = { 'app.kubernetes.io/name': 'kmm', 'app.kubernetes.io/component': `${role}-metrics` };
  const object = (type: ResourceType) => ({
    ...{ apiVersion: apiVersionOf(type), kind: type.kind },
    metadata: { namespace, name: METRICS_SERVICE[role], labels },
  });
  return [
    {
      ...object(CORE.service),
      spec: {
        selector: podLabels(edition),
        ports: [{ name: 'metrics', port: HEALTH_PORT, targetPort: 'metrics' }],
      },
    },
    {
      ...object(RESOURCES.serviceMonitor),
      spec: {
        selector: { matchLabels: labels },
        // Series have the namespace of their Module: it is not to give way to that of the operator.
        endpoints: [{ port: 'metrics', path: '/metrics', interval: INTERVAL, honorLabels: true }],
      },
    },
    { ...object(RESOURCES.prometheusRule), spec: ruleFile(role, runbooks) },
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
