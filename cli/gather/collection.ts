import { createLimiter, type KubeClient, type Limiter, type Transport } from '@kmm-fleet/runtime';
import { createKnownSecrets, type KnownSecrets } from './redact/known-secrets.ts';
import type { NodeRow } from './summary/node-row.ts';
import { createProblemTally, type ProblemTally } from './summary/problems.ts';
import type { Unreadable } from './summary/render-summary.ts';

export interface CollectPorts {
  readonly client: KubeClient;
  readonly transport: Transport;
  /** Writes a file below the folder of the gather. @returns its bytes */
  save(path: string, text: string | AsyncIterable<string>): Promise<number>;
  progress(line: string): void;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** What a collection has come to, and what it still needs. */
export interface Collection {
  readonly problems: ProblemTally;
  readonly secrets: KnownSecrets;
  readonly unreadable: Unreadable[];
  readonly absent: string[];
  readonly counts: Record<string, number>;
  readonly nodes: NodeRow[];
  readonly logsLimiter: Limiter;
  /** Lists that came, however short. */
  read: number;
  logs: number;
  bytes: number;
  operatorPods: number;
  /** Of the Deployment of the operator; its pods are called after it. */
  readonly deployment: string;
  operatorLogs: number;
  /** Images that containers of the operator run: they tell its version. */
  readonly operatorImages: Set<string>;
  /** Labels of pods say whose they are; their namespaces come from here. */
  readonly operatorNamespace: string;
  readonly selectors: Readonly<Record<string, string>>[];
}

/** Log requests under way at once. */
export const LOGS_AT_ONCE = 8;

export function createCollection(operatorNamespace: string, deployment: string): Collection {
  return {
    problems: createProblemTally(),
    secrets: createKnownSecrets(),
    unreadable: [],
    absent: [],
    counts: {},
    nodes: [],
    logsLimiter: createLimiter(LOGS_AT_ONCE),
    read: 0,
    logs: 0,
    bytes: 0,
    operatorPods: 0,
    deployment,
    operatorLogs: 0,
    operatorImages: new Set(),
    operatorNamespace,
    selectors: [],
  };
}

/** `+=` with an await in it would forget what others have added meanwhile. */
export function addBytes(into: Collection, bytes: number): void {
  into.bytes += bytes;
}
