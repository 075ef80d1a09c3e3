import type { PulledImage } from '@kmm-fleet/images';
import type { ContainerProcess } from './container-process.ts';
import type { Container } from './pod.ts';

/** How a run of a container ended. Times in milliseconds since the epoch. */
export interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export type ContainerState =
  | { readonly state: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly state: 'running'; readonly startedAtMs: number; readonly process: ContainerProcess }
  | ({ readonly state: 'terminated' } & Terminated);

/** What happens to a container at a time to come. */
export interface NextStep {
  readonly atMs: number;
  /** `start` tries again, `back-off` only shows that it waits, `exit` ends the main process. */
  readonly step: 'start' | 'back-off' | 'exit';
  /** For `back-off`: what is shown, and when the try after it is due. */
  readonly shown?: { readonly reason: string; readonly message: string; readonly untilMs: number };
  readonly exitCode?: number;
}

/** What a node remembers of one container of a pod. The pod's worker is the only writer. */
export interface ContainerRecord {
  readonly spec: Container;
  readonly isInit: boolean;
  state: ContainerState;
  last: Terminated | undefined;
  restartCount: number;
  /** Failed runs in a row. */
  crashes: number;
  /** Failed pulls in a row. */
  pullFailures: number;
  /** It has run at least once: the pod is no longer Pending for it. */
  hasRun: boolean;
  image: PulledImage | undefined;
  next: NextStep | undefined;
}

export function createContainerRecord(spec: Container, isInit: boolean): ContainerRecord {
  return {
    spec,
    isInit,
    state: { state: 'waiting', reason: 'ContainerCreating' },
    last: undefined,
    restartCount: 0,
    crashes: 0,
    pullFailures: 0,
    hasRun: false,
    image: undefined,
    next: undefined,
  };
}
