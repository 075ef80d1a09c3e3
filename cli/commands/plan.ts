import {
  checkManagedClusterModule,
  describeFinding,
  type ManifestWork,
  type ModuleImage,
  matchesSelector,
  OPERATOR,
  RESOURCES,
} from '@kmm-fleet/api';
import { clusterView, diffWork, planWork, type Wait, type WorkPlan } from '@kmm-fleet/hub';
import { deepEqual, type KubeObject, listAll } from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { paint, print, table, UserError } from '../output/terminal.ts';
import { type ConnectionOptions, connected, withConnection } from './connection.ts';
import { readObjectsFrom } from './lint.ts';

/** What would happen on one cluster. */
export interface ClusterPlan {
  readonly cluster: string;
  /** Of its ManifestWork. */
  readonly action: 'create' | 'update' | 'delete' | 'none';
  /** That happens when images are ready which are not yet. */
  readonly waitsForImages: boolean;
  readonly kernels: readonly {
    readonly kernel: string;
    readonly image: string;
    readonly state: string;
    readonly message: string;
  }[];
}

/** `kmm plan -f mcm.yaml`: what the hub would do, by the hub's own planner, before anything is applied. */
export function addPlanCommand(program: Command): void {
  withConnection(
    program.command('plan').description('what would happen, per cluster and kernel, if this were applied'),
  )
    .requiredOption('-f, --filename <file>', 'YAML file with a ManagedClusterModule, or -')
    .option('--namespace <name>', "the hub operator's namespace", OPERATOR.hubNamespace)
    .action(plan);
}

async function plan(options: ConnectionOptions & { filename: string; namespace: string }): Promise<void> {
  const mcm = readObjectsFrom(options.filename).find(({ kind }) => kind === 'ManagedClusterModule');
  if (!mcm) throw new UserError(`${options.filename} holds no ManagedClusterModule.`, 2);
  const checked = checkManagedClusterModule(mcm);
  if (!checked.ok) {
    const findings = checked.findings.map(describeFinding).join('\n  ');
    throw new UserError(`${options.filename} would be refused, and nothing would change:\n  ${findings}`);
  }
  await connected(options, async (client) => {
    const [clusters, works, images] = await Promise.all([
      listAll(client, RESOURCES.managedCluster),
      listAll<ManifestWork>(client, RESOURCES.manifestWork),
      listAll<ModuleImage>(client, RESOURCES.moduleImage),
    ]);
    const plans = planClusters({ mcm, clusters, works, images, operatorNamespace: options.namespace });
    print(options.output === 'json' ? JSON.stringify(plans) : describePlans(plans, clusters.length));
  });
}

/** The hub's plan for every cluster that would be touched, sorted. Pure. */
export function planClusters(input: {
  readonly mcm: KubeObject;
  readonly clusters: readonly KubeObject[];
  readonly works: readonly ManifestWork[];
  readonly images: readonly ModuleImage[];
  readonly operatorNamespace: string;
}): ClusterPlan[] {
  const checked = checkManagedClusterModule(input.mcm);
  if (!checked.ok) return [];
  const images = new Map(input.images.map((image) => [image.metadata.name, image]));
  const { name } = checked.value.metadata;
  const plans = input.clusters.map((object) => {
    const cluster = clusterView(object);
    const work = input.works.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === cluster.metadata.name,
    );
    const plan = planWork({
      mcm: { uid: input.mcm.metadata.uid ?? ownerOf(work), checked },
      cluster,
      isSelected: matchesSelector(checked.value.spec.selector, cluster.labels),
      operatorNamespace: input.operatorNamespace,
      image: (image, spec) => {
        const known = images.get(image);
        return known && deepEqual(known.spec, spec) ? known : undefined;
      },
      work,
    });
    return toClusterPlan(cluster.metadata.name, plan, work);
  });
  return plans.filter((plan) => plan !== undefined).sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}

/** `ImageWanted`, `ImageBuilding`, `ImageSigning`: it comes without anybody doing anything. */
const isForImage = ({ reason, state }: Wait) => reason.startsWith('Image') && state === 'Progressing';

/** The uid of the module as its work has it; a file that was never applied knows none. */
function ownerOf(work: ManifestWork | undefined): string {
  const owners = work?.metadata['ownerReferences'] as { uid: string }[] | undefined;
  return owners?.[0]?.uid ?? '';
}

function toClusterPlan(
  cluster: string,
  plan: WorkPlan,
  work: ManifestWork | undefined,
): ClusterPlan | undefined {
  const change = diffWork(plan, work);
  if (plan.action.kind === 'delete')
    return work && { cluster, action: 'delete', waitsForImages: false, kernels: [] };
  const waitsForImages = plan.waits.some(isForImage);
  const action = change || waitsForImages ? (work ? 'update' : 'create') : 'none';
  const waits = new Map(plan.waits.map((wait) => [wait.kernel, wait]));
  const wanted = plan.wanted.map(({ spec }) => ({ kernel: spec.kernelVersion, image: spec.image }));
  const others = plan.waits
    .filter(({ kernel }) => !wanted.some((one) => one.kernel === kernel))
    .map(({ kernel = '' }) => ({ kernel, image: '' }));
  return {
    cluster,
    action,
    waitsForImages,
    kernels: [...wanted, ...others].map(({ kernel, image }) => {
      const wait = waits.get(kernel) ?? waits.get(undefined);
      return { kernel, image, state: wait?.reason ?? 'Ready', message: wait?.message ?? '' };
    }),
  };
}

/** A table with a row per cluster and kernel, what waits with its message, and a sum. Pure but for colours. */
export function describePlans(plans: readonly ClusterPlan[], clusters: number): string {
  if (plans.length === 0)
    return `None of ${plural(clusters, 'cluster')} matches spec.selector, and none has the module.`;
  const rows = plans.flatMap(({ cluster, action, kernels }) =>
    (kernels.length > 0 ? kernels : [{ kernel: '', image: '', state: '', message: '' }]).map(
      (kernel, index) => [
        index === 0 ? cluster : '',
        index === 0 ? paint(action === 'delete' ? 'red' : action === 'none' ? 'dim' : 'green', action) : '',
        kernel.kernel,
        kernel.state,
        kernel.image,
      ],
    ),
  );
  const made = new Set(
    plans.flatMap(({ kernels }) =>
      kernels.filter(({ state, image }) => image && state !== 'Ready').map(({ image }) => image),
    ),
  );
  const touched = plans.filter(({ action }) => action !== 'none');
  const later = touched.filter(({ waitsForImages }) => waitsForImages).length;
  const reasons = new Set(
    plans.flatMap(({ kernels }) =>
      kernels.filter(({ state }) => state !== 'ImageWanted').map(({ message }) => message),
    ),
  );
  return [
    table(['CLUSTER', 'WORK', 'KERNEL', 'STATE', 'IMAGE'], rows),
    '',
    ...[...reasons].filter(Boolean),
    `${touched.length} of ${plural(clusters, 'cluster')} would change${later > 0 ? `, ${later} of them when their images are ready` : ''}; ` +
      `${plural(made.size, 'image')} would be looked up or made.`,
  ].join('\n');
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
