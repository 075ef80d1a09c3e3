import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { operatorUser, patiently, readAuditLog, until } from '@kmm-fleet/lab';
import { CORE, deepEqual, type ResourceType } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditViolations, unseen } from './faults/audit-violations.ts';
import { type FaultFleet, faultModule, startFaultFleet } from './faults/fault-fleet.ts';
import { isForgotten, lacks, leftOf, loaderUid, readyDigest } from './faults/observe.ts';
import { type Round, tellRound } from './faults/tell-round.ts';

const HOUR_MS = 3_600_000;
const LEASE = { namespace: OPERATOR.hubNamespace, name: OPERATOR.hubLease };
/** That the agents of a cluster that is cut off talk to. */
const SERVERS = ['hub', 'west'] as const;
const HUBS = ['hub', 'standby'] as const;
type Hub = (typeof HUBS)[number];

/** Requests that change something, but for the lease itself. */
const writesOf = (fleet: FaultFleet, hub: Hub) =>
  fleet.proxy(hub).requests.filter(({ method, path }) => method !== 'GET' && !path.includes('/leases'));

describe('a fleet with two hubs, one of whose clocks is an hour ahead', () => {
  let fleet: FaultFleet;
  const rounds: Round[] = [];
  let state: readonly string[] | undefined;
  const calmRound = async (seed: number, module: string) => {
    const told = (round: Round) => void rounds.push(round);
    ({ state } = await tellRound(fleet, seed, module, { isCalm: true, told, ...(state && { state }) }));
  };
  beforeAll(async () => {
    fleet = await startFaultFleet(() => {}, { standbySkewMs: HOUR_MS });
    await until('a leader', async () => (await holder()) !== undefined);
  });
  afterAll(() => fleet?.stop());

  const lease = async () => {
    const object = await fleet.client('hub').get(CORE.lease, LEASE);
    return (object?.['spec'] ?? {}) as { holderIdentity?: string; renewTime?: string };
  };
  const holder = async () => (await lease()).holderIdentity || undefined;
  const leader = async (): Promise<Hub> => {
    const identity = await holder();
    const found = HUBS.find((hub) => identity?.includes(`_${fleet.operator(hub).pid()}_`));
    if (!found) throw new Error(`nobody here is ${identity}`);
    return found;
  };
  const other = (hub: Hub): Hub => (hub === 'hub' ? 'standby' : 'hub');

  it('has one at work at a time', async () => {
    const leading = await leader();

    await calmRound(1, 'kmm_faults_0');

    expect(writesOf(fleet, leading).length).toBeGreaterThan(0);
    expect(writesOf(fleet, other(leading))).toEqual([]);
  });

  it('goes on without one that stands still, which writes nothing when it wakes up', async () => {
    const asleep = await leader();
    const pid = fleet.operator(asleep).pid();
    process.kill(pid, 'SIGSTOP');
    await until('the other leads', async () => (await leader()) === other(asleep));
    await calmRound(2, 'kmm_faults_1');
    const before = writesOf(fleet, asleep).length;

    process.kill(pid, 'SIGCONT');
    await until('it has ended', async () => fleet.operator(asleep).pid() !== pid);
    await calmRound(3, 'kmm_faults_2');

    expect(writesOf(fleet, asleep).slice(before)).toEqual([]);
    const aheadMs = Date.parse((await lease()).renewTime ?? '') - Date.now();
    expect(aheadMs > HOUR_MS / 2).toBe(asleep === 'hub');
    expect(await leader()).toBe(other(asleep));
  });

  it('goes on without one that is killed', async () => {
    const killed = await leader();
    fleet.operator(killed).kill();

    await calmRound(4, 'kmm_faults_3');

    expect(writesOf(fleet, other(killed)).length).toBeGreaterThan(0);
  });

  describe('when a cluster is cut off', () => {
    const names = { name: 'outage', module: 'kmm_faults_0' };
    const put = (version: 1 | 2) =>
      fleet.client('hub').apply(RESOURCES.managedClusterModule, faultModule(fleet, names, version), {
        fieldManager: 'user',
        force: true,
      });
    const digestOf = (version: 1 | 2) =>
      readyDigest(fleet, `${fleet.images.registry}/${names.name}:v${version}`);
    const lacksVersion = (version: 1 | 2, ...clusters: ('east' | 'west')[]) => {
      const digest = digestOf(version);
      return digest ? clusters.flatMap((cluster) => lacks(fleet, cluster, names, digest)) : ['no image'];
    };
    const waitingOf = async () => {
      const mcm = await fleet.client('hub').get(RESOURCES.managedClusterModule, { name: names.name });
      const { waiting = [] } = (mcm?.['status'] ?? {}) as { waiting?: { cluster: string; reason: string }[] };
      return waiting;
    };
    /** Of its signed images. */
    const digests: string[] = [];
    let began = '';
    /** Its agents stand still, and the connections on which they would be told something are gone. */
    const cutOff = async () => {
      process.kill(fleet.operator('west').pid(), 'SIGSTOP');
      fleet.signalAgent('west', 'work', 'SIGSTOP');
      await Promise.all(
        SERVERS.map(async (name) => {
          // They have not seen all: who has seen the last change could go on where it was, whatever a server forgets.
          const annotations = { cut: new Date().toISOString() };
          await fleet
            .client(name)
            .mergePatch(CORE.namespace, { name: 'default' }, { metadata: { annotations } }, {});
          await fleet.plane(name).kill('kube-apiserver');
          await fleet.plane(name).start('kube-apiserver');
        }),
      );
    };
    /** The servers have forgotten what its agents last saw. Returns when they may ask again, RFC 3339. */
    const comesBack = async () => {
      for (const name of SERVERS) await fleet.plane(name).compact();
      const at = new Date().toISOString();
      fleet.signalAgent('west', 'work', 'SIGCONT');
      process.kill(fleet.operator('west').pid(), 'SIGCONT');
      return at;
    };
    /** Who has asked a server for all objects of a kind. */
    const listers = async (server: (typeof SERVERS)[number], { plural }: ResourceType, since: string) => {
      const log = await Array.fromAsync(readAuditLog(fleet.plane(server).auditLog));
      const lists = log.filter(
        ({ verb, objectRef, requestReceivedTimestamp }) =>
          verb === 'list' && objectRef?.resource === plural && requestReceivedTimestamp > since,
      );
      return lists.map(({ user }) => user.username);
    };
    /** A watch that could go on where it ended would not have listed. */
    const expectListed = async (since: string) => {
      const agent = expect.stringMatching(/^system:open-cluster-management:west:/);
      expect(await listers('hub', RESOURCES.manifestWork, since)).toContainEqual(agent);
      const operator = operatorUser(fleet.plane('west'));
      expect(await listers('west', RESOURCES.module, since)).toContain(operator);
    };

    it('leaves there what is, waits for it by name, and catches up', async () => {
      for (const cluster of ['east', 'west'])
        await fleet
          .client('hub')
          .mergePatch(
            RESOURCES.managedCluster,
            { name: cluster },
            { metadata: { labels: { [names.name]: 'wanted' } } },
            {},
          );
      began = new Date().toISOString();
      await put(1);
      await until('version 1 on both', () => lacksVersion(1, 'east', 'west'));
      digests.push(digestOf(1) ?? 'none');
      const pod = await loaderUid(fleet, 'west', names.name);

      await cutOff();
      await put(2);
      await until('version 2 on east', () => lacksVersion(2, 'east'));
      await patiently(async () => fleet.operator(await leader()).kill());
      await until('west alone is waited for', async () =>
        deepEqual(
          (await waitingOf()).map(({ cluster, reason }) => [cluster, reason]),
          [['west', 'WaitingForAgent']],
        ),
      );
      expect(await loaderUid(fleet, 'west', names.name)).toBe(pod);

      const pid = fleet.operator('west').pid();
      const back = await comesBack();
      await until('version 2 on west', () => lacksVersion(2, 'west'));
      digests.push(digestOf(2) ?? 'none');
      await expectListed(back);
      expect(fleet.operator('west').pid()).toBe(pid);
    });

    it('unloads there later what was deleted meanwhile, and only then forgets it', async () => {
      await cutOff();
      const deleted = new Date().toISOString();
      await fleet.client('hub').delete(RESOURCES.managedClusterModule, { name: names.name }, {});
      await until('east is empty', () => leftOf(fleet, 'east', names));
      expect(await loaderUid(fleet, 'west', names.name)).toBeDefined();

      const back = await comesBack();
      await until('west is empty', () => leftOf(fleet, 'west', names));
      await until('the hub has forgotten', () => isForgotten(fleet, names.name));
      await expectListed(back);
      const ended = new Date().toISOString();
      rounds.push({ name: names.name, began, westLeft: back, deleted, ended, digests });
    });
  });

  it('unloaded nothing too early, shipped nothing unpinned or unsigned, and wrote no storm', async () => {
    const [hub = [], east = [], west = []] = await Promise.all(
      (['hub', 'east', 'west'] as const).map((name) =>
        Array.fromAsync(readAuditLog(fleet.plane(name).auditLog)),
      ),
    );

    expect(auditViolations(rounds, { hub, east, west })).toEqual([]);
    expect(unseen(rounds, { hub, east, west })).toEqual([]);
  });
});
