import type { Clock, KubeClient, Log, Random } from '@kmm-fleet/runtime';
import type { Applier } from './apply-manifest.ts';
import type { FeedbackWatches } from './feedback-watches.ts';
import type { RestMapping } from './rest-mapping.ts';
import type { Work } from './work-view.ts';

export interface WorkAgentPorts {
  readonly cluster: string;
  /** Says `work-agent` in its user agent, so that this is its field manager too. */
  readonly hub: KubeClient;
  readonly spoke: KubeClient;
  /** Address of the hub as the agent's kubeconfig names it: AppliedManifestWorks are named by its hash. */
  readonly hubHost: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How often feedback without a watch is read. */
  readonly statusSyncIntervalMs?: number;
}

/** What the agent's passes share. */
export interface Agent extends WorkAgentPorts {
  readonly hubHash: string;
  readonly statusSyncIntervalMs: number;
  readonly work: (key: string) => Work | undefined;
  readonly mapping: () => RestMapping;
  readonly applier: Applier;
  readonly watches: FeedbackWatches;
  readonly now: () => string;
}
