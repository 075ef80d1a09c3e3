/**
 * How hub and spoke are installed.
 *
 * install/     what an operator needs on its cluster, and how a hub brings it to many
 * rbac/        who may do what: hub, spoke, and OCM's work agent; what of it was used, read from an audit log
 * monitoring/  what Prometheus asks for, and what it wakes somebody for
 */
export { addonObjects } from './install/addon-objects.ts';
export { type OperatorImages, podLabels, podSelector } from './install/deployment.ts';
export { type EditionOptions, withOptions } from './install/edition-options.ts';
export { EDITIONS, type Edition, type EditionName, editions } from './install/editions.ts';
export { type FleetOptions, policyObjects } from './install/fleet-objects.ts';
export { type Folder, toYaml, yamlOf } from './install/folder.ts';
export { helmChart } from './install/helm-chart.ts';
export {
  type InstalledObject,
  installedKey,
  installedObjects,
} from './install/installed-objects.ts';
export { kustomizeFolder } from './install/kustomize-folder.ts';
export { moduleNamespaceObjects } from './install/module-namespace-objects.ts';
export { olmBundle } from './install/olm-bundle.ts';
export { groundObjects, operatorObjects } from './install/operator-objects.ts';
export { type Catalog, subscriptionObjects } from './install/subscription-objects.ts';
export { typeOf } from './install/type-of.ts';
export { CERTIFICATES, type Certificates } from './install/webhook-names.ts';
export { METRICS_SERVICE } from './monitoring/alerts.ts';
export { monitoringObjects, ruleFile } from './monitoring/monitoring-objects.ts';
export {
  type Access,
  hubAccess,
  type PolicyRule,
  spokeAccess,
  standaloneAccess,
  workAgentAccess,
} from './rbac/access.ts';
export { accessObjects, userOf } from './rbac/access-objects.ts';
export { type AuditedRequest, auditRights, type RightsInUse } from './rbac/audit-rights.ts';
