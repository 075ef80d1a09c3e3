import type { KubeObject } from '@kmm-fleet/runtime';
import { readJsonPath } from '../../api-server/json-path.ts';
import type { FeedbackRule } from './manifest-config.ts';
import { splitVersion } from './rest-mapping.ts';
import type { FeedbackValue } from './work-view.ts';

export interface Feedback {
  readonly values: readonly FeedbackValue[];
  readonly errors: readonly string[];
}

/** What OCM knows to ask of built-in kinds under WellKnownStatus. */
const WELL_KNOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'apps/Deployment': {
    ReadyReplicas: '.status.readyReplicas',
    Replicas: '.status.replicas',
    AvailableReplicas: '.status.availableReplicas',
  },
  'apps/DaemonSet': {
    NumberReady: '.status.numberReady',
    DesiredNumberScheduled: '.status.desiredNumberScheduled',
    NumberAvailable: '.status.numberAvailable',
  },
  'batch/Job': {
    JobComplete: '.status.conditions[?(@.type=="Complete")].status',
    JobSucceeded: '.status.succeeded',
  },
  '/Pod': { PodReady: '.status.conditions[?(@.type=="Ready")].status', PodPhase: '.status.phase' },
};

/** Values that the rules ask of an object. A missing field is no value and no error. */
export function readFeedback(object: KubeObject, rules: readonly FeedbackRule[]): Feedback {
  const values: FeedbackValue[] = [];
  const errors: string[] = [];
  const { group, version } = splitVersion(object.apiVersion);
  for (const rule of rules) {
    const known = WELL_KNOWN[`${group}/${object.kind}`];
    if (rule.type === 'WellKnownStatus' && !known) {
      errors.push(
        `cannot find the wellknown statuses for resource with gvk ${object.apiVersion}, Kind=${object.kind}`,
      );
    }
    const paths =
      rule.type === 'WellKnownStatus'
        ? Object.entries(known ?? {}).map(([name, path]) => ({ name, path, version: undefined }))
        : (rule.jsonPaths ?? []);
    for (const { name, path, version: wanted } of paths) {
      const result =
        wanted !== undefined && wanted !== '' && wanted !== version
          ? `version set in the path ${name} is not matched for the related resource`
          : readValue(object, name, path);
      if (typeof result === 'string') errors.push(result);
      else if (result) values.push(result);
    }
  }
  return { values, errors };
}

function readValue(object: KubeObject, name: string, path: string): FeedbackValue | string | undefined {
  let found: unknown;
  try {
    [found] = readJsonPath(object, path);
  } catch (error) {
    return `failed to parse json path ${path} of ${name} with error: ${error instanceof Error ? error.message : ''}`;
  }
  if (found === undefined || found === null) return undefined;
  if (typeof found === 'string') return { name, fieldValue: { type: 'String', string: found } };
  if (typeof found === 'boolean') return { name, fieldValue: { type: 'Boolean', boolean: found } };
  if (typeof found === 'number' && Number.isSafeInteger(found)) {
    return { name, fieldValue: { type: 'Integer', integer: found } };
  }
  const type = Array.isArray(found)
    ? '[]interface {}'
    : typeof found === 'number'
      ? 'float64'
      : 'map[string]interface {}';
  return `the type ${type} of the value for ${name} is not found`;
}
