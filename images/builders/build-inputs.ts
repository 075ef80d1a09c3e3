import type { KubeObject } from '@kmm-fleet/runtime';
import type { BuildSecret } from './builder.ts';

/** One file that a build reads, in a Secret. */
export interface Input {
  /** Of the Secret's data. */
  readonly key: string;
  /** Where it stands in a volume. */
  readonly path: string;
  /** Base 64. */
  readonly text: string;
}

/** Label of what is made for a build: the name of the Job or Build. */
export const BUILD_LABEL = 'kmm.node.kubernetes.io/build';

/** Annotation of a Job or Build: the image that it makes. */
export const IMAGE_ANNOTATION = 'kmm.node.kubernetes.io/image';

/** Annotation of a Job or Build: the hash of what it builds from. */
export const INPUTS_ANNOTATION = 'kmm.node.kubernetes.io/build-inputs';

/** Of everything that is made for a build. */
export const buildMetadata = (name: string, namespace: string) => ({
  name,
  namespace,
  labels: {
    'app.kubernetes.io/name': 'kmm',
    'app.kubernetes.io/component': 'build',
    [BUILD_LABEL]: name,
  },
});

/** Nodes of the selector of a build, of the architecture that modules are signed for. */
export const nodesOf = (nodeSelector: Readonly<Record<string, string>> | undefined) => ({
  'kubernetes.io/os': 'linux',
  'kubernetes.io/arch': 'amd64',
  ...nodeSelector,
});

/** Each file of each secret, by path below `folder`. */
export const secretFiles = (secrets: readonly BuildSecret[], folder: string) =>
  secrets.flatMap(({ name, files }) =>
    Object.entries(files).map(([key, bytes]) => [`${folder}/${name}/${key}`, bytes] as const),
  );

/** What is undefined is left out. */
export function inputsOf(files: readonly (readonly [string, string | Uint8Array | undefined])[]): Input[] {
  // Two paths may differ in characters that keys do not have.
  return files.flatMap(([path, content], index) =>
    content === undefined ? [] : [{ key: `file-${index}`, path, text: base64(content) }],
  );
}

export const inputsSecret = (metadata: KubeObject['metadata'], inputs: readonly Input[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata,
  type: 'Opaque',
  data: Object.fromEntries(inputs.map(({ key, text }) => [key, text])),
});

export const base64 = (content: string | Uint8Array): string => Buffer.from(content).toString('base64');
