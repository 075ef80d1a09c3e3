import { systemClock as clock } from '@kmm-fleet/runtime';
import { installObjects } from '../../fleet/index.ts';
import { allOver } from '../all-over.ts';
import { createKeeper, type Keeper } from '../keeper.ts';
import { freePort } from '../registry.ts';
import { startAll } from '../start-all.ts';
import { carryPolicies } from './carry-policies.ts';
import { ocmProgram } from './ocm.ts';
import {
  namespaceObject,
  PROPAGATOR_NAMESPACE,
  policyClusterObjects,
  policyHubObjects,
} from './policy-objects.ts';
import type { RealFleet } from './real-fleet.ts';
import { goTool } from './tools.ts';

/** What of RHACM installs by policy, and OCM's add-on manager, beside a fleet that is up. */
export interface PolicyStack {
  stop(): Promise<void>;
}

/** Starts placement controller, add-on manager and propagator on the hub, and a policy controller on each cluster. */
export async function startPolicyStack(
  fleet: RealFleet,
  directory: string,
  progress: (line: string) => void,
): Promise<PolicyStack> {
  return startAll(async (defer) => {
    const keeper = createKeeper(directory);
    defer(() => keeper.stop());
    await startOnHub(fleet, keeper, progress);
    await startOnClusters(fleet, keeper, progress);
    const end = new AbortController();
    const framework = carryPolicies(fleet, end.signal);
    defer(() => {
      end.abort();
      return framework;
    });
    return {};
  });
}

async function startOnHub(
  { hub, client }: RealFleet,
  keeper: Keeper,
  progress: (line: string) => void,
): Promise<void> {
  const { program: ocm } = await ocmProgram(progress);
  const propagator = await goTool('propagator', progress);
  await installObjects(client('hub'), await policyHubObjects(), clock);
  const kubeconfig = `--kubeconfig=${hub.kubeconfig()}`;
  const common = [kubeconfig, '--namespace=open-cluster-management-hub', '--disable-leader-election'];
  for (const part of ['placement-controller', 'addon-manager'])
    keeper.keep(part, ocm, [part, ...common, `--listen=${await freeAddress()}`]);
  const env = { WATCH_NAMESPACE: '', POD_NAMESPACE: PROPAGATOR_NAMESPACE, DISABLE_REPORT_METRICS: 'true' };
  const args = [kubeconfig, '--enable-webhooks=false', ...(await flags())];
  keeper.keep('propagator', propagator, args, env);
}

async function startOnClusters(
  { clusters, client }: RealFleet,
  keeper: Keeper,
  progress: (line: string) => void,
): Promise<void> {
  const controller = await goTool('policy-controller', progress);
  const definitions = await policyClusterObjects();
  await allOver(
    [...clusters].map(async ([name, plane]) => {
      await installObjects(client(name), [namespaceObject(name), ...definitions], clock);
      const args = ['controller', `--kubeconfig=${plane.kubeconfig()}`, `--cluster-name=${name}`];
      args.push('--enable-ocm-policy-namespace=false', ...(await flags()));
      keeper.keep(`${name}-policy-controller`, controller, args, { WATCH_NAMESPACE: name });
    }),
  );
}

const freeAddress = async () => `127.0.0.1:${await freePort()}`;

const flags = async () => [
  '--leader-elect=false',
  `--health-probe-bind-address=${await freeAddress()}`,
  `--metrics-bind-address=${await freeAddress()}`,
];
