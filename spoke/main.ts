import { hostname } from 'node:os';
import { OPERATOR } from '@kmm-fleet/api';
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
import { SpokeConfig } from './config.ts';
import { createSpoke } from './start-spoke.ts';

const read = readConfig(SpokeConfig, process.env);
if (!read.ok) {
  process.stderr.write(`kmm cannot start:\n  ${read.problems.join('\n  ')}\n`);
  process.exit(2);
}
const { config } = read;
const log = createLog('kmm', { level: config.LOG_LEVEL });

await runProcess(log, async (signal) => {
  const metrics = createMetrics();
  const transport = createHttpTransport(loadKubeConnection(process.env));
  const client = createKubeClient({ transport, clock, random, metrics, userAgent: 'kmm' });
  const events = createEvents({ client, clock, component: 'kmm', log });
  const shared = { client, clock, random, log, metrics, events };
  const { isManaged, isClear } = config.KMM_MANAGED;
  if (!isClear) log.error('config.unclear', { message: 'KMM_MANAGED is no boolean; it counts as false.' });
  const images = isManaged
    ? undefined
    : (await import('./standalone/load-images.ts')).loadImages(shared, config);
  const spoke = createSpoke({ ...shared, isManaged, images, operatorNamespace: config.OPERATOR_NAMESPACE });
  const health = config.HEALTH_PORT
    ? await serveHealth({ port: config.HEALTH_PORT, metrics, ready: spoke.ready })
    : undefined;
  const identity = `${hostname()}_${process.pid}_${Math.round(random() * 1e9)}`;
  const lease = {
    client,
    clock,
    random,
    log,
    namespace: config.OPERATOR_NAMESPACE,
    name: OPERATOR.lease,
    identity,
  };
  log.info('spoke.started', { port: health?.port ?? 0, reason: isManaged ? 'Managed' : 'StandAlone' });
  if (config.LEADER_ELECTION) await runLeased(lease, (leading) => spoke.run(leading), signal);
  else await spoke.run(signal);
  if (!signal.aborted) throw new Error('The lease was lost; another operator may work now.');
  await health?.close();
  await transport.close();
});
