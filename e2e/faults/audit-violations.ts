import type { Module } from '@kmm-fleet/api';
import type { AuditedRequest } from '@kmm-fleet/policies';
import type { Round } from './tell-round.ts';

type Requests = readonly AuditedRequest[];

/**
 * More writes of one operator than a round with faults has reason for. Without faults it is about 20 on the hub and 15
 * on a cluster; with them the most that was seen is about twice that.
 */
export const WRITES_PER_ROUND_MAX = 60;

const DIGEST = /^[^@\s]+@sha256:[0-9a-f]{64}$/;
const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** What happened that must never happen, one sentence each. */
export function auditViolations(
  rounds: readonly Round[],
  logs: { readonly hub: Requests; readonly east: Requests; readonly west: Requests },
): string[] {
  return [
    ...rounds.flatMap((round) => [
      ...unpinned(round, of(round, logs.hub)),
      ...unloaded(round, 'east', of(round, logs.east), round.deleted),
      ...unloaded(round, 'west', of(round, logs.west), round.westLeft),
    ]),
    ...(['hub', 'east', 'west'] as const).flatMap((name) => storms(rounds.length, name, logs[name])),
  ];
}

/** Requests about objects of a round; other rounds go on beside it. */
function of({ name }: Round, requests: Requests): Requests {
  return requests.filter(
    ({ objectRef }) => objectRef?.name === name || objectRef?.name?.startsWith(`${name}-`),
  );
}

/** A work that ships anything but signed images of this round by digest, or tells a spoke to build. */
function unpinned({ name, digests }: Round, requests: Requests): string[] {
  return requests
    .filter(({ objectRef, requestObject }) => objectRef?.resource === 'manifestworks' && requestObject)
    .flatMap(({ requestObject }) => modulesIn(requestObject))
    .flatMap(({ spec }) => {
      const { kernelMappings = [], ...container } = spec.moduleLoader?.container ?? {};
      const images = kernelMappings.map(({ containerImage = '' }) => containerImage);
      const foreign = images.filter(
        (image) => !DIGEST.test(image) || !digests.some((digest) => image.endsWith(digest)),
      );
      const orders = [container, ...kernelMappings].some((part) => 'build' in part || 'sign' in part);
      return [
        ...foreign.map((image) => `${name}: a work ships ${image}, which is no signed image of this round`),
        ...(orders ? [`${name}: a work tells a spoke to build or to sign`] : []),
      ];
    });
}

function modulesIn(body: unknown): Module[] {
  const { spec } = body as { spec?: { workload?: { manifests?: unknown[] } } };
  const manifests = (spec?.workload?.manifests ?? []) as { kind?: string }[];
  return manifests.filter(({ kind }) => kind === 'Module') as unknown as Module[];
}

/** A Module or a DaemonSet that went while its cluster still wanted it. */
function unloaded({ name }: Round, cluster: string, requests: Requests, until: string): string[] {
  return requests
    .filter(({ verb, requestReceivedTimestamp }) => verb === 'delete' && requestReceivedTimestamp < until)
    .filter(({ objectRef }) => ['modules', 'daemonsets'].includes(objectRef?.resource ?? ''))
    .map(
      ({ objectRef, requestReceivedTimestamp }) =>
        `${name}: ${objectRef?.resource} ${objectRef?.name} of ${cluster} was deleted at ${requestReceivedTimestamp}, before ${until}`,
    );
}

function storms(rounds: number, server: string, requests: Requests): string[] {
  const written = requests.filter(
    ({ verb, userAgent }) => WRITES.has(verb) && (userAgent === 'kmm-hub' || userAgent === 'kmm'),
  );
  const perRound = written.length / rounds;
  return perRound > WRITES_PER_ROUND_MAX
    ? [`${server}: ${perRound.toFixed(0)} writes of our operator per round`]
    : [];
}
