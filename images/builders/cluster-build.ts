import type { FailureCode, KubeObject, ObjectName } from '@kmm-fleet/runtime';

/** How the pods of builds stand on their cluster, whatever makes them. */
export interface ClusterBuildSettings {
  readonly namespace: string;
  /** How much of its node's disk a build may take. */
  readonly bytesMax: number;
  /** How long a build goes on that nobody looks after any more. */
  readonly minutesMax: number;
  readonly resources: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>> | undefined>>;
}

/** What is made on the cluster for a build. */
export interface ClusterBuild {
  readonly object: KubeObject;
  /** They become the object's, and go away with it. */
  readonly secrets: readonly KubeObject[];
}

/** What is seen of it later. */
export interface BuildSight {
  readonly progress: BuildProgress;
  /** Containers whose logs are that of the build, in their order. */
  readonly logs: readonly { readonly pod: ObjectName; readonly container: string }[];
  /** The end of the log, where the pod may be gone before it was read. */
  readonly snippet?: string | undefined;
}

/** How far a build in a pod has come. */
export type BuildProgress =
  | { readonly kind: 'running' }
  | { readonly kind: 'built'; readonly digest: string }
  /** buildah ended with this code. */
  | { readonly kind: 'failed'; readonly command: 'bud' | 'push'; readonly exitCode: number }
  /** Something around buildah ended it, or keeps it from beginning. */
  | { readonly kind: 'ended'; readonly code: FailureCode; readonly message: string };

/** What a kernel does with a build that takes more memory than it may. */
export const OUT_OF_MEMORY: BuildProgress = {
  kind: 'ended',
  code: 'BUILD_FAILED',
  message: 'The build used more memory than its pod may.',
};

/** What a node does with a pod that takes too much of it. @param message the kubelet's */
export function evicted(message: string): BuildProgress {
  const code = /EmptyDir|ephemeral/.test(message) ? 'BUILD_TOO_LARGE' : 'BUILD_FAILED';
  return { kind: 'ended', code, message: `The build was ended by the node: ${message}` };
}
