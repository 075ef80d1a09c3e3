import {
  type Checked,
  describeFinding,
  type Finding,
  found,
  imageWait,
  type ManagedClusterModule,
  type Manifest,
  type ManifestWork,
  type ModuleImage,
  type ModuleImageSpec,
  manifestWorkFor,
  type Pin,
  parseImageReference,
  pinnedModule,
  readyDigest,
  WORK_NAME_CHARS_MAX,
  withDigest,
} from '@kmm-fleet/api';
import type { ClusterView } from '../clusters/cluster-view.ts';
import { keptNamespace } from './kept-namespace.ts';
import type { KernelImages } from './kernel-images.ts';

export interface WorkInput {
  /** undefined: the module is gone, or on its way. */
  readonly mcm: { readonly uid: string; readonly checked: Checked<ManagedClusterModule> } | undefined;
  readonly cluster: ClusterView | undefined;
  /** The module's selector matches the cluster. */
  readonly isSelected: boolean;
  /** What the module needs for a kernel. */
  readonly kernelImages: KernelImages;
  /** A ModuleImage whose recipe is the wanted one; undefined while there is none. */
  readonly image: (name: string, wanted: ModuleImageSpec) => ModuleImage | undefined;
  readonly work: ManifestWork | undefined;
}

/** Why a kernel, or a whole cluster, does not have what it should have. */
export interface Wait {
  readonly kernel?: string;
  /** How it will end: by itself, by an edit, or only when what failed is mended. */
  readonly state: 'Progressing' | 'Waiting' | 'Degraded';
  readonly reason: string;
  readonly message: string;
}

export interface WorkPlan {
  readonly action:
    | { readonly kind: 'apply'; readonly work: ManifestWork }
    | { readonly kind: 'delete' }
    | { readonly kind: 'keep' };
  /** Images that this cluster needs, by name of their ModuleImage, sorted. */
  readonly wanted: readonly { readonly name: string; readonly spec: ModuleImageSpec }[];
  readonly waits: readonly Wait[];
}

const KEEP = { kind: 'keep' } as const;

/** Decides the work of one module on one cluster: docs/decisions/0004 and 0018 tell the rules. Pure. */
export function planWork(input: WorkInput): WorkPlan {
  const { mcm, cluster } = input;
  if (!mcm || !cluster || cluster.isDeleting) return { action: { kind: 'delete' }, wanted: [], waits: [] };
  if (!mcm.checked.ok) return waitForPerson(mcm.checked.findings);
  if (!input.isSelected) return { action: { kind: 'delete' }, wanted: [], waits: [] };
  const { value } = mcm.checked;
  if (value.metadata.name.length > WORK_NAME_CHARS_MAX) return waitForPerson([nameTooLong()]);
  const plan = planCluster(input, mcm.uid, value, cluster);
  const { spokeNamespace } = value.spec;
  const kept = keptNamespace(input.work, spokeNamespace);
  return kept ? { ...plan, waits: [waitOf([namespaceKept(kept, spokeNamespace)]), ...plan.waits] } : plan;
}

function planCluster(
  input: WorkInput,
  uid: string,
  mcm: ManagedClusterModule,
  cluster: ClusterView,
): WorkPlan {
  if (!mcm.spec.moduleSpec.moduleLoader) return apply(input, uid, mcm, cluster, []);
  if (!cluster.kernels.ok) return waitForPerson(cluster.kernels.findings);
  return planKernels(input, uid, mcm, cluster, cluster.kernels.value);
}

