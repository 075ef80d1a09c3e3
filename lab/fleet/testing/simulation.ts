import {
  createKubeClient,
  createManualClock,
  createRandom,
  type KubeClient,
  type ManualClock,
  silentLog,
} from '@kmm-fleet/runtime';
import { createMemoryApi, type MemoryApi } from './memory-api.ts';

/** An API server in memory on a clock of its own, and clients for it. */
export interface Simulation {
  readonly clock: ManualClock;
  readonly random: () => number;
  readonly log: typeof silentLog;
  readonly api: MemoryApi;
  client(userAgent: string): KubeClient;
}

export function createSimulation(seed = 1): Simulation {
  const clock = createManualClock();
  const random = createRandom(seed);
  const api = createMemoryApi(clock);
  return {
    clock,
    random,
    log: silentLog,
    api,
    client: (userAgent) => createKubeClient({ transport: api.transport, clock, random, userAgent }),
  };
}
