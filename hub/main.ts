import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { OPERATOR } from '@kmm-fleet/api';
import { createBuildah, createRegistry, createRegistryTransport } from '@kmm-fleet/images';
import {
  systemClock as clock,
  createEvents,
  createHttpTransport,
  createKubeClient,
  createLog,
  createMetrics,
  loadKubeConnection,
  systemRandom as random,
  readConfig,
  runLeased,
  runProcess,
  serveHealth,
} from '@kmm-fleet/runtime';
import { HubConfig } from './config.ts';
import { createHub } from './start-hub.ts';

const read = readConfig(HubConfig, process.env);
if (!read.ok) {
  process.stderr.write(`kmm-hub cannot start:\n  ${read.problems.join('\n  ')}\n`);
  process.exit(2);
}
const { config } = read;
const log = createLog('kmm-hub', { level: config.LOG_LEVEL });

await runProcess(log, async (signal) => {
  const metrics = createMetrics();
  const transport = createHttpTransport(loadKubeConnection(process.env));
  const client = createKubeClient({ transport, clock, random, metrics, userAgent: 'kmm-hub' });
  const ca = config.KMM_REGISTRY_CA_FILE && readFileSync(config.KMM_REGISTRY_CA_FILE, 'utf8');
  const hub = createHub({
    client,
    clock,
    random,
    log,
    metrics,
    events: createEvents({ client, clock, component: 'kmm-hub', log }),
    registry: createRegistry({ transport: createRegistryTransport(ca), clock, random }),
    builder: createBuildah({ directory: config.KMM_BUILD_DIR, ca }),
    operatorNamespace: config.OPERATOR_NAMESPACE,
  });
  const health = config.HEALTH_PORT
    ? await serveHealth({ port: config.HEALTH_PORT, metrics, ready: hub.ready })
    : undefined;
  const identity = `${hostname()}_${process.pid}_${Math.round(random() * 1e9)}`;
  const lease = {
    client,
    clock,
    random,
    log,
    namespace: config.OPERATOR_NAMESPACE,
    name: OPERATOR.hubLease,
    identity,
  };
  log.info('hub.started', { port: health?.port ?? 0 });
  if (config.LEADER_ELECTION) await runLeased(lease, (leading) => hub.run(leading), signal);
  else await hub.run(signal);
  if (!signal.aborted) throw new Error('The lease was lost; another hub may work now.');
  await health?.close();
  await transport.close();
});
