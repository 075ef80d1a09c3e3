import type { Module } from '@kmm-fleet/api';
import type { AuditedRequest } from '@kmm-fleet/policies';
import { deepEqual } from '@kmm-fleet/runtime';
import { cameBack } from './came-back.ts';
import type { Round } from './tell-round.ts';

type Requests = readonly AuditedRequest[];

/**
 * More writes of our operators than a round with faults has reason for. In 34 rounds, 32 of them struck, the most that was
 * seen was 16 to one object (a Module and its status), 73 in one round on hub, east and west, and a mean of 33 on one of
 * them, with what belongs to no round. A loop that never rests writes as many in a second.
 */
export const WRITES_MAX = { object: 50, round: 160, mean: 60 } as const;

const DIGEST = /^[^@\s]+@sha256:[0-9a-f]{64}$/;
const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
const LOADING = new Set(['modules', 'daemonsets']);
const WORKS = 'manifestworks';
const CLUSTERS = ['east', 'west'] as const;
const SERVERS = ['hub', ...CLUSTERS] as const;
const OPERATORS = new Set(['kmm-hub', 'kmm']);
/** Who may never delete a loader's pod: that is up to its DaemonSet. */
const AGENTS = /^(kmm|kmm-hub|work-agent)(\/|$)/;

type Cluster = (typeof CLUSTERS)[number];
type Logs = Readonly<Record<(typeof SERVERS)[number], Requests>>;

/** What happened that must never happen, one sentence each. */
export function auditViolations(rounds: readonly Round[], logs: Logs): string[] {
  return [
    ...rounds.flatMap((round) => [
      ...unpinned(round, of(round, logs.hub)),
      ...CLUSTERS.flatMap((cluster) => unshipped(round, cluster, of(round, logs.hub))),
      ...CLUSTERS.flatMap((cluster) => unloaded(round, cluster, of(round, logs[cluster]))),
      ...CLUSTERS.flatMap((cluster) => cameBack(round, cluster, of(round, logs[cluster]))),
      ...storms(round, logs),
    ]),
    ...SERVERS.flatMap((name) => swept(name, logs[name])),
    ...SERVERS.flatMap((name) => meanStorm(rounds.length, name, logs[name])),
  ];
}

/**
 * What the logs do not show of rounds that ended well, one sentence each. Where a log lacks that, nothing can be seen in it
 * that must not happen either.
 */
export function unseen(rounds: readonly Round[], logs: Logs): string[] {
  return rounds
    .filter(({ ended }) => ended !== undefined)
    .flatMap((round) => [
      ...(worksWritten(of(round, logs.hub)).length < 2 ? [`${round.name}: no works of two versions`] : []),
      ...CLUSTERS.flatMap((cluster) => [
        ...unseenUnshipping(round, cluster, of(round, logs.hub)),
        ...unseenUnloading(round, cluster, of(round, logs[cluster])),
      ]),
    ]);
}

