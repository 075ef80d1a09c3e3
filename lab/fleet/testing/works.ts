import { createHash } from 'node:crypto';
import { RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { statusOf, type Work, type WorkStatus } from '../work-agent/work-view.ts';
import { type Simulation, simulateFleet } from './simulation.ts';

/** Name that the agent of the simulated fleet gives to what it keeps about a work. */
export const appliedName = (work: string) =>
  `${createHash('sha256').update('https://hub').digest('hex')}-${work}`;

export const configMap = (
  name: string,
  data: Record<string, string> = {},
  rest: object = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...rest },
  data,
});

/** A cluster without nodes, its agent, and ways to look at works and what came of them. */
export interface WorkWorld extends Simulation {
  put(name: string, manifests: readonly object[], spec?: object): Promise<KubeObject>;
  work(name: string): Promise<Work | undefined>;
  status(name: string): Promise<WorkStatus>;
  /** Waits until the agent has applied the current spec, and returns the status. */
  applied(name: string): Promise<WorkStatus>;
  configMap(name: string): Promise<KubeObject | undefined>;
}

export function startWorks(): WorkWorld {
  const made = simulateFleet([{ name: 'c1', nodes: [] }]);
  const work = async (name: string) =>
    (await made.hub.get(RESOURCES.manifestWork, { namespace: 'c1', name })) as Work | undefined;
  const status = async (name: string) => {
    const found = await work(name);
    return found ? statusOf(found) : {};
  };
  return {
    ...made,
    work,
    status,
    configMap: (name) => made.spoke().get(CORE.configMap, { namespace: 'default', name }),
    async put(name, manifests, spec = {}) {
      const existing = await work(name);
      const metadata = existing?.metadata ?? { name, namespace: 'c1', labels: { origin: 'test' } };
      const next = {
        apiVersion: 'work.open-cluster-management.io/v1',
        kind: 'ManifestWork',
        metadata,
        spec: { ...spec, workload: { manifests } },
      };
      return existing
        ? made.hub.replace(RESOURCES.manifestWork, next)
        : made.hub.create(RESOURCES.manifestWork, next);
    },
    applied: (name) =>
      made.until(`${name} to be applied`, async () => {
        const found = await work(name);
        const condition = found && statusOf(found).conditions?.find(({ type }) => type === 'Applied');
        return condition?.observedGeneration === found?.metadata.generation && found && statusOf(found);
      }),
  };
}
