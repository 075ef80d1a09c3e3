import { type Finding, found, LABELS, type Reason } from '@kmm-fleet/api';
import { type KubeObject, objectKey } from '@kmm-fleet/runtime';
import type { DaemonSetView, PodView } from '../views.ts';

/** Which events tell that pods of DaemonSets were refused before they were pods. */
export const REFUSALS = 'involvedObject.kind=DaemonSet,reason=FailedCreate';

/** What a spoke keeps of such an event. */
export interface RefusalView {
  readonly metadata: Pick<KubeObject['metadata'], 'name' | 'namespace' | 'resourceVersion'>;
  readonly daemonSet: { readonly key: string; readonly uid: string };
  readonly message: string;
  /** When it was told last, in ms. */
  readonly at: number;
}

/** Text and times of an event; which time it has depends on who wrote it. */
interface ToldEvent {
  readonly message: string;
  readonly series: { readonly lastObservedTime?: string } | null;
  readonly lastTimestamp: string | null;
  readonly eventTime: string | null;
}

export function refusalView(event: KubeObject): RefusalView {
  const { name, namespace, resourceVersion, creationTimestamp } = event.metadata;
  const about = (event['involvedObject'] ?? {}) as { namespace?: string; name?: string; uid?: string };
  const { message = '', series, lastTimestamp, eventTime } = event as Partial<ToldEvent>;
  const told = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? creationTimestamp ?? '';
  return {
    metadata: { name, ...(namespace && { namespace }), ...(resourceVersion && { resourceVersion }) },
    daemonSet: {
      key: objectKey({ ...(about.namespace && { namespace: about.namespace }), name: about.name ?? '' }),
      uid: about.uid ?? '',
    },
    message,
    at: Date.parse(told) || 0,
  };
}

/**
 * Why DaemonSets have fewer pods than nodes that want one, in the words of what refused them: the cluster itself is asked
 * whether something is missing, so whatever may refuse a pod is told, and what refuses none is not. Pure.
 */
export function refusedPodFindings(
  daemonSets: readonly DaemonSetView[],
  pods: readonly PodView[],
  refusals: readonly RefusalView[],
): Finding[] {
  return daemonSets.flatMap((daemonSet) => {
    const since = lacksPods(daemonSet) ? youngestPod(daemonSet, pods) : Number.POSITIVE_INFINITY;
    const [newest] = refusals
      .filter(({ at, daemonSet: { uid } }) => at >= since && uid === daemonSet.metadata.uid)
      .toSorted((a, b) => b.at - a.at || (a.metadata.name < b.metadata.name ? -1 : 1));
    return newest ? [findingOf(daemonSet, wordsOf(newest.message))] : [];
  });
}

/** An older controller manager writes no status before it has made all pods. */
function lacksPods({ object }: DaemonSetView): boolean {
  const { status = {} } = object as {
    status?: {
      currentNumberScheduled?: number;
      desiredNumberScheduled?: number;
      observedGeneration?: number;
    };
  };
  const { currentNumberScheduled = 0, desiredNumberScheduled = 0, observedGeneration = 0 } = status;
  return observedGeneration === 0 || currentNumberScheduled < desiredNumberScheduled;
}

/** A pod that came after a refusal has ended it. */
function youngestPod({ metadata }: DaemonSetView, pods: readonly PodView[]): number {
  const own = pods.filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  return Math.max(0, ...own.map((pod) => Date.parse(pod.metadata.creationTimestamp ?? '') || 0));
}

const WORDS_CHARS_MAX = 400;

/** Without the name of a pod that never was: every try has another one. */
const wordsOf = (message: string): string =>
  message
    .replace(/^.*?\bpods "[^"]*" is forbidden: /s, '')
    .trim()
    .slice(0, WORDS_CHARS_MAX);

const KINDS: readonly { readonly reason: Reason; readonly says: RegExp; readonly next: string }[] = [
  { reason: 'ServiceAccountMissing', says: /service ?account .*not found/is, next: 'Create it' },
  { reason: 'PodSecurityForbids', says: /violates PodSecurity/i, next: 'Let the namespace have such pods' },
  {
    reason: 'SecurityContextForbids',
    says: /security context constraint/i,
    next: 'Let the service account use the SecurityContextConstraints privileged',
  },
];

function findingOf({ object, metadata }: DaemonSetView, words: string): Finding {
  const { namespace = '', labels = {} } = metadata;
  const field = LABELS.kernelVersion in labels ? 'spec.moduleLoader' : 'spec.devicePlugin';
  const kind = KINDS.find(({ says }) => says.test(words));
  if (!kind) return found('PodsRefused', field, `No pod can be made: ${words}.`, 'Remove what refuses it.');
  const account = accountOf(object);
  const message = `No pod can be made in ${namespace} as service account ${account}: ${words}.`;
  const next = `${kind.next}: kmm install privileges ${namespace} --service-account ${account} prints what is needed.`;
  return found(kind.reason, `${field}.serviceAccountName`, message, next);
}

function accountOf(object: KubeObject): string {
  const { spec } = object as { spec?: { template?: { spec?: { serviceAccountName?: string } } } };
  return spec?.template?.spec?.serviceAccountName ?? 'default';
}
