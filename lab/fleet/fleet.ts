import { readFileSync } from 'node:fs';
import { createRegistry, type RegistryTransport } from '@kmm-fleet/images';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  aborted,
  type Clock,
  createKubeClient,
  type KubeClient,
  type KubeObject,
  type Log,
  type Random,
  type Transport,
} from '@kmm-fleet/runtime';
import { parse } from 'yaml';
import { type ApiServer, createApiServer } from '../api-server/index.ts';
import { startDaemonSets } from './daemonsets/start-daemonsets.ts';
import { startHeartbeat } from './node/heartbeat.ts';
import { createNode, type NodeOptions, type SimulatedNode } from './node/node.ts';
import { startRegistration } from './registration/start-registration.ts';
import { joinRunning, type Running } from './running.ts';
import { startWorkAgent } from './work-agent/start-work-agent.ts';

export interface ClusterShape {
  readonly name: string;
  /** Labels of the ManagedCluster. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodes: readonly NodeOptions[];
}

export interface FleetOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How nodes reach registries. */
  readonly registryTransport: RegistryTransport;
  readonly clusters: readonly ClusterShape[];
}

export interface FleetCluster<S extends ControlPlane = ApiServer> {
  readonly server: S;
  readonly nodes: ReadonlyMap<string, SimulatedNode>;
}

/** A hub and its clusters without hub and spoke processes: API servers, OCM's agents, DaemonSets and nodes. */
export interface Fleet<S extends ControlPlane = ApiServer> {
  readonly hub: S;
  readonly clusters: ReadonlyMap<string, FleetCluster<S>>;
  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  settled(): boolean;
}

/** An API server as the fleet needs it. */
export interface ControlPlane {
  readonly name: string;
  readonly transport: Transport;
}

/** A fleet on API servers of the lab, with what is installed on each. */
export function createFleet(options: FleetOptions): Fleet {
  const { clock, random, clusters } = options;
  const server = (name: string, objects: readonly KubeObject[]) =>
    createApiServer({ clock, random, name, objects });
  return assembleFleet(options, {
    hub: server('hub', [...ocmStandIns(clusters), ...groundObjects(editions.hub)]),
    cluster: (name) =>
      server(name, [...crds(['clusterclaims', 'appliedmanifestworks']), ...groundObjects(editions.spoke)]),
    controllers: (ports) => [startDaemonSets(ports)],
  });
}

/**
 * A fleet on control planes that are there and bring their own controllers and scheduler;
 * {@link groundObjects} must have been applied to them.
 */
export function joinFleet<S extends ControlPlane>(
  options: FleetOptions,
  planes: {
    readonly hub: S;
    readonly cluster: (name: string) => S;
    /** OCM's own agents run there. */
    readonly hasAgents: boolean;
  },
): Fleet<S> {
  return assembleFleet(options, {
    ...planes,
    controllers: (ports, nodes) => nodes.map((node) => startHeartbeat(node, ports)),
  });
}

interface Parts<S extends ControlPlane> {
  readonly hub: S;
  readonly cluster: (name: string) => S;
  readonly hasAgents?: boolean;
  /** What a cluster's control plane lacks, or what it expects of nodes. */
  readonly controllers: (
    ports: Pick<FleetOptions, 'clock' | 'random' | 'log'> & { readonly client: KubeClient },
    nodes: readonly string[],
  ) => readonly Running[];
}

function assembleFleet<S extends ControlPlane>(options: FleetOptions, parts: Parts<S>): Fleet<S> {
  const { clock, random, log } = options;
  const { hub } = parts;
  const client = (to: ControlPlane, userAgent: string): KubeClient =>
    createKubeClient({ transport: to.transport, clock, random, userAgent });
  const registry = createRegistry({ transport: options.registryTransport, clock, random });
  const clusters = new Map(
    options.clusters.map(({ name, nodes }) => {
      const spoke = parts.cluster(name);
      const ports = { client: client(spoke, 'kubelet'), registry, clock, random, log };
      return [
        name,
        { server: spoke, nodes: new Map(nodes.map((node) => [node.name, createNode(node, ports)])) },
      ] as const;
    }),
  );

  const startCluster = ([name, { server: spoke, nodes }]: readonly [string, FleetCluster<S>]): Running => {
    const common = { clock, random, log };
    return joinRunning([
      ...parts.controllers({ client: client(spoke, 'kube-controller-manager'), ...common }, [
        ...nodes.keys(),
      ]),
      ...(parts.hasAgents ? [] : startAgents(name, spoke, common)),
      ...[...nodes.values()].map((node) => node.start()),
    ]);
  };

  const startAgents = (cluster: string, spoke: S, common: Pick<FleetOptions, 'clock' | 'random' | 'log'>) => {
    const ports = (userAgent: string) => ({
      cluster,
      hubHost: `https://${hub.name}`,
      ...common,
      hub: client(hub, userAgent),
      spoke: client(spoke, userAgent),
    });
    return [startRegistration(ports('registration-agent')), startWorkAgent(ports('work-agent'))];
  };

  let running: Running | undefined;
  return {
    hub,
    clusters,
    settled: () => running?.settled() ?? false,
    async run(signal) {
      running = joinRunning([...clusters].map(startCluster));
      await aborted(signal);
      await running.stop();
    },
  };
}

/** What OCM has on a hub: its kinds, and for each cluster its namespace and its object, in this order. */
export function ocmStandIns(clusters: readonly ClusterShape[]): KubeObject[] {
  return [...crds(['managedclusters', 'manifestworks']), ...clusters.flatMap(acceptedCluster)];
}

/** CustomResourceDefinitions of OCM. */
function crds(names: readonly string[]): KubeObject[] {
  const path = (name: string) => new URL(`../crds/${name}.yaml`, import.meta.url);
  return names.map((name) => parse(readFileSync(path(name), 'utf8')) as KubeObject);
}

function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** A cluster that joined the hub: its object and its namespace. */
function acceptedCluster({ name, labels = {} }: ClusterShape): KubeObject[] {
  const cluster: KubeObject = {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name, labels: { name, ...labels } },
    spec: { hubAcceptsClient: true, leaseDurationSeconds: 60 },
  };
  return [namespace(name), cluster];
}
