import type { Feedback } from './feedback-status.ts';
import type { ManifestStatus, ResourceMeta, WorkCondition, WorkStatus } from './work-view.ts';

/** How one manifest went: `error` is absent when it is applied. */
export interface ApplyResult {
  readonly meta: ResourceMeta;
  readonly error?: string;
}

/** What was seen of one manifest's object. */
export interface Observation {
  readonly meta: ResourceMeta;
  readonly availability: 'available' | 'missing' | 'incomplete' | { readonly error: string };
  /** Absent when there is nothing to read it from. */
  readonly feedback?: Feedback;
  readonly hasRules: boolean;
}

type Next = Omit<WorkCondition, 'lastTransitionTime'>;

/** Status after manifests were applied. Sorted by place in the work. @param now RFC 3339 */
export function appliedStatus(
  before: WorkStatus,
  results: readonly ApplyResult[],
  generation: number,
  now: string,
): WorkStatus {
  const manifests = results
    .toSorted((a, b) => a.meta.ordinal - b.meta.ordinal)
    .map(({ meta, error }): ManifestStatus => {
      const known = findManifest(before, meta);
      const next: Next = {
        type: 'Applied',
        status: error === undefined ? 'True' : 'False',
        reason: error === undefined ? 'AppliedManifestComplete' : 'AppliedManifestFailed',
        message: error === undefined ? 'Apply manifest complete' : `Failed to apply manifest: ${error}`,
        observedGeneration: generation,
      };
      // A new generation is a new application: the time moves although the status stays.
      const isStale = known?.conditions.some(
        ({ type, observedGeneration }) => type === 'Applied' && observedGeneration !== generation,
      );
      const conditions = (known?.conditions ?? []).filter(({ type }) => type !== 'Applied' || !isStale);
      return {
        resourceMeta: meta,
        statusFeedback: known?.statusFeedback ?? {},
        conditions: setCondition(conditions, next, now),
      };
    });
  if (results.length === 0) return { ...before, resourceStatus: { manifests } };
  const failed = results.find(({ error }) => error !== undefined);
  const applied: Next = {
    type: 'Applied',
    status: failed ? 'False' : 'True',
    reason: failed ? 'AppliedManifestWorkFailed' : 'AppliedManifestWorkComplete',
    message: failed ? 'Failed to apply manifest work' : 'Apply manifest work complete',
    observedGeneration: generation,
  };
  return { conditions: setCondition(before.conditions ?? [], applied, now), resourceStatus: { manifests } };
}

/** Status after the objects were looked at. @param now RFC 3339 */
export function availableStatus(
  before: WorkStatus,
  seen: readonly Observation[],
  generation: number,
  now: string,
): WorkStatus {
  const manifests = (before.resourceStatus?.manifests ?? []).map((manifest) => {
    const observation = seen.find(({ meta }) => meta.ordinal === manifest.resourceMeta.ordinal);
    return observation ? observed(manifest, observation, now) : manifest;
  });
  const conditions = setCondition(before.conditions ?? [], aggregate(manifests, generation), now);
  return { conditions, resourceStatus: { manifests } };
}

/** Status of a work that is on its way out. */
export function deletingStatus(before: WorkStatus, generation: number, now: string): WorkStatus {
  const deleting: Next = {
    type: 'Deleting',
    status: 'True',
    reason: 'WorkDeleting',
    message: 'The work is being deleted',
    observedGeneration: generation,
  };
  return { ...before, conditions: setCondition(before.conditions ?? [], deleting, now) };
}

function observed(manifest: ManifestStatus, observation: Observation, now: string): ManifestStatus {
  const { feedback, hasRules } = observation;
  let conditions = setCondition(manifest.conditions, availability(observation), now);
  if (!feedback) return { ...manifest, conditions };
  const isChanged = JSON.stringify(feedback.values) !== JSON.stringify(manifest.statusFeedback.values ?? []);
  // Taken out and put in again when values change, so that its time is that of the last change.
  if (isChanged) conditions = conditions.filter(({ type }) => type !== 'StatusFeedbackSynced');
  const statusFeedback = feedback.values.length > 0 ? { values: feedback.values } : {};
  return {
    ...manifest,
    statusFeedback,
    conditions: setCondition(conditions, synced(feedback, hasRules), now),
  };
}

function availability({ availability: state }: Observation): Next {
  const of = (status: string, reason: string, message: string): Next => ({
    type: 'Available',
    status,
    reason,
    message,
  });
  if (state === 'available') return of('True', 'ResourceAvailable', 'Resource is available');
  if (state === 'missing') return of('False', 'ResourceNotAvailable', 'Resource is not available');
  if (state === 'incomplete') return of('Unknown', 'IncompleteResourceMeta', 'Resource meta is incomplete');
  return of('Unknown', 'FetchingResourceFailed', `Failed to fetch resource: ${state.error}`);
}

function synced({ errors }: Feedback, hasRules: boolean): Next {
  const type = 'StatusFeedbackSynced';
  if (errors.length > 0) {
    const message = `Sync status feedback failed with error ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}`;
    return { type, status: 'False', reason: 'StatusFeedbackSyncFailed', message };
  }
  return {
    type,
    status: 'True',
    reason: hasRules ? 'StatusFeedbackSynced' : 'NoStatusFeedbackSynced',
    message: '',
  };
}

/** Failures come before doubts. */
function aggregate(manifests: readonly ManifestStatus[], observedGeneration: number): Next {
  const count = (status: string) =>
    manifests.filter(({ conditions }) =>
      conditions.some(({ type, status: value }) => type === 'Available' && value === status),
    ).length;
  const [failed, unknown] = [count('False'), count('Unknown')];
  const of = (status: string, reason: string, message: string): Next => ({
    type: 'Available',
    status,
    reason,
    message,
    observedGeneration,
  });
  if (failed > 0)
    return of(
      'False',
      'ResourcesNotAvailable',
      `${failed} of ${manifests.length} resources are not available`,
    );
  if (unknown > 0)
    return of(
      'Unknown',
      'ResourcesStatusUnknown',
      `${unknown} of ${manifests.length} resources have unknown status`,
    );
  return of('True', 'ResourcesAvailable', 'All resources are available');
}

/** The known status of a manifest: by its whole identity, else by all but its place when that is unique. */
function findManifest(status: WorkStatus, meta: ResourceMeta): ManifestStatus | undefined {
  const all = status.resourceStatus?.manifests ?? [];
  const same = (a: ResourceMeta, b: ResourceMeta) =>
    a.group === b.group &&
    a.version === b.version &&
    a.kind === b.kind &&
    a.resource === b.resource &&
    a.name === b.name &&
    a.namespace === b.namespace;
  const alike = all.filter(({ resourceMeta }) => same(resourceMeta, meta));
  return (
    alike.find(({ resourceMeta }) => resourceMeta.ordinal === meta.ordinal) ??
    (alike.length === 1 ? alike[0] : undefined)
  );
}

/** The time moves with the status of a condition only. Order is kept. */
function setCondition(conditions: readonly WorkCondition[], next: Next, now: string): WorkCondition[] {
  const before = conditions.find(({ type }) => type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now;
  const condition = { ...next, lastTransitionTime };
  return before ? conditions.map((one) => (one === before ? condition : one)) : [...conditions, condition];
}
