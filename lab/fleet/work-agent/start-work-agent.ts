import { createHash } from 'node:crypto';
import { RESOURCES } from '@kmm-fleet/api';
import { CORE, createCache, createQueue, type KubeObject } from '@kmm-fleet/runtime';
import { type Running, startController } from '../running.ts';
import type { Agent, WorkAgentPorts } from './agent.ts';
import { createApplier } from './apply-manifest.ts';
import { createFeedbackWatches } from './feedback-watches.ts';
import { reconcileAvailability } from './reconcile-availability.ts';
import { reconcileApplied, reconcileDeletion, reconcileFinalizer } from './reconcile-ends.ts';
import { reconcileWork } from './reconcile-work.ts';
import { restMapping } from './rest-mapping.ts';
import type { Work } from './work-view.ts';

/** Workers per kind of pass, as OCM's agent has them. */
const WORKERS = 10;
const STATUS_SYNC_MS = 10_000;

/**
 * A work agent with OCM's observable behaviour. Not supported, and said in the work's conditions: executors, strategy
 * ReadOnly, ignoreFields, condition rules. Left out: eviction of works whose hub is gone.
 */
export function startWorkAgent(ports: WorkAgentPorts): Running {
  const { cluster, hub, spoke, clock, random, log } = ports;
  const common = { clock, random, log };
  const works = createCache<Work>({
    client: hub,
    type: RESOURCES.manifestWork,
    namespace: cluster,
    ...common,
  });
  const applied = createCache({ client: spoke, type: RESOURCES.appliedManifestWork, ...common });
  const definitions = createCache({ client: spoke, type: CORE.customResourceDefinition, ...common });
  let mapping = restMapping([]);

  const watches = createFeedbackWatches({ client: spoke, ...common }, (key) => queues.status.add(key));
  const agent: Agent = {
    ...ports,
    hubHash: createHash('sha256').update(ports.hubHost).digest('hex'),
    statusSyncIntervalMs: ports.statusSyncIntervalMs ?? STATUS_SYNC_MS,
    work: (key) => works.get(key),
    mapping: () => mapping,
    applier: createApplier(spoke, clock),
    watches,
    now: () => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  const queue = (
    name: string,
    reconcile: Parameters<typeof createQueue>[0]['reconcile'],
    limits: object = {},
  ) => createQueue({ name: `${name}-${cluster}`, reconcile, concurrency: WORKERS, ...common, ...limits });
  const queues = {
    finalizer: queue('work-finalizer', (key, signal) => reconcileFinalizer(agent, key, signal)),
    apply: queue('work-apply', (key, signal) => reconcileWork(agent, key, signal)),
    status: queue('work-status', (key, signal) => reconcileAvailability(agent, key, signal)),
    deletion: queue('work-deletion', (key, signal) => reconcileDeletion(agent, key, signal)),
    applied: queue('applied-work', (key, signal) => reconcileApplied(agent, applied.get(key), signal)),
  };

  definitions.onChange(({ before, after }) => {
    if (before && after && sameTypes(before, after)) return;
    mapping = restMapping(definitions.all());
    // A kind that came may be the one that a work waits for.
    for (const work of works.all()) if (hasFailed(work)) queues.apply.add(`${cluster}/${work.metadata.name}`);
  });
  works.onChange(({ key, before, after }) => {
    if (!after) return watches.follow(key, []);
    if (after.metadata.deletionTimestamp) return queues.deletion.add(key);
    queues.finalizer.add(key);
    if (!before || wantsPass(before) !== wantsPass(after)) queues.apply.add(key);
    queues.status.add(key);
  });
  applied.onChange(({ key, before, after }) => {
    if (after) queues.applied.add(key);
    const name = ((after ?? before)?.['spec'] as { manifestWorkName?: string } | undefined)?.manifestWorkName;
    const work = name ? works.get(`${cluster}/${name}`) : undefined;
    if (!after && work)
      (work.metadata.deletionTimestamp ? queues.deletion : queues.apply).add(`${cluster}/${name}`);
  });

  const running = startController([works, applied, definitions], Object.values(queues));
  return {
    ...running,
    async stop() {
      await running.stop();
      await watches.stop();
    },
  };
}

/** Changes when the work has to be applied again; a write of its status does not. */
const wantsPass = ({ metadata }: Work) =>
  `${metadata.uid}/${metadata.generation}/${(metadata.finalizers ?? []).join()}`;

const sameTypes = (a: KubeObject, b: KubeObject) => JSON.stringify(a['spec']) === JSON.stringify(b['spec']);

const hasFailed = ({ status }: Work) =>
  status?.conditions?.some(({ type, status: value }) => type === 'Applied' && value === 'False') ?? false;