/** Writes of the hub that ship a module. */
export function worksWritten(requests: Requests): Requests {
  return requests.filter(
    ({ userAgent, objectRef, requestObject }) =>
      userAgent === 'kmm-hub' &&
      objectRef?.resource === WORKS &&
      requestObject !== undefined &&
      modulesIn(requestObject).length > 0,
  );
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
    .filter(({ objectRef, requestObject }) => objectRef?.resource === WORKS && requestObject)
    .flatMap(({ requestObject }) => modulesIn(requestObject))
    .flatMap(({ spec }) => {
      const { kernelMappings = [], containerImage: forAll, ...rest } = spec.moduleLoader?.container ?? {};
      const images = kernelMappings.map(({ containerImage = forAll ?? 'no image' }) => containerImage);
      if (forAll !== undefined && !images.includes(forAll)) images.push(forAll);
      const foreign = images.filter(
        (image) => !DIGEST.test(image) || !digests.some((digest) => image.endsWith(digest)),
      );
      const orders = [rest, ...kernelMappings].some((part) => 'build' in part || 'sign' in part);
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

/** Until when a cluster wants the module of a round. */
const wantedUntil = ({ westLeft, deleted }: Round, cluster: Cluster) =>
  cluster === 'west' ? westLeft : deleted;

/** The same for its work: a cluster that is cut off learns later that it has left. */
const shippedUntil = ({ westLeft, deleted }: Round, cluster: Cluster) =>
  cluster === 'west' && westLeft < deleted ? westLeft : deleted;

/** A work that was deleted while its cluster still wanted it, be it because of an owner that it never had. */
function unshipped(round: Round, cluster: Cluster, requests: Requests): string[] {
  const until = shippedUntil(round, cluster);
  return requests
    .filter((request) => isUnshipping(request, cluster) && request.requestReceivedTimestamp < until)
    .map(
      ({ requestReceivedTimestamp: at }) =>
        `${round.name}: its work of ${cluster} was deleted at ${at}, before ${until}`,
    );
}

function unseenUnshipping(round: Round, cluster: Cluster, requests: Requests): string[] {
  const since = shippedUntil(round, cluster);
  const isSeen = requests.some(
    (request) => isUnshipping(request, cluster) && request.requestReceivedTimestamp >= since,
  );
  return isSeen ? [] : [`${round.name}: nobody deleted its work of ${cluster} after ${since}`];
}

const isUnshipping = ({ verb, objectRef }: AuditedRequest, cluster: Cluster) =>
  verb === 'delete' && objectRef?.resource === WORKS && objectRef.namespace === cluster;

/** A Module, a DaemonSet or a loader that went, or a DaemonSet that left its nodes, while its cluster still wanted it. */
function unloaded(round: Round, cluster: Cluster, requests: Requests): string[] {
  const { name } = round;
  const until = wantedUntil(round, cluster);
  const early = requests.filter(({ requestReceivedTimestamp }) => requestReceivedTimestamp < until);
  const told = ({ objectRef, requestReceivedTimestamp }: AuditedRequest, what: string) =>
    `${name}: ${objectRef?.resource} ${objectRef?.name} of ${cluster} was ${what} at ${requestReceivedTimestamp}, before ${until}`;
  return [
    ...early.filter(isRemoval).map((request) => told(request, 'deleted')),
    ...early
      .filter((request) => hasOtherNodes(request, early))
      .map((request) => told(request, 'taken from its nodes')),
  ];
}

function unseenUnloading(round: Round, cluster: Cluster, requests: Requests): string[] {
  const { name } = round;
  const since = wantedUntil(round, cluster);
  const removed = requests
    .filter((request) => isRemoval(request) && request.requestReceivedTimestamp >= since)
    .map(({ objectRef }) => objectRef?.resource);
  return [
    ...[...LOADING]
      .filter((resource) => !removed.includes(resource))
      .map((resource) => `${name}: nobody deleted its ${resource} of ${cluster} after ${since}`),
    ...(requests.some(nodesOf) ? [] : [`${name}: nobody wrote for which nodes of ${cluster} it is`]),
  ];
}

function isRemoval({ verb, userAgent = '', objectRef: { resource = '' } = {} }: AuditedRequest): boolean {
  return verb === 'delete' && (LOADING.has(resource) || (resource === 'pods' && AGENTS.test(userAgent)));
}

/** Its DaemonSet first had others. */
function hasOtherNodes(request: AuditedRequest, requests: Requests): boolean {
  const nodes = nodesOf(request);
  if (!nodes) return false;
  const first = requests.find(
    (other) => other.objectRef?.name === request.objectRef?.name && nodesOf(other) !== undefined,
  );
  return first !== undefined && !deepEqual(nodesOf(first), nodes);
}

/** For whom it writes pods; with no selector that is every node. */
function nodesOf({ objectRef, requestObject }: AuditedRequest): object | undefined {
  if (objectRef?.resource !== 'daemonsets') return undefined;
  const body = requestObject as { spec?: { template?: { spec?: { nodeSelector?: object } } } } | undefined;
  const pod = body?.spec?.template?.spec;
  return pod && (pod.nodeSelector ?? {});
}

/** Objects of all rounds that were deleted at once: it names none of them. */
function swept(server: (typeof SERVERS)[number], requests: Requests): string[] {
  return requests
    .filter(({ verb }) => verb === 'deletecollection')
    .map(({ objectRef, requestReceivedTimestamp: at }) => ({ resource: objectRef?.resource ?? '', at }))
    .filter(({ resource }) =>
      server === 'hub' ? resource === WORKS : LOADING.has(resource) || resource === 'pods',
    )
    .map(({ resource, at }) => `all ${resource} of ${server} were deleted at ${at}`);
}

/** Writes of our operators to one object, or to all objects of one round. */
function storms(round: Round, logs: Logs): string[] {
  const writes = SERVERS.flatMap((server) =>
    of(round, logs[server])
      .filter(isWriteOfOurs)
      .map(({ objectRef }) => `${objectRef?.resource} ${objectRef?.name} on ${server}`),
  );
  const objects = Map.groupBy(writes, (object) => object);
  return [
    ...[...objects]
      .filter(([, { length }]) => length > WRITES_MAX.object)
      .map(([object, { length }]) => `${round.name}: ${length} writes of ${object}`),
    ...(writes.length > WRITES_MAX.round ? [`${round.name}: ${writes.length} writes of our operators`] : []),
  ];
}

/** Writes of an operator to whatever there is, rounds or not. */
function meanStorm(rounds: number, server: string, requests: Requests): string[] {
  const perRound = requests.filter(isWriteOfOurs).length / rounds;
  return perRound > WRITES_MAX.mean
    ? [`${server}: ${perRound.toFixed(0)} writes of our operator per round`]
    : [];
}

const isWriteOfOurs = ({ verb, userAgent = '' }: AuditedRequest): boolean =>
  WRITES.has(verb) && OPERATORS.has(userAgent);
