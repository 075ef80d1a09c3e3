import { RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';

/** A hub, one cluster with a work agent, and a way to let time pass there. */
export interface WorkAgentUnderTest {
  readonly cluster: string;
  readonly hub: KubeClient;
  readonly spoke: KubeClient;
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

interface Told {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

/** Status of a ManifestWork, as far as the contract looks at it. */
export interface WorkStatus {
  readonly conditions?: readonly Told[];
  readonly resourceStatus?: {
    readonly manifests?: readonly {
      readonly resourceMeta: { readonly kind: string };
      readonly conditions: readonly Told[];
      readonly statusFeedback: {
        readonly values?: readonly {
          readonly name: string;
          readonly fieldValue: {
            readonly string?: string;
            readonly integer?: number;
            readonly boolean?: boolean;
          };
        }[];
      };
    }[];
  };
}

/** Ways to look at works and what came of them. */
export interface Works extends WorkAgentUnderTest {
  put(name: string, manifests: readonly object[], spec?: object): Promise<KubeObject>;
  work(name: string): Promise<KubeObject | undefined>;
  status(name: string): Promise<WorkStatus>;
  /** Waits until the agent has applied the current spec, and returns the status. */
  applied(name: string): Promise<WorkStatus>;
  configMap(name: string): Promise<KubeObject | undefined>;
  /** Lets time pass until the check gives something. */
  until<T>(what: string, check: () => Promise<T | undefined | false>): Promise<T>;
  /** Removes works and what they brought. */
  clear(): Promise<void>;
}

const STEP_MS = 200;
const PATIENCE_MS = 90_000;

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

export function startWorks(under: WorkAgentUnderTest): Works {
  const { cluster: namespace, hub, spoke } = under;
  const work = (name: string) => hub.get(RESOURCES.manifestWork, { namespace, name });
  const until: Works['until'] = async (what, check) => {
    for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
      const result = await check();
      if (result !== undefined && result !== false) return result;
      await under.pass(STEP_MS);
    }
    throw new Error(`${what} did not come in ${PATIENCE_MS / 1_000} s`);
  };
  const mapNames = async () =>
    (await listAll(spoke, CORE.configMap, { namespace: 'default' }))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.length === 1);
  return {
    ...under,
    work,
    until,
    status: async (name) => ((await work(name))?.['status'] ?? {}) as WorkStatus,
    configMap: (name) => spoke.get(CORE.configMap, { namespace: 'default', name }),
    async put(name, manifests, spec = {}) {
      const existing = await work(name);
      const metadata = existing?.metadata ?? { name, namespace, labels: { origin: 'test' } };
      const next = {
        apiVersion: 'work.open-cluster-management.io/v1',
        kind: 'ManifestWork',
        metadata,
        spec: { ...spec, workload: { manifests } },
      };
      if (!existing) return hub.create(RESOURCES.manifestWork, next);
      return hub.mergePatch(RESOURCES.manifestWork, { namespace, name }, { spec: next.spec }, {});
    },
    applied: (name) =>
      until(`${name} to be applied`, async () => {
        const found = await work(name);
        const status = (found?.['status'] ?? {}) as WorkStatus;
        const condition = status.conditions?.find(({ type }) => type === 'Applied');
        return condition?.observedGeneration === found?.metadata.generation && found && status;
      }),
    async clear() {
      for (const { metadata } of await listAll(hub, RESOURCES.manifestWork, { namespace }))
        await hub.delete(RESOURCES.manifestWork, { namespace, name: metadata.name });
      for (const name of await mapNames()) {
        await spoke.mergePatch(
          CORE.configMap,
          { namespace: 'default', name },
          { metadata: { finalizers: null } },
          {},
        );
        await spoke.delete(CORE.configMap, { namespace: 'default', name });
      }
      await until('the end of all works', async () => {
        const works = await listAll(hub, RESOURCES.manifestWork, { namespace });
        return works.length + (await mapNames()).length === 0;
      });
    },
  };
}
