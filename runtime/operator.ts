import { hostname } from 'node:os';
import * as z from 'zod';
import { type Clock, systemClock as clock } from './clock.ts';
import { readConfig, settingProblem } from './config.ts';
import { createEvents, type EventRecorder } from './events.ts';
import { serveHealth } from './health.ts';
import type { KubeClient } from './kube/client.ts';
import { createHttpTransport } from './kube/http-transport.ts';
import { createKubeClient } from './kube/kube-client.ts';
import { loadKubeConnection } from './kube/kube-config.ts';
import type { KubeObject } from './kube/object.ts';
import { createLog, type Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOperatorLife, type Operator } from './operator-life.ts';
import { runProcess } from './process.ts';
import { type Random, systemRandom as random } from './random.ts';
import { refusalOf } from './side-by-side.ts';
import { type Reviews, runWebhooks } from './webhooks/run-webhooks.ts';

/** What every controller is given: the API server, time and chance, and where to tell people things. */
export interface OperatorPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly metrics?: Metrics | undefined;
}

/** Settings of every operator, read once at its start from the environment. */
export const operatorSettings = (namespace: string) => ({
  OPERATOR_NAMESPACE: z
    .string()
    .min(1)
    .default(namespace)
    .describe('Where the operator and its objects are.'),
  HEALTH_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('Health and metrics over HTTP; 0 is off.'),
  WEBHOOK_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('Reviews of objects for API servers over HTTPS; 0 is off.'),
  WEBHOOK_CERT_DIR: z
    .string()
    .optional()
    .describe('Folder with tls.crt and tls.key; without it the operator makes a certificate.'),
  WEBHOOK_HOST: z
    .string()
    .max(253)
    .optional()
    .describe('What API servers call it by, where that is not its Service.'),
  LOG_LEVEL: z.enum(['debug', 'info', 'error']).default('info'),
  LEADER_ELECTION: z.stringbool().default(true).describe('Work only while holding the lease.'),
});

type Settings = z.ZodObject<ReturnType<typeof operatorSettings>>;

/**
 * The process of an operator: reads its settings, connects, serves health and metrics, and works while it holds the
 * lease. Ends with code 2 when settings are wrong, its port is taken or no API server is named, with 1 when the lease is lost: another one may work then. Ends with
 * code 3, and has written nothing, when another operator works on the cluster or a kind is of another version.
 */
export async function runOperator<S extends Settings>(options: {
  /** Component in logs and events, user agent at the API server. */
  readonly name: string;
  readonly leaseName: string;
  readonly settings: S;
  readonly reviews: Reviews;
  /** Of its kinds, as this version has them. */
  readonly definitions: readonly KubeObject[];
  readonly create: (ports: OperatorPorts, config: z.output<S>) => Operator | Promise<Operator>;
}): Promise<void> {
  const { name, leaseName, settings, reviews, definitions, create } = options;
  const read = readConfig(settings, process.env);
  const refuse = (problems: readonly string[]): never => {
    process.stderr.write(`${name} cannot start:\n  ${problems.join('\n  ')}\n`);
    process.exit(2);
  };
  if (!read.ok) return refuse(read.problems);
  const { HEALTH_PORT, LEADER_ELECTION, LOG_LEVEL, OPERATOR_NAMESPACE: namespace } = read.config;
  const { WEBHOOK_PORT, WEBHOOK_CERT_DIR: folder, WEBHOOK_HOST: host } = read.config;
  const log = createLog(name, { level: LOG_LEVEL });
  await runProcess(log, async (signal) => {
    const metrics = createMetrics();
    const { KUBECONFIG } = process.env;
    const connection = await loadKubeConnection(process.env).catch(({ message }: Error) =>
      refuse([KUBECONFIG ? settingProblem('KUBECONFIG', KUBECONFIG, message) : message]),
    );
    const transport = createHttpTransport(connection);
    const client = createKubeClient({ transport, clock, random, metrics, userAgent: name });
    const events = createEvents({ client, clock, component: name, log });
    const operator = await create({ client, clock, random, log, events, metrics }, read.config);
    const life = createOperatorLife(operator, events, clock);
    const health = HEALTH_PORT
      ? await serveHealth({ port: HEALTH_PORT, metrics, ...life }).catch(({ message }: Error) =>
          refuse([settingProblem('HEALTH_PORT', String(HEALTH_PORT), message)]),
        )
      : undefined;
    log.info('operator.started', { port: health?.port ?? 0 });
    const refusal = await refusalOf({ client, clock, log, namespace, leaseName, definitions }, signal);
    if (refusal) {
      log.error('operator.refused', { message: refusal });
      process.exit(3);
    }
    const serving = { ...reviews, client, clock, log, namespace, port: WEBHOOK_PORT, folder, host };
    const reviewing = WEBHOOK_PORT ? runWebhooks(serving, signal) : undefined;
    const identity = `${hostname()}_${process.pid}_${Math.round(random() * 1e9)}`;
    const lease = { client, clock, random, log, namespace, name: leaseName, identity };
    await life.run(LEADER_ELECTION ? lease : undefined, signal);
    if (!signal.aborted) throw new Error('The lease was lost; another operator may work now.');
    await reviewing;
    await health?.close();
    await transport.close();
  });
}
