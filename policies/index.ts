/**
 * How hub and spoke are installed.
 *
 * rbac/  who may do what: hub, spoke, and OCM's work agent; what of it was used, read from an audit log
 */
export { type Access, hubAccess, spokeAccess, standaloneAccess, workAgentAccess } from './rbac/access.ts';
export { accessObjects, userOf } from './rbac/access-objects.ts';
export { type AuditedRequest, auditRights, type RightsInUse } from './rbac/audit-rights.ts';
