import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import { createKubeClient, createManualClock, createRandom, silentLog } from '@kmm-fleet/runtime';
import { describeWorkAgent } from './work-agent.contract.ts';

describeWorkAgent("the lab's work agent", async () => {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(1);
  const cluster = 'c1';
  const fleet = createFleet({
    clock,
    random,
    log: silentLog,
    registryTransport: createMemoryRegistry(),
    clusters: [{ name: cluster, nodes: [] }],
  });
  const stop = new AbortController();
  const running = fleet.run(stop.signal);
  const client = (server: typeof fleet.hub) =>
    createKubeClient({ transport: server.transport, clock, random, userAgent: 'user' });
  const spoke = fleet.clusters.get(cluster)?.server ?? fleet.hub;
  return {
    cluster,
    hub: client(fleet.hub),
    spoke: client(spoke),
    pass: (ms) => clock.advance(ms),
    async stop() {
      stop.abort();
      await clock.settle();
      await running;
    },
  };
});