function planKernels(
  input: WorkInput,
  uid: string,
  mcm: ManagedClusterModule,
  cluster: ClusterView,
  kernels: readonly string[],
): WorkPlan {
  const current = pinsOf(input.work);
  const planned = kernels.map((kernel) => planKernel(input, mcm, kernel, current));
  const pins = new Map(planned.flatMap(({ pin }) => (pin ? [[pin.kernel, pin] as const] : [])));
  const wanted = new Map(planned.flatMap(({ image }) => (image ? [[image.name, image] as const] : [])));
  const rest = {
    wanted: [...wanted.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    waits: planned.flatMap(({ wait }) => (wait ? [wait] : [])),
  };
  // An empty list of mappings is refused by every spoke, and would unload what runs.
  if (pins.size === 0) return { action: KEEP, ...rest };
  return { ...apply(input, uid, mcm, cluster, [...pins.values()]), ...rest };
}

interface KernelPlan {
  readonly pin?: Pin;
  readonly image?: { readonly name: string; readonly spec: ModuleImageSpec };
  readonly wait?: Wait;
}

function planKernel(
  input: WorkInput,
  mcm: ManagedClusterModule,
  release: string,
  current: ReadonlyMap<string, string>,
): KernelPlan {
  const needed = input.kernelImages(mcm, release);
  if (!needed.ok) return { wait: waitOf(needed.findings, release) };
  const { kernel, inTreeModulesToRemove, name, spec } = needed.value;
  const image = input.image(name, spec);
  const digest = readyDigest(image);
  // Only a digest counts as a pin.
  const kept = current.get(kernel);
  const pinned = digest ? pinTo(spec.image, digest) : kept?.includes('@sha256:') ? kept : undefined;
  return {
    image: { name, spec },
    ...(pinned && { pin: { kernel, image: pinned, inTreeModulesToRemove } }),
    ...(!digest && { wait: waitForImage(kernel, name, image, pinned !== undefined) }),
  };
}

function pinTo(reference: string, digest: string): string {
  const parsed = parseImageReference(reference);
  if (!parsed.ok) throw new RangeError(`${reference} was parsed before`);
  return withDigest(parsed.value, digest);
}

/** Images that a work carries, by kernel. */
export function pinsOf(work: ManifestWork | undefined): Map<string, string> {
  const manifest: Manifest | undefined = work?.spec.workload?.manifests?.[0];
  const spec = manifest?.['spec'] as ManagedClusterModule['spec']['moduleSpec'] | undefined;
  const mappings = spec?.moduleLoader?.container?.kernelMappings ?? [];
  return new Map(mappings.map(({ literal = '', containerImage = '' }) => [literal, containerImage]));
}

function apply(
  { work }: WorkInput,
  uid: string,
  mcm: ManagedClusterModule,
  cluster: ClusterView,
  pins: readonly Pin[],
): WorkPlan {
  if (work?.metadata.deletionTimestamp) {
    const message = 'The work of an earlier selection is still being removed by the cluster.';
    return {
      action: KEEP,
      wanted: [],
      waits: [{ state: 'Progressing', reason: 'WaitingForSpoke', message }],
    };
  }
  const { spokeNamespace } = mcm.spec;
  const desired = manifestWorkFor({
    name: mcm.metadata.name,
    uid,
    cluster: cluster.metadata.name,
    module: pinnedModule(mcm, pins, keptNamespace(work, spokeNamespace) ?? spokeNamespace),
  });
  return { action: { kind: 'apply', work: desired }, wanted: [], waits: [] };
}

function waitForPerson(findings: readonly Finding[]): WorkPlan {
  return { action: KEEP, wanted: [], waits: [waitOf(findings)] };
}

function waitOf(findings: readonly Finding[], kernel?: string): Wait {
  const [first] = findings;
  if (!first) throw new RangeError('a refusal needs a finding');
  const message = findings.map(describeFinding).join(' ').slice(0, 1_000);
  return { ...(kernel && { kernel }), state: 'Waiting', reason: first.reason, message };
}

function waitForImage(kernel: string, name: string, image: ModuleImage | undefined, hasPin: boolean): Wait {
  const { isStuck, ...told } = imageWait(name, image, hasPin ? 'The cluster keeps the image it has.' : '');
  return { kernel, state: isStuck ? 'Degraded' : 'Progressing', ...told };
}

function nameTooLong(): Finding {
  const message = `The name has more than ${WORK_NAME_CHARS_MAX} characters.`;
  return found('NameTooLong', 'metadata.name', message, 'OCM cannot carry it: choose a shorter name.');
}

function namespaceKept(kept: string, wanted: string): Finding {
  const message = `The Module stays in ${kept}: to move it to ${wanted}, every node would unload it first.`;
  const next = `Put ${kept} back. To move it all the same, take the cluster out of spec.selector until its work is gone, or delete the module and create it anew.`;
  return found('SpokeNamespaceChanged', 'spec.spokeNamespace', message, next);
}
