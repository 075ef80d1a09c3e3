import {
  bad,
  type Checked,
  findRegexp,
  found,
  good,
  kernelVariables,
  type NodeSystem,
  OPERATOR,
  regexpProblem,
  substitute,
  TOOLKIT_STREAM,
} from '@kmm-fleet/api';

/** Where toolkit images are found. */
export interface Toolkits {
  /** Entries of the ConfigMap; undefined: there is none. */
  readonly catalogue?: Readonly<Record<string, string>> | undefined;
  /** Undefined: the cluster has no such API. */
  readonly stream?: ToolkitStream | 'forbidden' | undefined;
}

/** OpenShift's stream of toolkits, and what tells which of them is for which kernel. */
export interface ToolkitStream {
  /** Each is called after the version of RHEL CoreOS that its toolkit is for. */
  readonly tags: readonly ToolkitTag[];
  readonly systems: readonly NodeSystem[];
}

export interface ToolkitTag {
  readonly name: string;
  readonly image: string;
}

/** As KMM tells it: by the text, wherever the word stands. */
export const usesToolkit = (dockerfile: string): boolean => dockerfile.includes('DTK_AUTO');

const STREAM = `ImageStream ${TOOLKIT_STREAM.namespace}/${TOOLKIT_STREAM.name}`;
const NOTHING: ToolkitStream = { tags: [], systems: [] };
/** Of tags and versions in a message. */
const NAMES_MAX = 5;

/**
 * The toolkit image of a kernel, for DTK_AUTO: what the catalogue says, or else what the stream has. Pure.
 * See docs/decisions/0006.
 */
export function planToolkit(toolkits: Toolkits, kernel: string): Checked<string> {
  return fromCatalogue(toolkits.catalogue ?? {}, kernel) ?? fromStream(toolkits.stream, kernel);
}

/** Each value is `<kernel regexp> <image>`; the first match in key order counts. */
function fromCatalogue(
  catalogue: Readonly<Record<string, string>>,
  kernel: string,
): Checked<string> | undefined {
  for (const [name, value] of Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [regexp = '', image = '', ...rest] = value.trim().split(/\s+/);
    const problem = regexpProblem(regexp);
    if (!image || rest.length > 0 || problem) {
      const message = `ConfigMap ${OPERATOR.toolkits}: "${name}" is not "<kernel regexp> <image>"${problem ? ` (${problem})` : ''}.`;
      return bad(found('ToolkitInvalid', `data.${name}`, message, 'Correct the entry.'));
    }
    if (!findRegexp(regexp, kernel)) continue;
    const variables = kernelVariables(kernel);
    return variables.ok ? good(substitute(image, { ...variables.value })) : variables;
  }
  return undefined;
}

/**
 * The tag of a version that brings this kernel. Where several do, the oldest counts: a hub that is upgraded gets newer
 * tags, and images must not be built anew for that.
 */
function fromStream(stream: Toolkits['stream'], kernel: string): Checked<string> {
  const { tags, systems } = typeof stream === 'object' ? stream : NOTHING;
  const versions = versionsOf(systems, kernel);
  const [tag] = tags
    .filter(({ name }) => versions.includes(name))
    .sort((a, b) => compareVersions(a.name, b.name));
  if (tag) return good(tag.image);
  const { why, next } = lackOf(stream, versions);
  const message = `The Dockerfile uses DTK_AUTO and no entry of ConfigMap ${OPERATOR.toolkits} matches kernel ${kernel}${why}.`;
  return bad(found('ToolkitMissing', '', message, `Add an entry "<kernel regexp> <image>"${next}.`));
}

/** What the stream lacks, and what helps beside an entry in the catalogue. */
function lackOf(stream: Toolkits['stream'], versions: readonly string[]) {
  if (!stream) return { why: '', next: '' };
  if (stream === 'forbidden')
    return {
      why: `; the operator may not read ${STREAM}`,
      next: ', or grant it: apply what kmm install prints, and let the operator start again',
    };
  if (versions.length === 0)
    return {
      why: `; no node tells which RHEL CoreOS brings it, so ${STREAM} is of no help`,
      next: ', or run a spoke of this version where the kernel is: it publishes that',
    };
  const has = stream.tags.map(({ name }) => name).sort(compareVersions);
  return {
    why: `; it comes with RHEL CoreOS ${some(versions)}, and ${STREAM} has ${has.length > 0 ? `${some(has)} only` : 'no tag'}`,
    next: ': "oc adm release info --image-for=driver-toolkit" names it on a cluster with that kernel',
  };
}

const versionsOf = (systems: readonly NodeSystem[], kernel: string): string[] =>
  [...new Set(systems.filter((one) => one.kernel === kernel).map(({ version }) => version))].sort(
    compareVersions,
  );

/** The newest of sorted names. */
const some = (names: readonly string[]): string => {
  const shown = names.slice(-NAMES_MAX).join(' or ');
  return names.length > NAMES_MAX ? `${shown} or ${names.length - NAMES_MAX} older ones` : shown;
};

/** By the numbers in them: 412.86.9-0 is older than 412.86.10-0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/\D+/).map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : Number(a > b);
}
