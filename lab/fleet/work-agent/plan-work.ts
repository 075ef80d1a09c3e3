import type { KubeObject, ResourceType } from '@kmm-fleet/runtime';
import { kindRank } from './kind-rank.ts';
import { type ManifestConfig, manifestConfig } from './manifest-config.ts';
import { type RestMapping, splitVersion } from './rest-mapping.ts';
import type { ResourceMeta, Work } from './work-view.ts';

/** What is to be done for one manifest. */
export interface WorkStep {
  readonly meta: ResourceMeta;
  readonly manifest: KubeObject;
  readonly config: ManifestConfig;
  /** Absent together with a problem. */
  readonly type?: ResourceType;
  /** Why it cannot be applied. */
  readonly problem?: string;
  /** The object must not go when the work does. */
  readonly isOrphaned: boolean;
}

/** Bytes of manifests that one work may hold. */
const MANIFESTS_BYTES_MAX = 512_000;

/** The manifests of a work in the order in which they are applied. What this agent cannot do is said, never skipped. */
export function planWork(work: Work, mapping: RestMapping): WorkStep[] {
  const manifests = (work.spec.workload?.manifests ?? []) as unknown as KubeObject[];
  const wholeProblem = problemOfWork(work, manifests);
  const steps = manifests.map((manifest, ordinal) => step(work, manifest, ordinal, mapping, wholeProblem));
  return steps.sort((a, b) => rank(a) - rank(b) || a.meta.ordinal - b.meta.ordinal);
}

const rank = ({ manifest }: WorkStep) => kindRank(manifest.kind);

function step(
  work: Work,
  manifest: KubeObject,
  ordinal: number,
  mapping: RestMapping,
  wholeProblem: string | undefined,
): WorkStep {
  const { name = '', namespace = '' } = (manifest.metadata ?? {}) as Partial<KubeObject['metadata']>;
  const type = mapping(manifest.apiVersion, manifest.kind);
  const { group, version } = splitVersion(manifest.apiVersion);
  const meta: ResourceMeta = {
    ordinal,
    group,
    version,
    kind: manifest.kind,
    resource: type?.plural ?? '',
    name,
    namespace: type?.namespaced === false ? '' : namespace,
  };
  const config = manifestConfig(work, meta);
  const problem = wholeProblem ?? problemOf(manifest, type, config);
  const isOrphaned = orphans(work, meta);
  return {
    meta,
    manifest,
    config,
    isOrphaned,
    ...(type && { type }),
    ...(problem !== undefined && { problem }),
  };
}

function problemOfWork(work: Work, manifests: readonly KubeObject[]): string | undefined {
  if (work.spec.executor) return 'spec.executor is not supported by this agent';
  const size = manifests.reduce((sum, manifest) => sum + byteLength(JSON.stringify(manifest)), 0);
  if (size > MANIFESTS_BYTES_MAX) {
    return `the size of manifests is ${size} bytes which exceeds the ${MANIFESTS_BYTES_MAX} limit`;
  }
  return undefined;
}

/** UTF-8 bytes of a text, without a platform's encoder. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function problemOf(
  manifest: KubeObject,
  type: ResourceType | undefined,
  config: ManifestConfig,
): string | undefined {
  if (!manifest.metadata?.name) return 'name must be set in manifest';
  if (!type) return `the server doesn't have a resource type "${manifest.kind}"`;
  if (type.namespaced && !manifest.metadata.namespace)
    return `an empty namespace may not be set during creation`;
  if (config.unsupported.length > 0) return `${config.unsupported.join(' and ')} not supported by this agent`;
  return undefined;
}

interface OrphaningRule {
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

function orphans(work: Work, meta: ResourceMeta): boolean {
  const option = work.spec.deleteOption as
    | { propagationPolicy?: string; selectivelyOrphans?: { orphaningRules?: readonly OrphaningRule[] } }
    | undefined;
  if (option?.propagationPolicy === 'Orphan') return true;
  if (option?.propagationPolicy !== 'SelectivelyOrphan') return false;
  // Exact names only: OCM knows no wildcards here.
  return (option.selectivelyOrphans?.orphaningRules ?? []).some(
    ({ group = '', resource, namespace = '', name }) =>
      group === meta.group &&
      resource === meta.resource &&
      namespace === meta.namespace &&
      name === meta.name,
  );
}
